//! The connection is cut at every byte of the request and of the answer.

use super::families::{Bench, command, prelude, success};
use crate::safari::{DispatchVerdict, Reason, Repeat, SafariDispatcher, Service};
use crate::testing::Fault;

/// A message, a comment, one whose answers differ, one with a session, and a search.
const FAMILIES: [Service; 5] =
    [Service::TiktokDm, Service::ThreadsComments, Service::InstagramComments, Service::LinkedinAutomation, Service::MarketResearch];

async fn verdict_of(service: Service, fault: Fault) -> (DispatchVerdict, Reason) {
    let mut script = prelude(service);
    script.push(fault);
    script.extend((0..3).map(|_| Fault::Answer(success(service))));
    let bench = Bench::new(service, script).await;
    let outcome = bench.dispatcher.dispatch(&command(service)).await;
    assert!(bench.server.received().len() <= prelude(service).len() + 1, "{service}: never a second request");
    (outcome.verdict, outcome.reason)
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
        let length = request_length(service).await;
        for bytes in 1..length {
            let (verdict, reason) = verdict_of(service, Fault::ResetWithinRequest(bytes)).await;
            if service == Service::MarketResearch {
                assert_eq!((verdict, reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::ConnectionLost), "{bytes}");
            } else {
                assert_eq!((verdict, reason), (DispatchVerdict::Unknown, Reason::ConnectionLost), "{service} {bytes}");
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_anywhere_is_unknown_however_good_it_looked() {
    for service in FAMILIES {
        let answer = success(service);
        for bytes in 0..answer.to_bytes().len() {
            for fault in [Fault::CloseAfter(answer.clone(), bytes), Fault::ResetAfter(answer.clone(), bytes)] {
                let (verdict, _) = verdict_of(service, fault).await;
                if service == Service::MarketResearch {
                    assert_eq!(verdict, DispatchVerdict::Refused(Repeat::Counted), "{bytes}");
                } else {
                    assert_eq!(verdict, DispatchVerdict::Unknown, "{service} {bytes}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_refusal_that_was_cut_anywhere_is_unknown_too() {
    // Whole, it says that the person was messaged before; its status alone says nothing.
    let refusal = crate::testing::FaultResponse::json(400, &serde_json::json!({"success": false, "error": "already_messaged: bob"}));
    for bytes in 0..refusal.to_bytes().len() {
        let (verdict, _) = verdict_of(Service::TiktokDm, Fault::CloseAfter(refusal.clone(), bytes)).await;
        assert_eq!(verdict, DispatchVerdict::Unknown, "{bytes}");
    }
    let (verdict, _) = verdict_of(Service::TiktokDm, Fault::Answer(refusal)).await;
    assert_eq!(verdict, DispatchVerdict::Duplicate);
}
