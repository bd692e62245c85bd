//! The cloud executor against a server that fails on purpose.

use std::sync::Arc;

use serde_json::json;
use url::Url;

use super::super::Params;
use super::*;
use crate::http::{HttpConfig, client};
use crate::testing::{Fault, FaultResponse, FaultServer};
use crate::{Effect, Error, ErrorKind, Outcome, Retry, SystemClock};

const KEY: &str = "er_live_do_not_show";

fn cloud(endpoint: &Url) -> CloudExecutor {
    let config = RemoteConfig::new(endpoint.clone()).with_key(KEY);
    CloudExecutor::new(&config, client(&HttpConfig::default()).expect("a client"), SystemClock::shared()).expect("an executor")
}

fn dm_send() -> Call {
    let params = json!({"contact": "ada", "text": "hello"}).as_object().expect("an object").clone();
    Call::new("dm.send".parse().expect("a name"), params).with_idempotency_key("dm-ada-1").with_timeout(Duration::from_secs(10))
}

fn read() -> Call {
    Call::new("dm.stats".parse().expect("a name"), Params::new()).with_effect(Effect::Read).with_timeout(Duration::from_secs(10))
}

fn success() -> FaultResponse {
    FaultResponse::json(200, &json!({"ok": true, "topic": "dm.send", "result": {"success": true, "id": 7}, "duration_ms": 3}))
}

fn seen(execution: &Execution) -> (Outcome, Option<ErrorKind>) {
    (execution.outcome, execution.result.as_ref().err().map(Error::kind))
}

const HELD: (Outcome, Option<ErrorKind>) = (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown));
const BROKEN_READ: (Outcome, Option<ErrorKind>) = (Outcome::Unknown, Some(ErrorKind::Unreachable));

async fn server(script: impl IntoIterator<Item = Fault>) -> FaultServer {
    FaultServer::start(script).await.expect("a server")
}

#[tokio::test]
async fn a_call_carries_key_ids_hop_and_deadline_and_its_answer_is_unwrapped() {
    let server = server([Fault::Answer(success())]).await;
    let mut call = dm_send();
    call.hops = 1;
    let execution = cloud(server.url()).execute(&call).await;
    assert_eq!(execution.outcome, Outcome::Executed);
    assert_eq!(execution.result.expect("a result"), json!({"success": true, "id": 7}));
    let [request] = server.received().try_into().expect("one request");
    assert_eq!(request.target(), "POST /api/services/dm/send");
    assert_eq!(request.header("Authorization").as_deref(), Some("Bearer er_live_do_not_show"));
    assert_eq!(request.header("Idempotency-Key").as_deref(), Some("dm-ada-1"));
    assert_eq!(request.header("X-Request-Id"), Some(call.request_id.to_string()));
    assert_eq!(request.header("Everreach-Hop").as_deref(), Some("2"));
    assert_eq!(request.header("Everreach-Timeout-Ms").as_deref(), Some("10000"));
    assert!(request.header("User-Agent").expect("a user agent").starts_with("everreach/"));
    assert_eq!(request.body().expect("a body"), br#"{"contact":"ada","text":"hello"}"#);
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    let server = server((0..5).map(|_| Fault::Answer(success()))).await;
    let cloud = cloud(server.url());
    for _ in 0..5 {
        assert_eq!(cloud.execute(&dm_send()).await.outcome, Outcome::Executed);
    }
    assert!(server.received().iter().all(|request| request.connection == 0));
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_ran() {
    let url = FaultServer::refusing_url().await.expect("a port");
    let execution = cloud(&url).execute(&dm_send()).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::Unreachable)));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_proves_that_nothing_ran() {
    let url = "http://no-such-host.invalid".parse().expect("a URL");
    let execution = cloud(&url).execute(&dm_send().with_timeout(Duration::from_secs(20))).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::Unreachable)));
}

#[tokio::test]
async fn a_handshake_that_never_ends_proves_that_nothing_ran() {
    // A plain-text server that says nothing, asked for TLS: the time is up before the request can be written.
    let server = server([Fault::Hang]).await;
    let mut url = server.url().clone();
    url.set_scheme("https").expect("a scheme");
    let execution = cloud(&url).execute(&dm_send().with_timeout(Duration::from_millis(150))).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::Unreachable)));
}

#[tokio::test]
async fn resets_closes_hangs_and_drips_leave_the_outcome_unknown() {
    let slow = Duration::from_millis(20);
    for fault in [
        Fault::ResetBeforeAnswer,
        Fault::ResetAfter(success(), 60),
        Fault::CloseAfter(success(), success().to_bytes().len() - 1),
        Fault::Hang,
        Fault::Drip(success(), slow),
    ] {
        let timed = matches!(fault, Fault::Hang | Fault::Drip(..));
        let server = server([fault.clone(), fault.clone()]).await;
        let cloud = cloud(server.url());
        let outward = cloud.execute(&dm_send().with_timeout(Duration::from_millis(300))).await;
        assert_eq!(seen(&outward), HELD, "{fault:?}");
        assert_eq!(outward.result.expect_err("held").retry(), Retry::Unknown);
        let reading = cloud.execute(&read().with_timeout(Duration::from_millis(300))).await;
        let expected = if timed { (Outcome::Unknown, Some(ErrorKind::Timeout)) } else { BROKEN_READ };
        assert_eq!(seen(&reading), expected, "{fault:?}");
    }
}

