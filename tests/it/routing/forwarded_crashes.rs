//! One side dies in the middle of a call that was forwarded over one journal: never twice, and the key says what is known.

use everreach_core::ledger::{Begin, Begun, CallState, Claim, ForwardedClaim, fingerprint};

use super::shared_pair::{SharedPair, Way, propose};
use super::*;

/// Longer than the lease of any call.
const LONG: Duration = Duration::from_secs(600);

fn begin(request: &RouteRequest) -> Begin {
    let key = request.idempotency_key.as_deref().expect("a key").parse().expect("a key");
    Begin::new(key, request.action.clone(), fingerprint(&request.action, &request.params), request.request_id)
}

/// A forwarder that died right after it had sent the call: what is left is its claim, here and on its way.
async fn dead_forwarder(pair: &SharedPair, request: &RouteRequest) -> (Claim, ForwardedClaim) {
    let Begun::Started(claim) = pair.mac.ledger().begin(begin(request)).await.expect("the key is free") else {
        panic!("started")
    };
    let attempt = pair.mac.ledger().mark_dispatched(&claim, 1, "cloud").await.expect("it may go");
    let forwarded = claim.forwarded_by(attempt);
    (claim, forwarded)
}

/// A terminal that dies once it has taken the claim over.
async fn dead_terminal(pair: &SharedPair, forwarded: ForwardedClaim) -> Claim {
    let begin = begin(&propose("job-1")).with_forwarded(Some(forwarded));
    let Begun::Started(claim) = pair.terminal.ledger().begin(begin).await.expect("it is handed over") else { panic!("started") };
    assert!(claim.was_handed_over());
    claim
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forwarder_that_dies_after_sending_finds_the_answer_when_it_is_back() {
    for pair in SharedPair::both().await {
        let (claim, forwarded) = dead_forwarder(&pair, &propose("job-1")).await;
        let there = pair.terminal.route(propose("job-1").with_hops(1).with_forwarded(Some(forwarded))).await;
        assert_eq!(glance(&there), (Some(Source::Cloud), Outcome::Executed, None, 1), "{there:?}");
        pair.mac.ledger().mark_dispatched(&claim, 2, "local").await.expect_err("its claim is over");
        let back = pair.mac.route(propose("job-1")).await;
        assert!(back.ok && back.replayed, "{back:?}");
        assert_eq!(pair.runs(), (0, 1));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_arrives_after_its_forwarders_lease_is_held_and_not_run() {
    for settled_first in [false, true] {
        for pair in SharedPair::both().await {
            let (_, forwarded) = dead_forwarder(&pair, &propose("job-1")).await;
            pair.bench.clock.advance(LONG);
            if settled_first {
                assert_eq!(pair.mac.ledger().recover().await.expect("recovered").unknown, 1);
            }
            let late = pair.terminal.route(propose("job-1").with_hops(1).with_forwarded(Some(forwarded))).await;
            assert_eq!((late.outcome, late.replayed), (Outcome::Unknown, true), "{late:?}");
            assert_eq!((pair.runs(), pair.record("job-1").await.state), ((0, 0), CallState::Unknown));
            pair.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_dies_before_it_begins_leaves_a_key_that_can_be_used_again() {
    for pair in SharedPair::both().await {
        pair.door.set(Way::Closed);
        let sent = pair.sends(propose("job-1"));
        let forwarded = pair.door.claim(1).await;
        let _dead = dead_terminal(&pair, forwarded).await;
        // Its successor gets the request once more.
        pair.door.set(Way::Open);
        let answer = sent.await.expect("an answer");
        assert_eq!((answer.outcome, answer.error), (Outcome::Unknown, Some(ErrorKind::IdempotencyConflict)), "{answer:?}");
        assert_eq!(answer.suggestions, ["everreach calls show job-1"]);
        assert_eq!(pair.runs(), (0, 0), "whether it runs is the dead one's to say until its lease is over");

        pair.bench.clock.advance(LONG);
        assert_eq!(pair.mac.ledger().recover().await.expect("recovered").not_executed, 1);
        let again = pair.mac.route(propose("job-1")).await;
        assert_eq!(glance(&again), (Some(Source::Cloud), Outcome::Executed, None, 1), "{again:?}");
        assert_eq!(pair.runs(), (0, 1));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_dies_in_the_middle_leaves_a_held_call() {
    for pair in SharedPair::both().await {
        pair.door.set(Way::Closed);
        let sent = pair.sends(propose("job-1"));
        let forwarded = pair.door.claim(1).await;
        let dead = dead_terminal(&pair, forwarded).await;
        pair.terminal.ledger().mark_dispatched(&dead, 1, "cloud").await.expect("it may go");
        pair.door.set(Way::Open);
        assert_eq!(sent.await.expect("an answer").outcome, Outcome::Unknown);
        pair.bench.clock.advance(LONG);
        assert_eq!(pair.mac.ledger().recover().await.expect("recovered").unknown, 1);
        for runtime in [&pair.mac, &pair.terminal] {
            let again = runtime.route(propose("job-1")).await;
            assert_eq!((again.outcome, again.replayed), (Outcome::Unknown, true), "{again:?}");
        }
        assert_eq!((pair.runs(), pair.money().await.0), ((0, 0), 0));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_the_terminal_could_not_write_is_written_by_its_forwarder() {
    for pair in SharedPair::both().await {
        let (claim, forwarded) = dead_forwarder(&pair, &propose("job-1")).await;
        let theirs = dead_terminal_of(&pair, forwarded, &claim).await;
        let attempt = pair.terminal.ledger().mark_dispatched(&theirs, 1, "cloud").await.expect("it may go");
        let mut envelope = Envelope::new(claim.action.clone(), claim.request_id);
        (envelope.ok, envelope.outcome) = (true, Outcome::Executed);
        pair.mac.ledger().finish(&claim, None, &envelope).await.expect("it is a proof");
        assert_eq!(pair.record("job-1").await.state, CallState::Executed);
        let end = everreach_core::ledger::AttemptEnd::new(attempt, Outcome::Executed);
        pair.terminal.ledger().finish(&theirs, Some(end), &envelope).await.expect("the same, a little later");
        assert!(pair.record("job-1").await.attempts.iter().all(|attempt| attempt.finished_at.is_some()));
        pair.end().await;
    }
}

/// The same request in the terminal's hands.
async fn dead_terminal_of(pair: &SharedPair, forwarded: ForwardedClaim, claim: &Claim) -> Claim {
    let begin = begin(&propose("job-1").with_request_id(claim.request_id)).with_forwarded(Some(forwarded));
    let Begun::Started(claim) = pair.terminal.ledger().begin(begin).await.expect("it is handed over") else { panic!("started") };
    claim
}
