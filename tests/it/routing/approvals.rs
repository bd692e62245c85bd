//! Actions that a person has to agree to.

use everreach_core::ledger::CallState;
use everreach_core::{Id, Side};

use super::*;

fn bulk() -> RouteRequest {
    call("dm.bulk_send", json!({"handles": ["ada", "bob"], "text": "hi"})).with_idempotency_key("bulk-1")
}

fn waits() -> Glance {
    (None, Outcome::NotExecuted, Some(ErrorKind::ApprovalRequired), 0)
}

async fn open(runtime: &Runtime) -> Vec<Id> {
    runtime.approvals().list().await.expect("a list").into_iter().map(|approval| approval.id).collect()
}

async fn state(runtime: &Runtime) -> CallState {
    let key = "bulk-1".parse().expect("a key");
    runtime.ledger().get(&key).await.expect("a look").expect("a record").state
}

async fn agreed(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    let first = runtime.route(bulk()).await;
    assert_eq!(glance(&first), waits());
    let [id] = open(&runtime).await[..] else { panic!("one approval") };
    assert!(first.suggestions[0].contains(&id.to_string()), "{first:?}");
    assert_eq!(glance(&runtime.route(bulk()).await), waits(), "sent again, it still waits");
    assert_eq!((open(&runtime).await.len(), local.count(), state(&runtime).await), (1, 0, CallState::Waiting));

    let mut changed = bulk();
    changed.params.insert("text".to_owned(), json!("something else"));
    assert_eq!(runtime.route(changed.clone()).await.error, Some(ErrorKind::IdempotencyMismatch));

    let answer = runtime.approve(id).await.expect("it is approved").expect("it ran");
    assert_eq!(glance(&answer), (Some(Source::Local), Outcome::Executed, None, 1));
    assert!(runtime.route(bulk()).await.replayed);
    assert_eq!(runtime.approve(id).await.expect_err("once").kind(), ErrorKind::Conflict);
    assert_eq!(runtime.route(changed).await.error, Some(ErrorKind::IdempotencyMismatch));
    assert_eq!((local.count(), cloud.count()), (1, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_call_waits_for_a_person_and_then_runs_once_on_sqlite() {
    agreed(Bench::sqlite()).await;
}

#[tokio::test]
async fn a_call_waits_for_a_person_and_then_runs_once_on_postgres() {
    agreed(Bench::postgres().await).await;
}

#[tokio::test]
async fn a_no_closes_the_call_and_stays_a_no() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    runtime.route(bulk()).await;
    let id = open(&runtime).await[0];
    runtime.deny(id).await.expect("it is denied");
    assert_eq!(state(&runtime).await, CallState::NotExecuted);
    let again = runtime.route(bulk()).await;
    assert_eq!(glance(&again), waits());
    assert_eq!(again.detail.as_deref(), Some("a person said no to this call"));
    assert_eq!(runtime.approve(id).await.expect_err("denied").kind(), ErrorKind::Conflict);
    assert!(open(&runtime).await.is_empty());
    assert_eq!(local.count(), 0);
    stop(runtime).await;
}

#[tokio::test]
async fn four_hours_without_a_word_are_a_no_and_the_next_time_asks_anew() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    runtime.route(bulk()).await;
    let id = open(&runtime).await[0];
    bench.clock.advance(Duration::from_secs(4 * 3_600 - 1));
    assert_eq!(open(&runtime).await, [id]);
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(runtime.approve(id).await.expect_err("too late").kind(), ErrorKind::Conflict);
    let late = runtime.route(bulk()).await;
    assert!(late.detail.as_ref().expect("a sentence").contains("in time"), "{late:?}");
    assert_eq!(state(&runtime).await, CallState::NotExecuted);
    assert_eq!(glance(&runtime.route(bulk()).await), waits());
    let [anew] = open(&runtime).await[..] else { panic!("it asks anew") };
    assert_ne!(anew, id);
    assert!(runtime.approve(anew).await.expect("it is approved").is_some_and(|answer| answer.ok));
    assert_eq!(local.count(), 1);
    stop(runtime).await;
}

#[tokio::test]
async fn a_call_that_nobody_agreed_to_is_closed_even_if_nobody_asks_again() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    runtime.route(bulk()).await;
    stop(runtime).await;
    bench.clock.advance(Duration::from_secs(4 * 3_600));
    stop(bench.start(Mode::Local, &local, &cloud).await).await;
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    assert_eq!((state(&runtime).await, local.count()), (CallState::NotExecuted, 0));
    stop(runtime).await;
}

