use serde_json::{Value, json};

use super::*;

const ALL_EFFECTS: [Effect; 5] = [Effect::Read, Effect::Compute, Effect::Write, Effect::Outward, Effect::Process];

fn read(status: u16, body: &Value, effect: Effect) -> Execution {
    read_with(status, &HeaderMap::new(), body.to_string().as_bytes(), effect)
}

fn read_with(status: u16, headers: &HeaderMap, body: &[u8], effect: Effect) -> Execution {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    classify(StatusCode::from_u16(status).expect("a status"), headers, body, effect, now)
}

fn seen(execution: &Execution) -> (Outcome, Option<ErrorKind>) {
    (execution.outcome, execution.result.as_ref().err().map(Error::kind))
}

#[test]
fn the_registrys_envelope_is_unwrapped() {
    let execution = read(200, &json!({"ok": true, "topic": "dm.stats", "result": {"sent": 3}, "duration_ms": 1.5}), Effect::Read);
    assert_eq!(execution.outcome, Outcome::Executed);
    assert_eq!(execution.result.expect("a result"), json!({"sent": 3}));
}

#[test]
fn a_handlers_failure_ran_and_keeps_its_text() {
    let execution =
        read(200, &json!({"ok": false, "topic": "dm.send", "error": "tab\nclosed", "duration_ms": 2}), Effect::Outward);
    assert_eq!(seen(&execution), (Outcome::Executed, Some(ErrorKind::HandlerError)));
    assert_eq!(execution.result.expect_err("a failure").to_string(), "tab closed");
}

#[test]
fn a_result_that_says_success_false_is_a_failure_that_ran() {
    let execution = read(200, &json!({"ok": true, "result": {"success": false, "error": "not logged in"}}), Effect::Outward);
    assert_eq!(seen(&execution), (Outcome::Executed, Some(ErrorKind::HandlerError)));
    assert_eq!(execution.result.expect_err("a failure").message(), "not logged in");
}

#[test]
fn an_unknown_topic_did_not_run_and_brings_its_suggestions() {
    for body in [
        json!({"ok": false, "error": "Unknown topic: dm.sendd", "suggestions": ["dm.send"]}),
        json!({"ok": false, "error": "unknown_action", "detail": "no handler", "suggestions": ["dm.send"]}),
        json!({"ok": false, "error": "dm.sendd not found", "suggestions": ["dm.send"]}),
    ] {
        let execution = read(200, &body, Effect::Outward);
        assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::UnknownAction)), "{body}");
        assert_eq!(execution.suggestions, ["dm.send"]);
    }
    let contact = read(200, &json!({"ok": false, "error": "contact not found"}), Effect::Outward);
    assert_eq!(contact.outcome, Outcome::Executed, "a handler's own `not found` is not an unknown topic");
    let hinting = read(200, &json!({"ok": false, "error": "message too long", "suggestions": ["shorten it"]}), Effect::Outward);
    assert_eq!(hinting.outcome, Outcome::Executed);
}

#[test]
fn a_success_status_without_an_envelope_proves_nothing() {
    for body in ["", "<html>hello</html>", "[]", "null", "{}", r#"{"result": 1}"#, r#"{"ok": "true"}"#, r#"{"ok": true, "resu"#] {
        for effect in ALL_EFFECTS {
            let execution = read_with(200, &HeaderMap::new(), body.as_bytes(), effect);
            let kind = if effect.is_repeatable() { ErrorKind::Unreachable } else { ErrorKind::OutcomeUnknown };
            assert_eq!(seen(&execution), (Outcome::Unknown, Some(kind)), "{body} {effect}");
        }
    }
}

#[test]
fn ok_true_with_a_failing_status_is_no_success() {
    for status in [302, 400, 404, 409, 429, 500, 503] {
        assert!(read(status, &json!({"ok": true, "result": 1}), Effect::Read).result.is_err(), "{status}");
        assert!(read(status, &json!({"ok": true, "result": 1, "outcome": "executed"}), Effect::Read).result.is_err(), "{status}");
    }
}

