//! How often a side is tried, and when not again.

use everreach_core::Retry;

use super::*;

/// A cloud that fails like this until the try with this number, which works.
fn works_at(number: usize, outcome: Outcome, kind: ErrorKind) -> Arc<Hand> {
    let tries = Mutex::new(0);
    Hand::new(move |_| {
        let mut tries = tries.lock().expect("nobody panicked");
        *tries += 1;
        if *tries == number { Execution::done(json!(*tries)) } else { Execution::failed(outcome, Error::new(kind, "as told")) }
    })
}

#[tokio::test]
async fn a_read_is_tried_four_times_and_the_last_one_counts() {
    for (number, wanted) in [
        (2, (Some(Source::Cloud), Outcome::Executed, None, 2)),
        (4, (Some(Source::Cloud), Outcome::Executed, None, 4)),
        (5, (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::Timeout), 4)),
    ] {
        let (bench, cloud) = (Bench::sqlite(), works_at(number, Outcome::Unknown, ErrorKind::Timeout));
        let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
        assert_eq!(glance(&runtime.route(stats()).await), wanted);
        stop(runtime).await;
    }
}

#[tokio::test]
async fn an_outward_call_is_tried_again_only_while_it_provably_did_not_run() {
    for (outcome, kind, tries) in [
        (Outcome::NotExecuted, ErrorKind::RateLimited, 4),
        (Outcome::Unknown, ErrorKind::OutcomeUnknown, 1),
        (Outcome::Unknown, ErrorKind::Unreachable, 1),
        (Outcome::Unknown, ErrorKind::Timeout, 1),
        (Outcome::Unknown, ErrorKind::IdempotencyConflict, 1),
        (Outcome::Executed, ErrorKind::HandlerError, 1),
        (Outcome::NotExecuted, ErrorKind::Unreachable, 1),
        (Outcome::NotExecuted, ErrorKind::Unauthorized, 1),
    ] {
        let (bench, cloud) = (Bench::sqlite(), Hand::failing(outcome, kind));
        let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
        let envelope = runtime.route(dm("hi")).await;
        assert_eq!(
            (envelope.attempts, envelope.outcome, u32::try_from(cloud.count()).ok()),
            (tries, outcome, Some(tries)),
            "{kind}"
        );
        stop(runtime).await;
    }
}

#[tokio::test]
async fn each_try_is_a_line_in_the_journal_with_its_end() {
    let (bench, cloud) = (Bench::sqlite(), works_at(3, Outcome::NotExecuted, ErrorKind::RateLimited));
    let runtime = bench.start(Mode::Hybrid, &Hand::working("here"), &cloud).await;
    let envelope = runtime.route(dm("hi")).await;
    assert!(envelope.ok);
    let key = envelope.idempotency_key.expect("a key").parse().expect("a key");
    let record = runtime.ledger().get(&key).await.expect("a look").expect("a record");
    let ends: Vec<_> = record.attempts.iter().map(|attempt| (attempt.attempt, attempt.outcome)).collect();
    let not_run = Some(Outcome::NotExecuted);
    assert_eq!(ends, [(1, not_run), (2, not_run), (3, Some(Outcome::Executed))]);
    assert_eq!(record.dispatched_at, record.attempts.last().map(|last| last.dispatched_at));
    stop(runtime).await;
}

#[tokio::test]
async fn a_wait_that_would_end_after_the_deadline_is_not_begun() {
    let bench = Bench::sqlite();
    let cloud = Hand::new(|_| {
        let busy = Error::new(ErrorKind::RateLimited, "later").with_retry(Retry::Later(Duration::from_secs(31)));
        Execution::failed(Outcome::NotExecuted, busy)
    });
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
    let envelope = runtime.route(stats().with_timeout(Duration::from_secs(30))).await;
    assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::RateLimited), 1));
    stop(runtime).await;
}

#[tokio::test]
async fn repeats_end_with_the_retry_budget() {
    let (bench, cloud) = (Bench::sqlite(), Hand::failing(Outcome::Unknown, ErrorKind::Timeout));
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
    for _ in 0..20 {
        runtime.route(stats()).await;
    }
    // Ten are always there, and twenty calls pay in four.
    assert_eq!(cloud.count(), 20 + 14);
    stop(runtime).await;
}

#[tokio::test]
async fn an_executor_that_overruns_its_time_is_given_up() {
    for (request, error) in [(stats(), ErrorKind::Timeout), (dm("hi"), ErrorKind::OutcomeUnknown)] {
        let (bench, local) = (Bench::sqlite(), Hand::working("here"));
        local.close_gate();
        let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
        let envelope = runtime.route(request.with_timeout(Duration::from_millis(20))).await;
        assert_eq!(glance(&envelope), (Some(Source::Local), Outcome::Unknown, Some(error), 1));
        stop(runtime).await;
    }
}

#[tokio::test]
async fn the_local_side_is_tried_once() {
    let (bench, local) = (Bench::sqlite(), Hand::failing(Outcome::Unknown, ErrorKind::Timeout));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    assert_eq!(runtime.route(stats()).await.attempts, 1);
    stop(runtime).await;
}