async fn crash_between(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    runtime.route(bulk()).await;
    // The person's word is stored, and the process is gone before the call runs.
    runtime.approvals().approve(open(&runtime).await[0]).await.expect("it is approved");
    stop(runtime).await;
    assert_eq!(local.count(), 0);
    let (one, other) = (bench.start(Mode::Local, &local, &cloud).await, bench.start(Mode::Local, &local, &cloud).await);
    local.begun(1).await;
    stop(other).await;
    stop(one).await;
    let after = bench.start(Mode::Local, &local, &cloud).await;
    assert!(after.route(bulk()).await.replayed);
    assert_eq!(local.count(), 1);
    stop(after).await;
}

#[tokio::test]
async fn a_call_that_was_agreed_to_runs_after_a_crash_on_sqlite() {
    crash_between(Bench::sqlite()).await;
}

#[tokio::test]
async fn a_call_that_was_agreed_to_runs_after_a_crash_on_postgres() {
    crash_between(Bench::postgres().await).await;
}

#[tokio::test]
async fn the_side_that_the_caller_insisted_on_is_kept_until_the_call_runs() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    runtime.route(bulk().forced_to(Side::Cloud)).await;
    let answer = runtime.approve(open(&runtime).await[0]).await.expect("it is approved").expect("it ran");
    assert_eq!(answer.source, Some(Source::Cloud));
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(runtime).await;
}

#[tokio::test]
async fn a_call_that_is_refused_after_all_does_not_use_the_agreement_up() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    runtime.route(bulk()).await;
    let id = open(&runtime).await[0];
    runtime.stop_switch().stop(Some("lunch")).await.expect("it stops");
    assert_eq!(runtime.approve(id).await.expect("it is approved").expect("it ran").error, Some(ErrorKind::Stopped));
    runtime.stop_switch().resume().await.expect("it resumes");
    assert!(runtime.route(bulk()).await.ok, "the agreement is still there");
    assert_eq!(local.count(), 1);
    stop(runtime).await;
}

#[tokio::test]
async fn an_approval_of_something_else_is_not_routed() {
    let bench = Bench::sqlite();
    let runtime = bench.start(Mode::Local, &Hand::working("here"), &Hand::working("there")).await;
    let request =
        everreach_core::approval::ApprovalRequest::call("dm.bulk_send".parse().expect("a name"), Params::new(), "b", "0f");
    let id = runtime.approvals().request(request.with_kind("dm_batch")).await.expect("it is asked").id;
    assert_eq!(runtime.approve(id).await.expect_err("no call").kind(), ErrorKind::InvalidInput);
    assert_eq!(open(&runtime).await, [id], "and it is still open");
    assert_eq!(runtime.approve(Id::new()).await.expect_err("no id").kind(), ErrorKind::NotFound);
    stop(runtime).await;
}

#[tokio::test]
async fn an_agreement_in_a_process_without_the_action_is_left_to_one_that_has_it() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    runtime.route(bulk()).await;
    let id = open(&runtime).await[0];
    let bystander = bench.builder(Mode::Local).build().await.expect("a runtime with the actions of the system only");
    assert_eq!(bystander.approve(id).await.expect("it is approved"), None, "it has not got the action");
    stop(bystander).await;
    let bystander = bench.builder(Mode::Local).build().await.expect("another one, which finds the agreement at its start");
    stop(bystander).await;
    assert_eq!((state(&runtime).await, local.count()), (CallState::Waiting, 0));
    assert_eq!(glance(&runtime.route(bulk()).await), (Some(Source::Local), Outcome::Executed, None, 1), "sent again");
    assert_eq!(local.count(), 1);
    stop(runtime).await;
}
