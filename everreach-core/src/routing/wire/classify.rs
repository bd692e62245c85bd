//! What an answer says about the try.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::super::Execution;
use super::super::verdict::{Doubt, in_doubt, judged, unknown_action};
use super::answer::Answer;
use crate::retry::parse_retry_after;
use crate::{Effect, Error, ErrorKind, Outcome, Retry, Timestamp};

/// What became of a try that was answered like this. `now` is for `Retry-After` dates.
///
/// | answer | outcome | error |
/// |---|---|---|
/// | any with an `outcome` of ours | as stated | as stated |
/// | 2xx with `ok: true` | executed | none, or `handler_error` when the result says `success: false` |
/// | 2xx with `ok: false` | executed | `handler_error`; an unknown topic is not executed, `unknown_action` |
/// | 2xx without `ok`, or no JSON object | unknown | held, or `unreachable` for what may be repeated |
/// | 301, 307, 308, 405, 410, 421 | not executed | `unreachable`, final |
/// | 400, 411, 413, 414, 415, 422, 431 | not executed | `invalid_params`, or `idempotency_mismatch` |
/// | 401, 403 | not executed | `unauthorized` |
/// | 404 | not executed | `unknown_action` |
/// | 409 | unknown | `idempotency_conflict`: the key is being worked on there, so the call may be running |
/// | 429 | not executed | `rate_limited`, after `Retry-After` |
/// | all else, 5xx among it | unknown | held, or `unreachable` for what may be repeated |
///
/// ```
/// use everreach_core::routing::wire::classify;
/// use everreach_core::{Effect, Outcome};
/// use http::{HeaderMap, StatusCode};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let answer = classify(StatusCode::OK, &HeaderMap::new(), br#"{"ok": true, "result": 1}"#, Effect::Outward, now);
/// assert_eq!(answer.outcome, Outcome::Executed);
/// let answer = classify(StatusCode::OK, &HeaderMap::new(), b"<html>", Effect::Outward, now);
/// assert_eq!(answer.outcome, Outcome::Unknown);
/// ```
#[must_use]
pub fn classify(status: StatusCode, headers: &HeaderMap, body: &[u8], effect: Effect, now: Timestamp) -> Execution {
    let asked =
        headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| parse_retry_after(text, now));
    judge(status, Answer::parse(body), effect, asked)
}

/// What became of a try that a registry in this process answered like this. It came back, so it ran, unless the registry says that it
/// does not know the topic; an answer without `ok` counts as a failure. An envelope of ours is the answer to some call that the handler
/// made in its turn: whatever it says of *that* call, this one has run.
///
/// ```
/// use everreach_core::routing::wire::registry_answer;
/// use everreach_core::{Effect, ErrorKind, Outcome};
/// use serde_json::json;
/// let answer = registry_answer(json!({"ok": true, "topic": "dm.stats", "result": {"sent": 3}}), Effect::Read);
/// assert_eq!(answer.result.expect("a result"), json!({"sent": 3}));
/// let answer = registry_answer(json!({"ok": false, "error": "Unknown topic: dm.sned"}), Effect::Outward);
/// assert_eq!(answer.outcome, Outcome::NotExecuted);
/// assert_eq!(answer.result.expect_err("unknown").kind(), ErrorKind::UnknownAction);
/// ```
#[must_use]
pub fn registry_answer(answer: Value, effect: Effect) -> Execution {
    let Value::Object(fields) = answer else { return no_envelope() };
    let answer = Answer::of(fields);
    match (answer.ok, answer.outcome) {
        (None, _) => no_envelope(),
        (Some(true), _) => judged(answer.result),
        (Some(false), None) => registry_failure(answer, effect),
        (Some(false), Some(_)) => {
            let detail = answer.detail.unwrap_or_else(|| "a call that the action made failed without a reason".into());
            Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail))
        }
    }
}

fn no_envelope() -> Execution {
    let detail = "the registry answered without an envelope; its answers have the form {ok, topic, result} or {ok, topic, error}";
    Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail))
}

fn judge(status: StatusCode, answer: Option<Answer>, effect: Effect, asked: Option<Duration>) -> Execution {
    match answer {
        Some(Answer { outcome: Some(outcome), .. }) => stated(status, outcome, answer.unwrap_or_default(), effect, asked),
        Some(Answer { ok: Some(true), result, .. }) if status.is_success() => judged(result),
        Some(answer @ Answer { ok: Some(false), .. }) if status.is_success() => registry_failure(answer, effect),
        _ if status.is_success() => in_doubt(
            effect,
            Doubt::Broken,
            format!("the other side answered {} without an envelope; it may have run", status.as_u16()),
        ),
        answer => by_status(status, answer.unwrap_or_default(), effect, asked),
    }
}

