//! Without the cloud: here, then from the cache, then not at all.

use everreach_core::Side;

use super::*;

async fn offline(bench: &Bench, mode: Mode, local: &Arc<Hand>, cloud: &Arc<Hand>) -> Runtime {
    let mut config = bench.config(mode);
    config.routing.offline = true;
    let builder = bench.with(config).with_executor(Arc::clone(local) as _).with_cloud(Arc::clone(cloud) as _);
    builder.build().await.expect("a runtime")
}

/// Fetches each of these once from the cloud, so that the cache has what it keeps.
async fn visit(bench: &Bench, requests: [RouteRequest; 2]) {
    let cloud = Hand::new(|call| Execution::done(json!({"success": true, "about": call.action})));
    let runtime = bench.start(Mode::Hybrid, &Hand::working("here"), &cloud).await;
    for request in requests {
        assert_eq!(runtime.route(request).await.source, Some(Source::Cloud));
    }
    stop(runtime).await;
}

#[tokio::test]
async fn an_api_call_runs_here_and_says_that_it_is_a_fallback() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = offline(&bench, Mode::Hybrid, &local, &cloud).await;
    for request in [stats(), dm("hi")] {
        assert_eq!(glance(&runtime.route(request).await), (Some(Source::LocalFallback), Outcome::Executed, None, 1));
    }
    assert_eq!(runtime.route(call("content.analyze_video", json!({}))).await.source, Some(Source::Local));
    assert_eq!(cloud.count(), 0);
    assert!(runtime.connectivity().offline_mode);
    stop(runtime).await;
}

#[tokio::test]
async fn a_read_that_cannot_run_here_is_served_fresh_from_the_cache_and_later_shown_beside_the_error() {
    let (bench, nobody) = (Bench::sqlite(), Hand::failing(Outcome::NotExecuted, ErrorKind::UnknownAction));
    visit(&bench, [stats(), dm("hi")]).await;
    let runtime = offline(&bench, Mode::Hybrid, &nobody, &nobody).await;
    bench.clock.advance(Duration::from_secs(899));
    let fresh = runtime.route(stats()).await;
    assert_eq!(glance(&fresh), (Some(Source::Cache), Outcome::NotExecuted, None, 1));
    assert_eq!(fresh.result, Some(json!({"success": true, "about": "dm.stats"})));
    bench.clock.advance(Duration::from_secs(1));
    let stale = runtime.route(stats()).await;
    assert_eq!(glance(&stale), (None, Outcome::NotExecuted, Some(ErrorKind::Offline), 1));
    assert_eq!(stale.cached.as_ref().map(|cached| cached.age_s), Some(900));
    let other = runtime.route(call("dm.stats", json!({"days": 8}))).await;
    assert!(other.cached.is_none() && other.error == Some(ErrorKind::Offline), "another question: {other:?}");
    stop(runtime).await;
}

#[tokio::test]
async fn no_answer_older_than_an_hour_is_called_fresh_and_an_outward_answer_is_never_kept() {
    let (bench, nobody) = (Bench::sqlite(), Hand::failing(Outcome::NotExecuted, ErrorKind::UnknownAction));
    let research = || call("research.platform", json!({"platform": "x"}));
    visit(&bench, [research(), call("telegram.send", json!({"message": "hi"}))]).await;
    let runtime = offline(&bench, Mode::Hybrid, &nobody, &nobody).await;
    bench.clock.advance(Duration::from_secs(3_599));
    assert_eq!(runtime.route(research()).await.source, Some(Source::Cache));
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(runtime.route(research()).await.error, Some(ErrorKind::Offline));
    let sent = runtime.route(call("telegram.send", json!({"message": "hi"}))).await;
    assert_eq!(glance(&sent), (None, Outcome::NotExecuted, Some(ErrorKind::Offline), 1));
    assert!(sent.cached.is_none());
    let kept = support::store::number(runtime.store(), "SELECT count(*) FROM hybrid_cache").await;
    assert_eq!(kept, 1);
    stop(runtime).await;
}

#[tokio::test]
async fn where_nothing_can_move_being_offline_is_an_error_with_what_the_cache_has() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    visit(&bench, [stats(), dm("hi")]).await;
    let runtime = offline(&bench, Mode::Cloud, &local, &cloud).await;
    assert_eq!(runtime.route(stats()).await.source, Some(Source::Cache));
    let sent = runtime.route(dm("other")).await;
    assert_eq!(glance(&sent), (None, Outcome::NotExecuted, Some(ErrorKind::Offline), 0));
    assert_eq!((local.count(), cloud.count()), (0, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_message_forced_to_the_cloud_does_not_go_from_here_while_offline() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = offline(&bench, Mode::Hybrid, &local, &cloud).await;
    let sent = runtime.route(dm("hi").forced_to(Side::Cloud)).await;
    assert_eq!(glance(&sent), (None, Outcome::NotExecuted, Some(ErrorKind::Offline), 0));
    let read = runtime.route(stats().forced_to(Side::Cloud)).await;
    assert_eq!(read.source, Some(Source::LocalFallback));
    assert_eq!((local.count(), cloud.count()), (1, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn a_failure_of_the_cloud_is_bridged_by_the_cache_even_while_it_counts_as_reachable() {
    let (bench, nobody) = (Bench::sqlite(), Hand::failing(Outcome::NotExecuted, ErrorKind::UnknownAction));
    visit(&bench, [stats(), dm("hi")]).await;
    let runtime = bench.start(Mode::Hybrid, &nobody, &Hand::failing(Outcome::NotExecuted, ErrorKind::Unreachable)).await;
    let envelope = runtime.route(stats()).await;
    assert_eq!(glance(&envelope), (Some(Source::Cache), Outcome::NotExecuted, None, 2));
    stop(runtime).await;
}