#[test]
fn every_status_has_its_place_in_the_table() {
    use ErrorKind::{IdempotencyConflict, InvalidParams, OutcomeUnknown, RateLimited, Unauthorized, UnknownAction, Unreachable};
    let table = [
        (Outcome::NotExecuted, Unreachable, &[301, 307, 308, 405, 410, 421][..]),
        (Outcome::NotExecuted, InvalidParams, &[400, 411, 413, 414, 415, 422, 431]),
        (Outcome::NotExecuted, Unauthorized, &[401, 403]),
        (Outcome::NotExecuted, UnknownAction, &[404]),
        (Outcome::NotExecuted, RateLimited, &[429]),
        (Outcome::Unknown, IdempotencyConflict, &[409]),
        (Outcome::Unknown, OutcomeUnknown, &[302, 303, 402, 408, 418, 499, 500, 502, 503, 504, 599]),
    ];
    for (outcome, kind, statuses) in table {
        for status in statuses {
            assert_eq!(seen(&read(*status, &json!({}), Effect::Outward)), (outcome, Some(kind)), "{status}");
        }
    }
}

#[test]
fn only_what_passes_by_itself_is_marked_as_worth_another_try() {
    for status in [301, 307, 400, 401, 403, 404, 405, 413, 422] {
        let error = read(status, &json!({}), Effect::Read).result.expect_err("a failure");
        assert_eq!(error.retry(), Retry::Never, "{status}");
    }
    let error = read(500, &json!({}), Effect::Outward).result.expect_err("a failure");
    assert_eq!(error.retry(), Retry::Unknown);
}

#[test]
fn retry_after_is_carried_in_seconds_and_as_a_date() {
    for text in ["30", "Fri, 20 Nov 2026 12:00:30 GMT"] {
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, text.parse().expect("a header"))]);
        let error = read_with(429, &headers, b"", Effect::Outward).result.expect_err("a failure");
        assert_eq!(error.retry(), Retry::Later(Duration::from_secs(30)), "{text}");
    }
}

#[test]
fn another_everreach_states_the_outcome_itself() {
    let refused = json!({"ok": false, "outcome": "not_executed", "error": "cost_cap_exceeded", "detail": "the cap is reached"});
    assert_eq!(seen(&read(200, &refused, Effect::Outward)), (Outcome::NotExecuted, Some(ErrorKind::CostCapExceeded)));
    let overloaded = json!({"ok": false, "outcome": "not_executed"});
    assert_eq!(seen(&read(503, &overloaded, Effect::Outward)), (Outcome::NotExecuted, Some(ErrorKind::RateLimited)));
    let held = json!({"ok": false, "outcome": "unknown", "error": "outcome_unknown"});
    assert_eq!(seen(&read(200, &held, Effect::Outward)), (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown)));
    let queued = read(200, &json!({"ok": true, "outcome": "queued", "result": {"command": 7}}), Effect::Outward);
    assert_eq!(seen(&queued), (Outcome::Queued, None));
}

#[test]
fn a_key_that_is_being_worked_on_there_is_never_taken_for_not_executed() {
    for status in [200, 409] {
        let body = json!({"ok": false, "outcome": "not_executed", "error": "idempotency_conflict"});
        assert_eq!(seen(&read(status, &body, Effect::Outward)), (Outcome::Unknown, Some(ErrorKind::IdempotencyConflict)));
    }
    let mismatch = json!({"type": "about:blank", "status": 422, "code": "idempotency_mismatch", "detail": "other body"});
    assert_eq!(seen(&read(422, &mismatch, Effect::Outward)), (Outcome::NotExecuted, Some(ErrorKind::IdempotencyMismatch)));
}

#[test]
fn a_registry_in_this_process_that_came_back_has_run() {
    let inner = json!({"ok": false, "outcome": "not_executed", "error": "rate_limited", "detail": "ten a minute"});
    let failed = (Outcome::Executed, Some(ErrorKind::HandlerError));
    let told = [
        (json!({"ok": true, "outcome": "not_executed"}), (Outcome::Executed, None)),
        (inner, failed),
        (json!({"ok": false, "outcome": "not_executed", "error": "unknown_action"}), failed),
        (json!({"ok": false, "error": "unknown action type in the profile, it was sent"}), failed),
        (json!({"ok": false, "error": "unknown topic 'dm.sned'"}), (Outcome::NotExecuted, Some(ErrorKind::UnknownAction))),
        (json!({"sent": 1}), failed),
    ];
    for (answer, expected) in told {
        assert_eq!(seen(&registry_answer(answer.clone(), Effect::Outward)), expected, "{answer}");
    }
}