/// Another EverReach says itself what became of the call.
fn stated(status: StatusCode, outcome: Outcome, answer: Answer, effect: Effect, asked: Option<Duration>) -> Execution {
    if answer.ok == Some(true) && status.is_success() && outcome != Outcome::Unknown {
        let mut execution = judged(answer.result);
        execution.outcome = outcome;
        return execution;
    }
    let detail = answer.detail.unwrap_or_else(|| "the other side gave no reason".into());
    let kind = answer.word.unwrap_or(match (outcome, status) {
        (Outcome::NotExecuted, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) => ErrorKind::RateLimited,
        _ => ErrorKind::HandlerError,
    });
    match (outcome, kind) {
        // It did not run *for this request*; the request before it with the same key may be running, so nobody may take over.
        (_, ErrorKind::IdempotencyConflict) => conflict(detail, asked),
        (Outcome::Unknown, ErrorKind::Timeout) => in_doubt(effect, Doubt::TimedOut, detail),
        (Outcome::Unknown, _) | (_, ErrorKind::OutcomeUnknown) => in_doubt(effect, Doubt::Broken, detail),
        _ => {
            let execution = Execution::failed(outcome, later(Error::new(kind, detail), asked));
            execution.with_suggestions(answer.suggestions.unwrap_or_default())
        }
    }
}

/// A worker's registry caught the failure: the handler ran, unless there is none.
fn registry_failure(answer: Answer, effect: Effect) -> Execution {
    let unknown = answer.names_unknown_action();
    let detail = answer.detail.unwrap_or_else(|| "the action failed without a reason".into());
    match answer.word {
        _ if unknown => unknown_action(detail, answer.suggestions.unwrap_or_default()),
        Some(ErrorKind::Timeout) => in_doubt(effect, Doubt::TimedOut, detail),
        Some(ErrorKind::OutcomeUnknown) => in_doubt(effect, Doubt::Broken, detail),
        _ => Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail)),
    }
}

fn by_status(status: StatusCode, answer: Answer, effect: Effect, asked: Option<Duration>) -> Execution {
    let code = status.as_u16();
    let say = |sentence: &str| answer.detail.clone().unwrap_or_else(|| sentence.to_owned());
    let refused = |kind, detail| Execution::failed(Outcome::NotExecuted, Error::new(kind, detail).with("status", code));
    match code {
        // 302 and 303 are missing on purpose: servers send them after having done the work.
        301 | 307 | 308 => final_refusal(code, "the endpoint redirects elsewhere; set it to the final address"),
        405 | 410 | 421 => final_refusal(code, "the endpoint takes no actions at this address; check its URL"),
        400 | 422 if answer.word == Some(ErrorKind::IdempotencyMismatch) => {
            refused(ErrorKind::IdempotencyMismatch, say("the idempotency key was used for another request"))
        }
        400 | 411 | 413 | 414 | 415 | 422 | 431 => {
            refused(ErrorKind::InvalidParams, say("the other side refused the parameters"))
        }
        401 | 403 => refused(ErrorKind::Unauthorized, "the other side refused the key; check the key and its scopes".into()),
        404 => {
            let detail = say("the other side does not know the action; if it should, check the endpoint's URL");
            unknown_action(detail, answer.suggestions.unwrap_or_default())
        }
        409 => conflict(say("the other side is working on this idempotency key"), asked),
        429 => {
            let error = Error::new(ErrorKind::RateLimited, say("the other side asks for fewer calls"));
            Execution::failed(Outcome::NotExecuted, later(error, asked))
        }
        _ => in_doubt(effect, Doubt::Broken, format!("{} (HTTP {code})", say("the other side failed; it may have run"))),
    }
}

fn final_refusal(code: u16, sentence: &'static str) -> Execution {
    let error = Error::new(ErrorKind::Unreachable, sentence).with("status", code).with_retry(Retry::Never);
    Execution::failed(Outcome::NotExecuted, error)
}

fn conflict(detail: String, asked: Option<Duration>) -> Execution {
    Execution::failed(Outcome::Unknown, later(Error::new(ErrorKind::IdempotencyConflict, detail), asked))
}

/// Puts the wait that was asked for into an error that may pass.
fn later(error: Error, asked: Option<Duration>) -> Error {
    match (error.retry(), asked) {
        (Retry::Later(_), Some(wait)) => error.with_retry(Retry::Later(wait)),
        _ => error,
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
