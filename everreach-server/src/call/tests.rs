use http::HeaderValue;

use super::*;
use crate::extract::parse;

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_static(value));
    }
    headers
}

fn request(body: &str, pairs: &[(&'static str, &'static str)]) -> Result<RouteRequest, Problem> {
    let headers = CallHeaders::read(&headers(pairs))?;
    parse::<CallBody>(body.as_bytes())?.into_request(&headers, Id::new(), "")
}

fn refused_at(body: &str, pairs: &[(&'static str, &'static str)]) -> (u16, String) {
    let problem = request(body, pairs).expect_err(body);
    (problem.status().as_u16(), problem.errors().first().map(|error| error.pointer.clone()).unwrap_or_default())
}

#[test]
fn a_call_says_everything_in_its_body() {
    let body = r#"{"action":"dm.send","params":{"text":"hi"},"force_env":"cloud","idempotency_key":"k-1","timeout_ms":1500}"#;
    let request = request(body, &[]).expect("a call");
    assert_eq!((request.action.as_str(), request.force_env, request.hops), ("dm.send", Some(Side::Cloud), 0));
    assert_eq!((request.idempotency_key.as_deref(), request.timeout), (Some("k-1"), Some(Duration::from_millis(1_500))));
    assert_eq!(request.params["text"], "hi");
}

#[test]
fn each_wrong_part_is_pointed_at() {
    for action in ["", "dm", "DM.send", "dm.send.now", "dm.se-nd", "dm.send\\n"] {
        assert_eq!(refused_at(&format!(r#"{{"action":"{action}"}}"#), &[]), (422, "/action".to_owned()), "{action}");
    }
    assert_eq!(refused_at(r#"{"action":"dm.send","params":"x"}"#, &[]), (422, "/params".to_owned()));
    assert_eq!(refused_at(r#"{"action":"dm.send","force_env":"moon"}"#, &[]), (422, "/force_env".to_owned()));
    for timeout in ["0", "-1", "1.5", "3600001", "\"1\""] {
        assert_eq!(
            refused_at(&format!(r#"{{"action":"dm.send","timeout_ms":{timeout}}}"#), &[]),
            (422, "/timeout_ms".to_owned()),
            "{timeout}"
        );
    }
    for key in ["", "two words", "tab\\t", "ü"] {
        let body = format!(r#"{{"action":"dm.send","idempotency_key":"{key}"}}"#);
        assert_eq!(refused_at(&body, &[]), (422, "/idempotency_key".to_owned()), "{key}");
    }
}

#[test]
fn a_known_caller_that_names_no_action_is_told_so() {
    let problem = request(r#"{"pipeline":"crm_brain","args":["--pipeline"]}"#, &[]).expect_err("no action");
    assert_eq!(problem.status().as_u16(), 422);
    assert!(problem.errors()[0].detail.contains("`pipeline`") && problem.errors()[0].detail.contains("`action`"));
}

#[test]
fn header_and_body_may_name_one_key_only() {
    let body = r#"{"action":"dm.send","idempotency_key":"a"}"#;
    assert_eq!(request(body, &[("idempotency-key", "a")]).expect("the same").idempotency_key.as_deref(), Some("a"));
    assert_eq!(refused_at(body, &[("idempotency-key", "b")]), (422, "/idempotency_key".to_owned()));
    let alone = request(r#"{"action":"dm.send"}"#, &[("idempotency-key", "h")]).expect("by header");
    assert_eq!(alone.idempotency_key.as_deref(), Some("h"));
    assert_eq!(refused_at(r#"{"action":"dm.send"}"#, &[("idempotency-key", "a"), ("idempotency-key", "a")]).0, 422);
}

#[test]
fn a_call_that_goes_in_circles_is_refused() {
    let body = r#"{"action":"dm.stats"}"#;
    assert_eq!(request(body, &[("everreach-hop", "1")]).expect("one hop").hops, 1);
    for hops in [
        &[("everreach-hop", "2")][..],
        &[("everreach-hop", "x")],
        &[("everreach-hop", "-1")],
        &[("everreach-hop", "0"), ("everreach-hop", "0")],
    ] {
        let problem = request(body, hops).expect_err("a loop");
        assert_eq!((problem.status().as_u16(), problem.code()), (508, "loop_detected"), "{hops:?}");
    }
}

#[test]
fn the_claim_of_a_forwarded_call_is_read_whole_or_refused() {
    let (body, claim) = (r#"{"action":"dm.send"}"#, "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b/3");
    let forwarded = request(body, &[("everreach-claim", claim)]).expect("a call").forwarded;
    assert_eq!(forwarded.map(|claim| claim.to_string()).as_deref(), Some(claim));
    assert_eq!(request(body, &[]).expect("a call").forwarded, None);
    for wrong in ["", "3", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b/x", "x/3"] {
        assert_eq!(refused_at(body, &[("everreach-claim", wrong)]).0, 422, "{wrong}");
    }
}

#[test]
fn the_shorter_of_deadline_and_timeout_counts() {
    let timeout = |body: &str, hint| {
        request(body, &[("everreach-timeout-ms", hint)]).expect("a call").timeout.expect("a timeout").as_millis()
    };
    assert_eq!(timeout(r#"{"action":"dm.stats","timeout_ms":500}"#, "900"), 500);
    assert_eq!(timeout(r#"{"action":"dm.stats","timeout_ms":500}"#, "90"), 90);
    assert_eq!(timeout(r#"{"action":"dm.stats"}"#, "90"), 90);
    assert_eq!(refused_at(r#"{"action":"dm.stats"}"#, &[("everreach-timeout-ms", "soon")]).0, 422);
}
