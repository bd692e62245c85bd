//! Crashes between the cloud terminal and the local machine: never twice, never lost.

use everreach_core::ledger::{Begin, Begun, CallState, IdempotencyKey, Verdict, fingerprint};
use everreach_core::safari::queue::Resolution;
use everreach_core::safari::{DispatchOutcome, Reason};
use everreach_core::{Effect, Id};

use super::local_calls::{Pair, search};
use super::*;
use crate::support::store::execute;

/// What the workflow engine does to a task that takes too long.
const RELEASE: &str =
    "UPDATE actp_workflow_tasks SET status = 'pending', claimed_by = NULL, claimed_at = NULL, output_data = NULL";
/// Longer than a row stays with a worker that gives no sign of life, and than the lease of a call.
const LONG: Duration = Duration::from_secs(600);

fn connect() -> RouteRequest {
    let params = json!({"profileUrl": "https://www.linkedin.com/in/bob/", "note": "hi"});
    call("linkedin.connect", params).with_idempotency_key("connect-bob")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_dies_before_the_row_is_written_leaves_a_key_that_can_be_used_again() {
    for pair in Pair::both().await {
        let request = connect();
        let key: IdempotencyKey = "connect-bob".parse().expect("a key");
        let print = fingerprint(&request.action, &request.params);
        let begin = Begin::new(key, request.action.clone(), print, Id::new()).with_effect(Effect::Outward);
        let Begun::Started(_lost) = pair.cloud.ledger().begin(begin).await.expect("the key is free") else { panic!("started") };
        pair.bench.clock.advance(LONG);
        assert_eq!(pair.cloud.ledger().recover().await.expect("recovered").not_executed, 1);
        assert_eq!(pair.cloud.route(request).await.outcome, Outcome::Queued);
        assert_eq!(
            (pair.rows().await, pair.mac.puller().expect("a puller").run_once(9).await.expect("a round").succeeded),
            (1, 1)
        );
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminals_with_one_key_at_the_same_time_write_one_row() {
    for pair in Pair::both().await {
        let answers = futures_util::future::join_all((0..8).map(|_| pair.cloud.route(connect()))).await;
        let queued = answers.iter().filter(|answer| answer.outcome == Outcome::Queued).count();
        assert!(queued >= 1, "{answers:?}");
        assert!(answers.iter().all(|answer| answer.ok || answer.error == Some(ErrorKind::IdempotencyConflict)), "{answers:?}");
        assert_eq!(pair.rows().await, 1);
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_ran_and_came_back_is_ended_from_the_journal_without_a_second_run() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(connect()).await;
        let puller = pair.mac.puller().expect("a puller");
        assert_eq!(puller.run_once(9).await.expect("a round").succeeded, 1);
        execute(pair.mac.store(), RELEASE).await;
        assert_eq!(puller.run_once(9).await.expect("a round").succeeded, 1);
        assert_eq!((pair.hand.count(), pair.tasks("status = 'succeeded'").await), (1, 1));
        assert_eq!(pair.record(&queued).await.state, CallState::Executed);
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_task_that_the_engine_gives_to_a_second_worker_runs_once() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(connect()).await;
        pair.hand.close_gate();
        let slow = pair.mac.puller().expect("a puller").clone();
        let slow = tokio::spawn(async move { slow.run_once(9).await });
        pair.hand.begun(1).await;
        execute(pair.mac.store(), RELEASE).await;

        let hand = Hand::working("a second worker");
        let second = pair.another(&hand).await;
        let puller = second.puller().expect("a puller");
        let summary = puller.run_once(9).await.expect("a round");
        assert_eq!((summary.pulled, summary.released), (1, 1), "somebody runs its call: {summary:?}");
        pair.hand.open_gate();
        let summary = slow.await.expect("it ends").expect("a round");
        assert_eq!((summary.released, summary.succeeded), (1, 1), "its claim was lost, its answer was not: {summary:?}");
        assert_eq!(pair.record(&queued).await.state, CallState::Executed);
        pair.bench.clock.advance(LONG);
        assert_eq!(puller.run_once(9).await.expect("a round").pulled, 0);
        assert_eq!((pair.hand.count(), hand.count(), pair.tasks("status = 'succeeded'").await), (1, 0, 1));
        stop(second).await;
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_it_runs_leaves_a_held_call_and_a_failed_task_and_nothing_runs_again() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(connect()).await;
        pair.hand.close_gate();
        let dead = pair.mac.puller().expect("a puller").clone();
        let dead = tokio::spawn(async move { dead.run_once(9).await });
        pair.hand.begun(1).await;
        dead.abort();
        assert!(dead.await.expect_err("it is gone").is_cancelled());

        pair.bench.clock.advance(LONG);
        assert_eq!(pair.cloud.ledger().recover().await.expect("recovered").unknown, 1);
        let hand = Hand::working("a second worker");
        let second = pair.another(&hand).await;
        let summary = second.puller().expect("a puller").run_once(9).await.expect("a round");
        assert_eq!((summary.pulled, summary.unknown, hand.count()), (1, 1, 0), "{summary:?}");
        assert_eq!(pair.record(&queued).await.state, CallState::Unknown);
        assert_eq!(pair.tasks("status = 'failed' AND CAST(output_data AS TEXT) LIKE '%unknown%'").await, 1);
        assert_eq!(pair.cloud.route(connect()).await.outcome, Outcome::Unknown);
        assert_eq!(second.puller().expect("a puller").run_once(9).await.expect("a round").pulled, 0);
        pair.hand.open_gate();
        stop(second).await;
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_before_it_runs_leaves_a_task_that_is_run_by_the_next() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(search("rust")).await;
        let claimed = "UPDATE actp_workflow_tasks SET status = 'claimed', claimed_by = 'everreach-gone', claimed_at = created_at";
        execute(pair.mac.store(), claimed).await;
        let puller = pair.mac.puller().expect("a puller");
        assert_eq!(puller.run_once(9).await.expect("a round").pulled, 0, "it may still be at work");
        pair.bench.clock.advance(LONG);
        assert_eq!(puller.run_once(9).await.expect("a round").succeeded, 1);
        assert_eq!((pair.hand.count(), pair.record(&queued).await.state), (1, CallState::Executed));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_call_goes_again_in_the_same_row_when_it_is_sent_again() {
    for pair in Pair::both().await {
        let hand = Hand::failing(Outcome::NotExecuted, ErrorKind::RateLimited);
        let busy = pair.another(&hand).await;
        let queued = pair.cloud.route(connect()).await;
        assert_eq!(busy.puller().expect("a puller").run_once(9).await.expect("a round").failed, 1);
        assert_eq!(pair.record(&queued).await.state, CallState::NotExecuted);
        assert_eq!(pair.cloud.route(connect()).await.outcome, Outcome::Queued);
        assert_eq!(pair.mac.puller().expect("a puller").run_once(9).await.expect("a round").succeeded, 1);
        assert_eq!((pair.rows().await, hand.count(), pair.hand.count()), (1, 1, 1));
        stop(busy).await;
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_have_been_sent_is_held_until_a_person_says_what_became_of_it() {
    for pair in Pair::both().await {
        pair.services_answer(DispatchOutcome::unknown(Reason::TimedOut, "late"));
        let queued = pair.cloud.route(dm("hi")).await;
        assert_eq!(pair.mac.safari().run_once(10).await.expect("a run").unknown, 1);
        assert_eq!(pair.record(&queued).await.state, CallState::Unknown);
        let again = pair.cloud.route(dm("hi")).await;
        assert_eq!((again.replayed, again.outcome, again.error), (true, Outcome::Unknown, Some(ErrorKind::OutcomeUnknown)));
        let id = queued.result.as_ref().expect("a result")["id"].as_str().expect("an id").parse().expect("an id");
        pair.mac.safari().queue().resolve(id, Resolution::Happened).await.expect("it was unknown");
        let record = pair.record(&queued).await;
        assert_eq!((record.state, record.envelope.expect("an answer").ok), (CallState::Executed, true));
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_says_did_not_happen_goes_again_when_it_is_sent_again() {
    const FAILED: &str = "UPDATE actp_workflow_tasks SET status = 'failed', claimed_by = 'mac', error = 'late'";
    for pair in Pair::both().await {
        let requests: [fn() -> RouteRequest; 2] = [|| dm("hi"), connect];
        for request in requests {
            pair.services_answer(DispatchOutcome::unknown(Reason::TimedOut, "late"));
            let queued = pair.cloud.route(request()).await;
            pair.mac.safari().run_once(10).await.expect("a run");
            execute(pair.cloud.store(), FAILED).await;
            assert_eq!(pair.record(&queued).await.state, CallState::Unknown);
            let key: IdempotencyKey = queued.idempotency_key.as_deref().expect("a key").parse().expect("a key");
            pair.mac.resolve(&key, Verdict::DidNotHappen).await.expect("it is held");
            assert_eq!(pair.record(&queued).await.state, CallState::NotExecuted);
            let again = pair.cloud.route(request().with_idempotency_key(key.as_str())).await;
            assert_eq!(again.outcome, Outcome::Queued);
            // Longer than a call waits for the local machine.
            pair.bench.clock.advance(LONG * 6 * 24 * 4);
            assert_eq!(pair.record(&queued).await.state, CallState::NotExecuted);
        }
        assert_eq!(pair.rows().await, 2);
        pair.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_somebody_removed_holds_its_call() {
    for pair in Pair::both().await {
        let queued = pair.cloud.route(dm("hi")).await;
        execute(pair.cloud.store(), "DELETE FROM safari_command_queue").await;
        assert_eq!(pair.record(&queued).await.state, CallState::Unknown);
        pair.end().await;
    }
}
