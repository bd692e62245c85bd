//! After an unknown outcome: what the cloud's own journal proves, and what it does not.

use everreach_core::Id;

use super::*;

fn unknown() -> Execution {
    Execution::failed(Outcome::Unknown, Error::new(ErrorKind::OutcomeUnknown, "the line went dead"))
}

fn refused() -> Execution {
    Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::RequiresLocal, "only the Mac can"))
}

async fn reserved(runtime: &Runtime) -> i64 {
    runtime.cost().monthly_cost().await.expect("a month").reserved_usd.micros()
}

#[tokio::test]
async fn a_journal_that_has_the_answer_gives_it() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::new(|_| unknown()));
    cloud.recalling(|_| Some(Execution::done(json!({"success": true, "id": 9}))));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let envelope = runtime.route(dm("hi")).await;
    assert_eq!(glance(&envelope), (Some(Source::Cloud), Outcome::Executed, None, 1));
    assert_eq!(envelope.result.expect("a result")["id"], 9);
    assert_eq!((local.count(), cloud.count(), reserved(&runtime).await), (0, 1, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_journal_that_says_no_lets_the_call_run_here_once() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::new(|_| unknown()));
    cloud.recalling(|_| Some(refused()));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let envelope = runtime.route(dm("hi")).await;
    assert_eq!(glance(&envelope), (Some(Source::LocalFallback), Outcome::Executed, None, 2));
    assert_eq!(envelope.cost_usd.micros(), 0);
    assert!(runtime.route(dm("hi")).await.replayed);
    assert_eq!((local.count(), cloud.count(), reserved(&runtime).await), (1, 1, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_journal_that_knows_nothing_proves_nothing() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::new(|_| unknown()));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    for replayed in [false, true] {
        let envelope = runtime.route(dm("hi")).await;
        assert_eq!((envelope.outcome, envelope.replayed), (Outcome::Unknown, replayed));
    }
    assert_eq!((local.count(), cloud.count(), reserved(&runtime).await), (0, 1, 1_000));
    stop(runtime).await;
}

#[tokio::test]
async fn a_no_about_the_request_of_another_machine_proves_nothing() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::new(|_| unknown()));
    cloud.recalling(|_| Some(refused().with_request_id(Id::new())));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    for replayed in [false, true] {
        let envelope = runtime.route(dm("hi")).await;
        assert_eq!((envelope.outcome, envelope.replayed), (Outcome::Unknown, replayed));
    }
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(runtime).await;
}

#[tokio::test]
async fn a_no_that_may_be_about_an_earlier_try_proves_nothing() {
    let tries = Mutex::new(0);
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let cloud = Hand::new(move |_| {
        let mut tries = tries.lock().expect("nobody panicked");
        *tries += 1;
        let busy = Error::new(ErrorKind::RateLimited, "later");
        if *tries == 1 { Execution::failed(Outcome::NotExecuted, busy) } else { unknown() }
    });
    cloud.recalling(|_| Some(refused()));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    for replayed in [false, true] {
        let envelope = runtime.route(dm("hi")).await;
        assert_eq!((envelope.outcome, envelope.attempts, envelope.replayed), (Outcome::Unknown, 2, replayed));
    }
    assert_eq!((local.count(), cloud.count()), (0, 2));
    stop(runtime).await;
}

#[tokio::test]
async fn a_held_call_asks_again_when_it_is_sent_again() {
    for (is_done, wanted) in
        [(true, (Some(Source::Cloud), Outcome::Executed, 1, true)), (false, (Some(Source::Cloud), Outcome::Executed, 1, false))]
    {
        let (bench, local, dead) = (Bench::sqlite(), Hand::working("here"), Hand::new(|_| unknown()));
        let runtime = bench.start(Mode::Cloud, &local, &dead).await;
        assert_eq!(runtime.route(dm("hi")).await.outcome, Outcome::Unknown);
        stop(runtime).await;
        let alive = Hand::working("there");
        let sent = dead.calls()[0].request_id;
        let known = move || {
            let known = if is_done { Execution::done(json!({"success": true, "by": "there"})) } else { refused() };
            known.with_request_id(sent)
        };
        alive.recalling(move |_| Some(known()));
        let runtime = bench.start(Mode::Cloud, &local, &alive).await;
        let envelope = runtime.route(dm("hi")).await;
        assert_eq!((envelope.source, envelope.outcome, envelope.attempts, envelope.replayed), wanted);
        assert!(envelope.ok && envelope.result.as_ref().expect("a result")["by"] == "there", "{envelope:?}");
        assert_eq!((dead.count(), alive.count(), local.count()), (1, usize::from(!is_done), 0));
        assert!(runtime.route(dm("hi")).await.replayed);
        stop(runtime).await;
    }
}

#[tokio::test]
async fn a_held_call_that_ran_here_is_never_explained_by_the_cloud() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::new(|_| unknown()), Hand::working("there"));
    cloud.recalling(|_| Some(refused()));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    for _ in 0..2 {
        assert_eq!(runtime.route(dm("hi")).await.outcome, Outcome::Unknown);
    }
    assert_eq!((local.count(), cloud.count()), (1, 0));
    stop(runtime).await;
}
