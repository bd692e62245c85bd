//! The three modes, the forced side, names that nobody lists.

use everreach_core::routing::{ActionClass, Classification, Classifier};
use everreach_core::{ActionName, Side};

use super::*;

const ALL: [Mode; 3] = [Mode::Local, Mode::Cloud, Mode::Hybrid];

/// The sources that an action comes from in the three modes.
async fn sources(action: &str) -> [Option<Source>; 3] {
    let mut sources = [None; 3];
    for (mode, source) in ALL.into_iter().zip(&mut sources) {
        let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
        let runtime = bench.start(mode, &local, &cloud).await;
        let envelope = runtime.route(call(action, json!({"text": "hi"}))).await;
        assert!(envelope.ok && envelope.outcome == Outcome::Executed && envelope.attempts == 1, "{envelope:?}");
        let by = if envelope.source == Some(Source::Cloud) { "there" } else { "here" };
        assert_eq!(envelope.result.as_ref().expect("a result")["by"], by);
        assert_eq!(local.count() + cloud.count(), 1);
        *source = envelope.source;
        stop(runtime).await;
    }
    sources
}

#[tokio::test]
async fn each_mode_sends_an_action_to_its_side_and_hybrid_goes_by_the_row_then_the_class() {
    let (local, cloud) = (Some(Source::Local), Some(Source::Cloud));
    assert_eq!(sources("content.analyze_video").await, [local, cloud, local]);
    assert_eq!(sources("dm.send").await, [local, cloud, cloud]);
    assert_eq!(sources("content.generate").await, [local, cloud, local]);
    assert_eq!(sources("crm.stats").await, [local, cloud, cloud]);
}

#[tokio::test]
async fn cloud_and_hybrid_do_not_start_without_a_cloud_and_its_key_and_local_does() {
    for mode in [Mode::Cloud, Mode::Hybrid] {
        let bench = Bench::sqlite();
        let error = bench.builder(mode).build().await.expect_err("no cloud");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("EVERREACH_CLOUD_KEY"), "{error}");
        let mut keyless = bench.config(mode);
        keyless.cloud = Some(RemoteConfig::new("http://127.0.0.1:9".parse().expect("a URL")));
        assert_eq!(bench.with(keyless).build().await.expect_err("no key").kind(), ErrorKind::Config);
    }
    let bench = Bench::sqlite();
    let mut keyless = bench.config(Mode::Local);
    keyless.cloud = Some(RemoteConfig::new("http://127.0.0.1:9".parse().expect("a URL")));
    let runtime = bench.with(keyless).build().await.expect("local needs no key");
    assert!(runtime.route(call("system.heartbeat", json!({}))).await.ok);
    stop(runtime).await;
}

#[tokio::test]
async fn a_forced_side_overrules_mode_and_row_in_both_directions() {
    for mode in ALL {
        let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
        let runtime = bench.start(mode, &local, &cloud).await;
        for (side, source) in [(Side::Local, Source::Local), (Side::Cloud, Source::Cloud)] {
            for action in ["dm.stats", "content.analyze_video"] {
                assert_eq!(
                    runtime.route(call(action, json!({})).forced_to(side)).await.source,
                    Some(source),
                    "{mode:?} {action}"
                );
            }
        }
        stop(runtime).await;
    }
}

#[tokio::test]
async fn a_forced_outward_call_stays_where_it_was_sent_and_a_forced_read_may_move() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Hybrid, &local, &Hand::failing(Outcome::NotExecuted, ErrorKind::Unreachable)).await;
    let outward = runtime.route(dm("hi").forced_to(Side::Cloud)).await;
    assert_eq!(glance(&outward), (None, Outcome::NotExecuted, Some(ErrorKind::Unreachable), 1));
    assert_eq!(local.count(), 0);
    let read = runtime.route(stats().forced_to(Side::Cloud)).await;
    assert_eq!(glance(&read), (Some(Source::LocalFallback), Outcome::Executed, None, 2));
    let local_first = runtime.route(dm("again").forced_to(Side::Local)).await;
    assert_eq!(glance(&local_first), (Some(Source::Local), Outcome::Executed, None, 1));
    stop(runtime).await;
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_answered_with_the_nearest_names() {
    let unknown = Hand::failing(Outcome::NotExecuted, ErrorKind::UnknownAction);
    let listed = ServiceListing::new("dm.send".parse().expect("a name"), "send a message");
    for mode in ALL {
        let bench = Bench::sqlite();
        let mut cloud =
            Hand::plain(|_| Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::UnknownAction, "never heard")));
        cloud.services = vec![listed.clone()];
        let runtime = bench.start(mode, &unknown, &Arc::new(cloud)).await;
        let envelope = runtime.route(call("dm.sned", json!({}))).await;
        assert_eq!(envelope.error, Some(ErrorKind::UnknownAction), "{mode:?} {envelope:?}");
        assert_eq!((envelope.source, envelope.outcome), (None, Outcome::NotExecuted));
        assert_eq!(envelope.suggestions.first().map(String::as_str), Some("dm.send"), "{mode:?} {envelope:?}");
        stop(runtime).await;
    }
}

#[tokio::test]
async fn a_topic_without_a_row_is_tried_locally_under_a_key_of_its_own() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let one = runtime.route(call("brand_new.topic", json!({}))).await;
    let other = runtime.route(call("brand_new.topic", json!({}))).await;
    assert_eq!(glance(&one), (Some(Source::Local), Outcome::Executed, None, 1));
    assert!(one.idempotency_key.is_some() && one.idempotency_key != other.idempotency_key);
    assert_eq!((local.count(), cloud.count()), (2, 0));
    stop(runtime).await;
}

#[tokio::test]
async fn an_alias_answers_under_the_name_it_stands_for() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    let envelope = runtime.route(call("content.gen", json!({}))).await;
    assert_eq!((envelope.action.as_str(), local.calls()[0].action.as_str()), ("content.generate", "content.generate"));
    stop(runtime).await;
}

#[tokio::test]
async fn another_classifier_decides_where_the_row_leaves_it_open_and_nowhere_else() {
    #[derive(Debug)]
    struct AllApi;
    impl Classifier for AllApi {
        fn classify(&self, _: &ActionName) -> Classification {
            Classification::new(ActionClass::Api, "everything is")
        }
    }
    let bench = Bench::sqlite();
    let builder = bench.builder(Mode::Hybrid).with_classifier(Arc::new(AllApi));
    let runtime =
        builder.with_executor(Hand::working("here")).with_cloud(Hand::working("there")).build().await.expect("a runtime");
    assert_eq!(runtime.route(call("content.generate", json!({}))).await.source, Some(Source::Cloud));
    assert_eq!(runtime.route(call("content.analyze_video", json!({}))).await.source, Some(Source::Local));
    stop(runtime).await;
}

#[tokio::test]
async fn a_time_limit_beyond_all_reason_is_cut_instead_of_failing() {
    let bench = Bench::sqlite();
    let runtime = bench.start(Mode::Local, &Hand::working("here"), &Hand::working("there")).await;
    assert!(runtime.route(stats().with_timeout(Duration::MAX)).await.ok);
    assert!(runtime.route(dm("hi").with_timeout(Duration::MAX)).await.ok);
    let late = runtime.route(dm("late").with_timeout(Duration::ZERO)).await;
    assert_eq!(glance(&late), (None, Outcome::NotExecuted, Some(ErrorKind::Timeout), 0));
    stop(runtime).await;
}
