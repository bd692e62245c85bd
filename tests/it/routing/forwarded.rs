//! Calls that the local machine forwards to a cloud terminal with the same journal: one row, one execution, one price.

use everreach_core::cost::SqlCostGuard;
use everreach_core::events::EventLog;
use everreach_core::ledger::{CallState, ForwardedClaim};

use super::shared_pair::{PRICE, SharedPair, Way, propose};
use super::*;
use crate::support::store::number;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_forwarded_to_a_terminal_with_the_same_journal_runs_there_once_and_costs_once() {
    for pair in SharedPair::both().await {
        let first = pair.mac.route(propose("job-1")).await;
        assert_eq!(glance(&first), (Some(Source::Cloud), Outcome::Executed, None, 1), "{first:?}");
        assert_eq!((first.cost_usd.micros(), pair.runs(), pair.money().await), (PRICE, (0, 1), (PRICE, 0)));
        assert_eq!(number(pair.mac.store(), "SELECT COUNT(*) FROM actp_cost_log").await, 1);
        let reservations = "SELECT COUNT(*) FROM everreach_cost_reservations WHERE state = 'settled'";
        assert_eq!(number(pair.mac.store(), reservations).await, 1);

        let record = pair.record("job-1").await;
        assert_eq!((record.state, record.envelope.as_ref()), (CallState::Executed, Some(&first)));
        let tries: Vec<_> = record.attempts.iter().map(|one| (one.executor.as_str(), one.outcome)).collect();
        assert_eq!(tries, [("cloud", Some(Outcome::NotExecuted)), ("cloud", Some(Outcome::Executed))]);
        assert!(record.attempts[0].detail.as_deref().is_some_and(|detail| detail.contains("handed over")), "{record:?}");
        for runtime in [&pair.mac, &pair.terminal] {
            let again = runtime.route(propose("job-1")).await;
            assert_eq!((again.replayed, again.result, again.cost_usd), (true, first.result.clone(), first.cost_usd));
        }
        assert_eq!(pair.runs(), (0, 1));
        let told = told(&pair.mac).await;
        assert_eq!(told.iter().filter(|kind| *kind == "call.handed_over").count(), 1);
        assert_eq!(told.iter().filter(|kind| *kind == "call.finished").count(), 1, "{told:?}");
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_with_a_key_and_a_call_without_one_are_handed_over_too() {
    for pair in SharedPair::both().await {
        let read = pair.mac.route(stats().with_idempotency_key("figures")).await;
        assert_eq!(glance(&read), (Some(Source::Cloud), Outcome::Executed, None, 1), "{read:?}");
        let keyless = pair.mac.route(call("upwork.propose", json!({"job": "~02"}))).await;
        assert_eq!(glance(&keyless), (Some(Source::Cloud), Outcome::Executed, None, 1), "{keyless:?}");
        assert_eq!(pair.runs(), (0, 2));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_gets_the_row_before_during_or_after_the_hand_over() {
    for pair in SharedPair::both().await {
        let conflict = (None, Outcome::NotExecuted, Some(ErrorKind::IdempotencyConflict), 0);
        pair.door.set(Way::Closed);
        pair.there.close_gate();
        let sent = pair.sends(propose("job-1"));
        let claim = pair.door.claim(1).await;
        let guessed: ForwardedClaim = format!("{}/1", everreach_core::Id::new()).parse().expect("a claim");
        let old: ForwardedClaim = claim.to_string().replace("/1", "/0").parse().expect("a claim");
        for stranger in [None, Some(guessed), Some(old)] {
            let turned_away = pair.terminal.route(propose("job-1").with_forwarded(stranger)).await;
            assert_eq!(glance(&turned_away), conflict, "on its way: {stranger:?}");
        }
        let other = call("upwork.propose", json!({"job": "another"})).with_idempotency_key("job-1");
        let other = pair.terminal.route(other.with_forwarded(Some(claim))).await;
        assert_eq!(other.error, Some(ErrorKind::IdempotencyMismatch), "the claim is for one request");

        pair.door.set(Way::Open);
        pair.there.begun(1).await;
        for stranger in [None, Some(guessed), Some(claim)] {
            let turned_away = pair.terminal.route(propose("job-1").with_forwarded(stranger)).await;
            assert_eq!(glance(&turned_away), conflict, "while it runs: {stranger:?}");
        }
        assert_eq!(glance(&pair.mac.route(propose("job-1")).await), conflict);
        pair.there.open_gate();
        assert!(sent.await.expect("an answer").ok);
        assert!(pair.terminal.route(propose("job-1").with_forwarded(Some(claim))).await.replayed);
        assert_eq!((pair.runs(), pair.money().await), ((0, 1), (PRICE, 0)));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_arrives_twice_runs_once() {
    for pair in SharedPair::both().await {
        pair.door.set(Way::Repeats);
        for job in 0..10 {
            let key = format!("job-{job}");
            let answer = pair.mac.route(propose(&key)).await;
            // The second answer may be the one that was turned away: the journal knows better, then or later.
            assert!(matches!(answer.outcome, Outcome::Executed | Outcome::Unknown), "{answer:?}");
            until_executed(&pair, &key).await;
            let again = pair.mac.route(propose(&key)).await;
            assert!(again.ok && again.replayed, "{again:?}");
        }
        assert_eq!(pair.runs(), (0, 10));
        reconcile(&pair).await;
        assert_eq!(pair.money().await, (10 * PRICE, 0));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_got_lost_is_found_in_the_journal() {
    for pair in SharedPair::both().await {
        pair.door.set(Way::LosesAnswers);
        let answer = pair.mac.route(propose("job-1")).await;
        assert_eq!(glance(&answer), (Some(Source::Cloud), Outcome::Executed, None, 1), "{answer:?}");
        assert_eq!(answer.result.expect("a result")["by"], "there");
        assert_eq!((pair.runs(), pair.money().await), ((0, 1), (PRICE, 0)));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_longer_than_its_forwarder_waits_is_answered_later_under_its_key() {
    for pair in SharedPair::both().await {
        pair.there.close_gate();
        let late = pair.mac.route(propose("job-1").with_timeout(Duration::from_secs(2))).await;
        assert_eq!((late.outcome, late.ok), (Outcome::Unknown, false), "{late:?}");
        assert_eq!(late.suggestions, ["everreach calls show job-1"]);
        assert_eq!((pair.record("job-1").await.state, pair.money().await), (CallState::Running, (0, PRICE)));
        pair.there.open_gate();
        until_executed(&pair, "job-1").await;
        let again = pair.mac.route(propose("job-1")).await;
        assert!(again.ok && again.replayed, "{again:?}");
        reconcile(&pair).await;
        assert_eq!((pair.runs(), pair.money().await), ((0, 1), (PRICE, 0)));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_the_terminal_provably_did_not_run_runs_here_once_also_when_that_answer_got_lost() {
    for way in [Way::Open, Way::LosesAnswers] {
        for pair in SharedPair::both_with(|| Hand::failing(Outcome::NotExecuted, ErrorKind::RequiresLocal)).await {
            pair.door.set(way);
            let answer = pair.mac.route(propose("job-1")).await;
            assert_eq!(glance(&answer), (Some(Source::LocalFallback), Outcome::Executed, None, 2), "{way:?}: {answer:?}");
            assert_eq!((pair.runs(), pair.money().await), ((1, 1), (0, 0)));
            let record = pair.record("job-1").await;
            let tries: Vec<_> = record.attempts.iter().map(|one| (one.executor.as_str(), one.outcome)).collect();
            let not = Some(Outcome::NotExecuted);
            assert_eq!(tries, [("cloud", not), ("cloud", not), ("local", Some(Outcome::Executed))]);
            assert!(pair.mac.route(propose("job-1")).await.replayed);
            pair.end().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_knows_nothing_of_claims_turns_the_call_away_and_it_is_held() {
    for pair in SharedPair::both().await {
        pair.door.set(Way::WithoutClaims);
        for replayed in [false, true] {
            let answer = pair.mac.route(propose("job-1")).await;
            assert_eq!((answer.outcome, answer.replayed), (Outcome::Unknown, replayed), "{answer:?}");
        }
        assert_eq!(pair.runs(), (0, 0));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_agrees_once_for_both() {
    for pair in SharedPair::both().await {
        let deploy = || call("ads.deploy", json!({"campaign": "spring"})).with_idempotency_key("spring");
        assert_eq!(pair.mac.route(deploy()).await.error, Some(ErrorKind::ApprovalRequired));
        let asked = pair.mac.approvals().latest("spring").await.expect("it is read").expect("it was asked");
        let agreed = pair.mac.approve(asked.id).await.expect("approved").expect("an answer");
        assert_eq!(glance(&agreed), (Some(Source::Cloud), Outcome::Executed, None, 1), "{agreed:?}");
        assert_eq!((pair.runs(), pair.mac.approvals().list().await.expect("a list").len()), ((0, 1), 0));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_comes_back_to_the_local_machine_is_queued_under_its_key() {
    for pair in SharedPair::both().await {
        let first = pair.mac.route(dm("hi")).await;
        assert_eq!((first.outcome, first.ok), (Outcome::Queued, true), "{first:?}");
        let key = first.idempotency_key.as_deref().expect("a key");
        assert_eq!(pair.record(key).await.state, CallState::Queued);
        assert!(pair.mac.route(dm("hi")).await.replayed);
        assert_eq!((number(pair.mac.store(), "SELECT COUNT(*) FROM safari_command_queue").await, pair.runs()), (1, (0, 0)));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_from_both_sides_at_once_runs_once() {
    for pair in SharedPair::both().await {
        let routes = (0..20).map(|turn| {
            let runtime = if turn % 2 == 0 { pair.mac.clone() } else { pair.terminal.clone() };
            async move { runtime.route(propose("job-1")).await }
        });
        let answers = futures_util::future::join_all(routes).await;
        assert!(answers.iter().any(|answer| answer.ok && !answer.replayed), "{answers:?}");
        assert_eq!(pair.runs(), (0, 1));
        assert_eq!(pair.money().await, (PRICE, 0));
        pair.end().await;
    }
}

async fn until_executed(pair: &SharedPair, key: &str) {
    let waiting = async {
        while pair.record(key).await.state != CallState::Executed {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the terminal writes its answer");
}

/// Settles what nobody closed, once it is old enough.
async fn reconcile(pair: &SharedPair) {
    pair.bench.clock.advance(Duration::from_secs(3_600));
    let store = pair.mac.store().clone();
    let clock = Arc::clone(&pair.bench.clock);
    let guard = SqlCostGuard::new(store.clone(), Default::default(), clock, EventLog::start(store)).expect("a guard");
    guard.reconcile().await.expect("reconciled");
}