#[tokio::test]
async fn a_dripping_answer_cannot_stretch_the_try() {
    let server = server([Fault::Drip(success(), Duration::from_millis(20))]).await;
    let limit = Duration::from_millis(200);
    let cloud = cloud(server.url());
    let execution =
        tokio::time::timeout(Duration::from_secs(2), cloud.execute(&read().with_timeout(limit))).await.expect("in time");
    assert_eq!(seen(&execution), (Outcome::Unknown, Some(ErrorKind::Timeout)));
}

#[tokio::test]
async fn each_try_of_500_then_200_is_told_for_itself() {
    let server = server([Fault::Answer(FaultResponse::json(500, &json!({"detail": "boom"}))), Fault::Answer(success())]).await;
    let cloud = cloud(server.url());
    let first = cloud.execute(&read()).await;
    assert_eq!(seen(&first), BROKEN_READ);
    assert!(first.result.expect_err("a failure").to_string().contains("boom"));
    assert_eq!(cloud.execute(&read()).await.outcome, Outcome::Executed);
    assert_eq!(server.complete_requests(), 2, "nothing repeated by itself");
}

#[tokio::test]
async fn a_page_instead_of_an_envelope_is_not_believed() {
    let server = server([Fault::Answer(FaultResponse::html(200)), Fault::Answer(FaultResponse::html(200))]).await;
    let cloud = cloud(server.url());
    assert_eq!(seen(&cloud.execute(&dm_send()).await), HELD);
    assert_eq!(seen(&cloud.execute(&read()).await), BROKEN_READ);
}

#[tokio::test]
async fn a_rate_limit_tells_when_to_come_back() {
    let server = server([Fault::Answer(FaultResponse::json(429, &json!({})).with_header("Retry-After", "12"))]).await;
    let execution = cloud(server.url()).execute(&dm_send()).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::RateLimited)));
    assert_eq!(execution.result.expect_err("a refusal").retry(), Retry::Later(Duration::from_secs(12)));
}

#[tokio::test]
async fn a_refusal_whose_reason_is_cut_off_is_still_a_refusal() {
    let refusal = FaultResponse::json(401, &json!({"detail": "no such key"}));
    let length = refusal.to_bytes().len();
    let server = server([Fault::CloseAfter(refusal, length - 5)]).await;
    let execution = cloud(server.url()).execute(&dm_send()).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::Unauthorized)));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = server([Fault::Answer(success())]).await;
    let redirect = |status| Fault::Answer(FaultResponse::html(status).with_header("Location", target.url().as_str()));
    let server = server([301, 302, 303, 307, 308].map(redirect)).await;
    let cloud = cloud(server.url());
    for _ in 0..5 {
        assert!(cloud.execute(&dm_send()).await.result.is_err());
    }
    assert_eq!((server.complete_requests(), target.received().len()), (5, 0));
}

#[tokio::test]
async fn a_request_cut_at_any_byte_is_one_request_with_an_unknown_outcome() {
    let whole = server([Fault::Answer(success())]).await;
    cloud(whole.url()).execute(&dm_send()).await;
    let length = whole.received()[0].bytes.len();
    let server = server((0..length).map(Fault::ResetWithinRequest)).await;
    let cloud = cloud(server.url());
    for offset in 0..length {
        assert_eq!(seen(&cloud.execute(&dm_send()).await), HELD, "cut after {offset} of {length} bytes");
    }
    // The port's digits may make the head a byte longer or shorter; the body's end is what a server acts on.
    assert_eq!(server.received().len(), length, "one request per call");
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_is_never_taken_for_executed_or_not_executed() {
    let length = success().to_bytes().len();
    for cut in [Fault::ResetAfter, Fault::CloseAfter] {
        let server = server((0..length).map(|offset| cut(success(), offset))).await;
        let cloud = cloud(server.url());
        for offset in 0..length {
            assert_eq!(seen(&cloud.execute(&dm_send()).await), HELD, "cut after {offset} of {length} bytes");
        }
        assert_eq!(server.complete_requests(), length, "one request per call");
    }
}

#[tokio::test]
async fn the_key_and_the_endpoints_password_show_nowhere() {
    let server = server([Fault::ResetBeforeAnswer, Fault::Answer(FaultResponse::json(401, &json!({})))]).await;
    let cloud = Arc::new(cloud(server.url()));
    let mut shown = format!("{cloud:?}");
    for _ in 0..2 {
        let execution = cloud.execute(&dm_send()).await;
        shown.push_str(&format!("{execution:?} {}", execution.result.as_ref().expect_err("a failure")));
    }
    let config = RemoteConfig::new("http://user:er_pass@cloud.example/?key=er_query".parse().expect("a URL")).with_key(KEY);
    let error = CloudExecutor::new(&config, client(&HttpConfig::default()).expect("a client"), SystemClock::shared())
        .expect_err("a user");
    shown.push_str(&format!("{error:?} {error}"));
    for secret in [KEY, "er_pass", "er_query"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[tokio::test]
async fn an_unusable_key_or_idempotency_key_stops_before_anything_is_sent() {
    let server = server([]).await;
    let execution = cloud(server.url()).execute(&dm_send().with_idempotency_key("two\nlines")).await;
    assert_eq!(seen(&execution), (Outcome::NotExecuted, Some(ErrorKind::InvalidParams)));
    let config = RemoteConfig::new(server.url().clone()).with_key("");
    let error = CloudExecutor::new(&config, client(&HttpConfig::default()).expect("a client"), SystemClock::shared())
        .expect_err("no key");
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(server.received().is_empty());
}
