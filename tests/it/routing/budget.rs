//! The caps, to the millionth of a dollar, on both databases.

use everreach_core::cost::CostRequest;
use everreach_core::{MicroUsd, Side};

use super::*;

/// Spends or holds this much.
async fn spend(runtime: &Runtime, micros: i64) {
    let request = CostRequest::new("dm.send".parse().expect("a name"), MicroUsd::from_micros(micros));
    let held = runtime.cost().reserve(request).await.expect("there is room");
    runtime.cost().settle(&held, held.amount).await.expect("it is booked");
}

async fn booked(runtime: &Runtime) -> (i64, i64) {
    let month = runtime.cost().monthly_cost().await.expect("a month");
    (month.total_usd.micros(), month.reserved_usd.micros())
}

fn research() -> RouteRequest {
    call("research.platform", json!({"platform": "x"}))
}

fn seen(envelope: &Envelope) -> (Option<Source>, Option<ErrorKind>, bool) {
    (envelope.source, envelope.error, envelope.cost_guard_triggered)
}

async fn the_caps(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let hybrid = bench.start(Mode::Hybrid, &local, &cloud).await;
    let only_cloud = bench.start(Mode::Cloud, &local, &cloud).await;
    let in_cloud = (Some(Source::Cloud), None, false);

    spend(&hybrid, 379_998_000).await;
    assert_eq!(seen(&hybrid.route(research().forced_to(Side::Local)).await), (Some(Source::Local), None, false));
    spend(&hybrid, 1_999).await;
    assert_eq!(booked(&hybrid).await, (379_999_999, 0));
    assert_eq!(seen(&hybrid.route(stats()).await), in_cloud, "a millionth below the soft cap");

    spend(&hybrid, 1).await;
    let moved = (Some(Source::Local), None, true);
    assert_eq!(seen(&hybrid.route(research()).await), moved, "at the soft cap");
    assert_eq!(seen(&hybrid.route(dm("essential too")).await), moved);
    assert_eq!(seen(&hybrid.route(research().forced_to(Side::Cloud)).await), moved, "a forced side changes neither rule");
    assert_eq!(seen(&only_cloud.route(research()).await), in_cloud, "the cloud mode only warns");
    assert_eq!(booked(&hybrid).await, (380_002_000, 0));

    spend(&hybrid, 19_997_999).await;
    let refused = (None, Some(ErrorKind::CostCapExceeded), true);
    let over = only_cloud.route(research()).await;
    assert_eq!(seen(&over), refused, "a millionth is left, which is not enough");
    assert_eq!((over.outcome, over.attempts, over.cost_usd), (Outcome::NotExecuted, 0, MicroUsd::ZERO));
    spend(&hybrid, 1).await;
    assert_eq!(seen(&only_cloud.route(research()).await), refused, "at the cap");
    assert_eq!(seen(&only_cloud.route(call("ads.check_performance", json!({}))).await), refused, "even what costs nothing");
    assert_eq!(seen(&only_cloud.route(dm("essential")).await), in_cloud, "an essential call passes");
    assert_eq!(seen(&hybrid.route(research()).await), moved);
    assert_eq!(booked(&hybrid).await, (400_001_000, 0));
    let month = hybrid.cost().monthly_cost().await.expect("a month");
    assert_eq!((month.essential_usd.micros(), month.warning, month.exceeded), (1_000, true, true));
    stop(only_cloud).await;
    stop(hybrid).await;
}

#[tokio::test]
async fn the_caps_hold_to_the_millionth_on_sqlite() {
    the_caps(Bench::sqlite()).await;
}

#[tokio::test]
async fn the_caps_hold_to_the_millionth_on_postgres() {
    the_caps(Bench::postgres().await).await;
}

