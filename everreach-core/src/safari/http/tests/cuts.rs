//! The connection is cut at every byte of the request and of the answer.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::families::{Bench, command, dispatcher, healthy, prelude, success};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse};

/// A message, a comment, one whose answers differ, one with a session, and a search.
const FAMILIES: [Service; 5] = [
    Service::TiktokDm,
    Service::ThreadsComments,
    Service::InstagramComments,
    Service::LinkedinAutomation,
    Service::MarketResearch,
];

/// What cannot be known is held where it reaches people, and repeated where it does no harm.
fn doubtful(service: Service) -> DispatchVerdict {
    if service == Service::MarketResearch { DispatchVerdict::Refused(Repeat::Counted) } else { DispatchVerdict::Unknown }
}

/// The outcomes of these faults, each in the place of one answer. After each of them the service says again who it is.
async fn outcomes(service: Service, faults: Vec<Fault>) -> Vec<DispatchOutcome> {
    let each = prelude(service).len() + 1;
    let script = faults.iter().flat_map(|fault| prelude(service).into_iter().chain([fault.clone()])).collect();
    let bench = Bench::new(service, script).await;
    let mut outcomes = Vec::new();
    for tried in 1..=faults.len() {
        outcomes.push(bench.dispatcher.dispatch(&command(service)).await);
        assert_eq!(bench.server.received().len(), each * tried, "{service}: never a second request ({:?})", outcomes.last());
        bench.clock.advance(Duration::from_secs(60));
    }
    outcomes
}

/// How long the request is.
async fn request_length(service: Service) -> usize {
    let mut script = prelude(service);
    script.push(Fault::Answer(success(service)));
    let bench = Bench::new(service, script).await;
    drop(bench.dispatcher.dispatch(&command(service)).await);
    bench.server.received().last().expect("the request").bytes.len()
}

#[tokio::test]
async fn a_request_that_was_cut_anywhere_is_unknown() {
    for service in FAMILIES {
        let cuts = (1..request_length(service).await).map(Fault::ResetWithinRequest).collect();
        for (at, outcome) in outcomes(service, cuts).await.into_iter().enumerate() {
            assert_eq!((outcome.verdict, outcome.reason), (doubtful(service), Reason::ConnectionLost), "{service} {}", at + 1);
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_anywhere_is_unknown_however_good_it_looked() {
    for service in FAMILIES {
        let answer = success(service);
        let cuts = (0..answer.to_bytes().len())
            .flat_map(|bytes| [Fault::CloseAfter(answer.clone(), bytes), Fault::ResetAfter(answer.clone(), bytes)]);
        for (at, outcome) in outcomes(service, cuts.collect()).await.into_iter().enumerate() {
            assert_eq!(outcome.verdict, doubtful(service), "{service} {}", at / 2);
        }
    }
}

#[tokio::test]
async fn a_refusal_that_was_cut_anywhere_is_unknown_too() {
    // Whole, it says that the person was messaged before; its status alone says nothing.
    let refusal = FaultResponse::json(400, &json!({"success": false, "error": "already_messaged: bob"}));
    let length = refusal.to_bytes().len();
    let faults = (0..length).map(|bytes| Fault::CloseAfter(refusal.clone(), bytes)).chain([Fault::Answer(refusal.clone())]);
    let mut outcomes = outcomes(Service::TiktokDm, faults.collect()).await;
    assert_eq!(outcomes.pop().expect("the whole one").verdict, DispatchVerdict::Duplicate);
    assert_eq!(outcomes.len(), length);
    assert!(outcomes.iter().all(|outcome| outcome.verdict == DispatchVerdict::Unknown), "{outcomes:?}");
}

#[tokio::test]
async fn an_answer_that_ends_with_its_connection_counts_only_when_it_makes_sense() {
    let body = json!({"success": false, "error": "already_messaged: bob"}).to_string();
    for length in 0..=body.len() {
        // No length and no chunks: where this was meant to end, nobody can tell.
        let answer = format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{}", &body[..length]);
        let outcome = answered_with(Service::TiktokDm, answer).await;
        let expected = if length == body.len() { DispatchVerdict::Duplicate } else { DispatchVerdict::Unknown };
        assert_eq!(outcome.verdict, expected, "{length}: {outcome:?}");
    }
}

/// The outcome when the service answers with these very bytes.
async fn answered_with(service: Service, answer: String) -> DispatchOutcome {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
    let serving = async {
        for bytes in [healthy(service).to_bytes(), answer.into_bytes()] {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            // One read is enough: what is looked at here is the answer.
            let _read = stream.read(&mut [0; 4_096]).await.expect("a request");
            stream.write_all(&bytes).await.expect("an answer");
        }
    };
    let (dispatcher, command) = (dispatcher(&[(service, url)]), command(service));
    tokio::join!(dispatcher.dispatch(&command), serving).0
}
