//! A message to the cloud, cut at every byte: nobody sends it twice.

use everreach_core::testing::{Fault, FaultResponse};

use super::*;

/// How long the request and the answer are on the wire.
async fn lengths() -> (usize, usize) {
    let (bench, answer) = (Bench::sqlite(), FaultResponse::json(200, &success()));
    let server = FaultServer::start([Fault::Answer(answer.clone())]).await.expect("a server");
    let runtime = bench.over_http(Mode::Hybrid, &Hand::working("here"), server.url()).await;
    assert!(runtime.route(dm("hello").with_idempotency_key("cut-0000")).await.ok);
    stop(runtime).await;
    (server.received()[0].bytes.len(), answer.to_bytes().len())
}

/// Cuts one call per offset and sends each of them again; whole requests there and runs here are one at most.
async fn cut_everywhere(offsets: usize, fault: impl Fn(usize) -> Fault, may_arrive: usize) {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let server = FaultServer::start([]).await.expect("a server");
    let runtime = bench.over_http(Mode::Hybrid, &local, server.url()).await;
    for offset in 0..offsets {
        let key = format!("cut-{offset:04}");
        server.push(fault(offset));
        let request = dm("hello").with_idempotency_key(key.as_str()).with_timeout(Duration::from_secs(10));
        let cut = runtime.route(request.clone()).await;
        assert_eq!(glance(&cut), (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::OutcomeUnknown), 1), "{offset}");
        let again = runtime.route(request).await;
        assert_eq!((again.outcome, again.replayed, again.error), (Outcome::Unknown, true, cut.error), "{offset}");
        let here = local.calls().iter().filter(|call| call.idempotency_key.as_deref() == Some(&key)).count();
        assert_eq!(here, 0, "{offset}");
        assert!(posts(&server, &key) <= may_arrive, "{offset}");
    }
    let held = runtime.ledger().list(everreach_core::ledger::CallState::Unknown, 10_000).await.expect("a list");
    assert_eq!(held.len(), offsets);
    assert!(held.iter().all(|record| record.attempts.len() == 1));
    stop(runtime).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cut_at_any_byte_of_its_request_is_held_and_sent_by_nobody_else() {
    let (request, _) = lengths().await;
    cut_everywhere(request, Fault::ResetWithinRequest, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_cut_at_any_byte_of_its_answer_is_held_and_sent_once() {
    let (_, answer) = lengths().await;
    let answered = || FaultResponse::json(200, &success());
    cut_everywhere(answer, |offset| Fault::ResetAfter(answered(), offset), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_ends_in_good_order_too_soon_is_held_as_well() {
    let (_, answer) = lengths().await;
    let answered = || FaultResponse::json(200, &success());
    cut_everywhere(answer, |offset| Fault::CloseAfter(answered(), offset), 1).await;
}