async fn the_race(bench: Bench) {
    let (local, cloud) = (Hand::working("here"), Hand::working("there"));
    let hybrid = bench.start(Mode::Hybrid, &local, &cloud).await;
    // Held, not booked: the level is open, and only the reservation sees that there is room for two.
    let nearly_all = MicroUsd::from_micros(400_000_000 - 4_500);
    let _held = hybrid.cost().reserve(CostRequest::new("dm.send".parse().expect("a name"), nearly_all)).await.expect("room");
    cloud.close_gate();
    let calls = (0..6).map(|number| {
        let hybrid = hybrid.clone();
        tokio::spawn(async move { hybrid.route(call("research.platform", json!({"number": number}))).await })
    });
    let calls: Vec<_> = calls.collect();
    local.begun(4).await;
    cloud.open_gate();
    let mut sources = Vec::new();
    for call in calls {
        let envelope = call.await.expect("an answer");
        assert!(envelope.ok && envelope.cost_guard_triggered == (envelope.source == Some(Source::Local)), "{envelope:?}");
        sources.push(envelope.source);
    }
    assert_eq!(sources.iter().filter(|source| **source == Some(Source::Cloud)).count(), 2, "{sources:?}");
    assert_eq!(booked(&hybrid).await, (4_000, nearly_all.micros()));
    stop(hybrid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_race_to_the_cap_runs_here_on_sqlite() {
    the_race(Bench::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_loses_the_race_to_the_cap_runs_here_on_postgres() {
    the_race(Bench::postgres().await).await;
}

#[tokio::test]
async fn a_price_is_booked_once_per_try_that_may_have_run() {
    for (outcome, kind, request, wanted, cost) in [
        (Outcome::Unknown, ErrorKind::Timeout, research(), (8_000, 0), 8_000),
        (Outcome::Executed, ErrorKind::HandlerError, research(), (2_000, 0), 2_000),
        (Outcome::NotExecuted, ErrorKind::RateLimited, research(), (0, 0), 0),
        (Outcome::Executed, ErrorKind::HandlerError, dm("hi"), (1_000, 0), 1_000),
        // Nobody knows: the money stays held until somebody does.
        (Outcome::Unknown, ErrorKind::OutcomeUnknown, dm("hi"), (0, 1_000), 1_000),
        (Outcome::NotExecuted, ErrorKind::Unreachable, dm("hi"), (0, 0), 0),
    ] {
        let bench = Bench::sqlite();
        let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &Hand::failing(outcome, kind)).await;
        let envelope = runtime.route(request).await;
        assert_eq!((booked(&runtime).await, envelope.cost_usd.micros()), (wanted, cost), "{outcome} {kind}");
        stop(runtime).await;
    }
}

#[tokio::test]
async fn an_action_without_a_price_is_refused_in_the_cloud_unless_there_is_a_default_rate() {
    let bench = Bench::sqlite();
    let mut config = bench.config(Mode::Cloud);
    let unpriced = || call("dm.brand_new", json!({}));
    let sides = |config| bench.with(config).with_executor(Hand::working("here")).with_cloud(Hand::working("there"));
    let runtime = sides(config.clone()).build().await.expect("a runtime");
    assert_eq!(glance(&runtime.route(unpriced()).await), (None, Outcome::NotExecuted, Some(ErrorKind::Unpriced), 0));
    stop(runtime).await;
    config.cost.default_rate = Some(MicroUsd::from_micros(5));
    let runtime = sides(config).build().await.expect("a runtime");
    assert_eq!(runtime.route(unpriced()).await.cost_usd.micros(), 5);
    stop(runtime).await;
}

#[tokio::test]
async fn a_read_that_its_caller_gives_up_is_booked_since_it_may_have_run() {
    let (bench, cloud) = (Bench::sqlite(), Hand::working("there"));
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
    cloud.close_gate();
    tokio::select! {
        _ = runtime.route(research()) => panic!("the gate is closed"),
        () = cloud.begun(1) => {}
    }
    stop(runtime).await;
    let runtime = bench.start(Mode::Cloud, &Hand::working("here"), &cloud).await;
    assert_eq!(booked(&runtime).await, (2_000, 0));
    stop(runtime).await;
}
