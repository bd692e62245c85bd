//! The cloud terminal: it is the cloud, for itself and for others.

use everreach_core::cost::CostRequest;
use everreach_core::{MicroUsd, Side};

use super::*;

async fn terminal(bench: &Bench, local: &Arc<Hand>) -> Runtime {
    let mut config = bench.config(Mode::Cloud);
    config.routing.is_cloud_terminal = true;
    bench.with(config).with_executor(Arc::clone(local) as _).build().await.expect("a terminal needs no cloud")
}

async fn booked(runtime: &Runtime) -> i64 {
    runtime.cost().monthly_cost().await.expect("a month").total_usd.micros()
}

#[tokio::test]
async fn it_runs_calls_in_its_own_registry_and_says_cloud() {
    let (bench, local) = (Bench::sqlite(), Hand::working("in the cloud"));
    let runtime = terminal(&bench, &local).await;
    for request in
        [stats(), stats().forced_to(Side::Local), stats().forced_to(Side::Cloud), call("publish.auto", json!({"text": "hi"}))]
    {
        assert_eq!(glance(&runtime.route(request).await), (Some(Source::Cloud), Outcome::Executed, None, 1));
    }
    assert_eq!(local.count(), 4);
    stop(runtime).await;
}

#[tokio::test]
async fn what_only_the_local_machine_can_do_does_not_run_here() {
    let (bench, local) = (Bench::sqlite(), Hand::working("in the cloud"));
    let runtime = terminal(&bench, &local).await;
    assert_eq!(glance(&runtime.route(dm("hi")).await), (None, Outcome::NotExecuted, Some(ErrorKind::RequiresLocal), 0));
    assert_eq!(local.count(), 0);
    stop(runtime).await;
}

#[tokio::test]
async fn a_call_that_came_over_another_everreach_was_paid_for_there() {
    let (bench, local) = (Bench::sqlite(), Hand::working("in the cloud"));
    let runtime = terminal(&bench, &local).await;
    let research = |number: u32| call("research.platform", json!({"number": number}));
    assert_eq!(runtime.route(research(1).with_hops(1)).await.cost_usd, MicroUsd::ZERO);
    assert_eq!(booked(&runtime).await, 0);
    assert_eq!(runtime.route(research(2)).await.cost_usd.micros(), 2_000);
    assert_eq!(booked(&runtime).await, 2_000);

    let rest = CostRequest::new("dm.send".parse().expect("a name"), MicroUsd::from_micros(400_000_000 - 2_000));
    let held = runtime.cost().reserve(rest).await.expect("room");
    runtime.cost().settle(&held, held.amount).await.expect("booked");
    let over = runtime.route(research(3)).await;
    assert_eq!((over.error, over.cost_guard_triggered), (Some(ErrorKind::CostCapExceeded), true));
    assert!(runtime.route(research(4).with_hops(1)).await.ok, "its own cap is not the caller's");
    stop(runtime).await;
}

#[tokio::test]
async fn its_registry_has_a_circuit_as_the_local_side_does_and_is_tried_once() {
    let (bench, local) = (Bench::sqlite(), Hand::failing(Outcome::Unknown, ErrorKind::Timeout));
    let runtime = terminal(&bench, &local).await;
    for _ in 0..3 {
        assert_eq!(glance(&runtime.route(stats()).await), (Some(Source::Cloud), Outcome::Unknown, Some(ErrorKind::Timeout), 1));
    }
    assert_eq!(glance(&runtime.route(stats()).await), (None, Outcome::NotExecuted, Some(ErrorKind::CircuitOpen), 0));
    assert_eq!(local.count(), 3);
    stop(runtime).await;
}

#[tokio::test]
async fn a_slip_of_the_pen_is_an_unknown_action_and_not_one_without_a_price() {
    let bench = Bench::sqlite();
    let mut local = Hand::plain(|_| Execution::done(json!(1)));
    local.services = vec![ServiceListing::new("dm.stats".parse().expect("a name"), "message figures")];
    let runtime = terminal(&bench, &Arc::new(local)).await;
    let envelope = runtime.route(call("dm.stast", json!({}))).await;
    assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::UnknownAction), 0));
    assert_eq!(envelope.suggestions.first().map(String::as_str), Some("dm.stats"));
    stop(runtime).await;
}
