//! The company's executor on its own, and in a whole runtime beside a cloud that fails on purpose.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use everreach_core::prelude::*;
use everreach_core::routing::{ActionClass, Classification, MockClassifier, RemoteConfig};
use everreach_core::testing::{ExecutorConformance, Fault, FaultResponse, FaultServer, classifier};
use everreach_core::{Mode, Source, SystemClock};
use outreach::CrmExecutor;
use serde_json::json;

fn name(text: &str) -> ActionName {
    text.parse().expect("a name")
}

/// A runtime on a database in memory; the table leaves it to the classifier where `crm.list` runs.
async fn hybrid(cloud: &FaultServer, classifier: MockClassifier) -> Runtime {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let table = folder.join("route_table.json");
    let row = json!({"crm.list": {"preferred_env": "auto", "class": "api", "effect": "read", "essential": false, "cost_usd": 0}});
    std::fs::write(&table, row.to_string()).expect("a table");
    let mut config = RuntimeConfig::default();
    config.data_dir = folder;
    config.store.url = "sqlite::memory:".to_owned();
    config.routing.mode = Mode::Hybrid;
    config.routing.table = Some(table);
    config.cloud = Some(RemoteConfig::new(cloud.url().clone()).with_key("er_live_1"));
    config.validate().expect("settings that go together");
    Runtime::builder(config)
        .with_executor(Arc::new(CrmExecutor::new(SystemClock::shared())))
        .with_classifier(Arc::new(classifier))
        .build()
        .await
        .expect("a runtime")
}

#[tokio::test]
async fn the_crm_keeps_the_executors_law() {
    let crm = CrmExecutor::new(SystemClock::shared());
    let suite = ExecutorConformance::new(name("crm.list")).with_failing(name("crm.import"));
    suite.check(&crm).await.expect("the law");
}

#[tokio::test]
async fn the_classifier_decides_and_the_cloud_answers_or_the_crm_takes_over() {
    let health = Fault::Answer(FaultResponse::json(200, &json!({"status": "ok"})));
    let cloud = FaultServer::start([health]).await.expect("a server");
    let mut classes = MockClassifier::new();
    classes.expect_classify().returning(|_| Classification::new(ActionClass::Api, "the cloud has the CRM's copy"));
    classifier::check(&classes).expect("even a mock can keep the law");
    let runtime = hybrid(&cloud, classes).await;
    // The probe of the start has used up the script's first answer.
    cloud.wait_for_requests(1).await;

    cloud.push(Fault::Answer(FaultResponse::json(200, &json!({"ok": true, "result": {"ada": "yesterday"}}))));
    let answered = runtime.route(RouteRequest::new(name("crm.list"), Params::new())).await;
    assert_eq!((answered.source, answered.result), (Some(Source::Cloud), Some(json!({"ada": "yesterday"}))));

    // The cloud goes away. Reading does no harm, so the executor of this machine takes over.
    drop(cloud);
    let fallen_back = runtime.route(RouteRequest::new(name("crm.list"), Params::new())).await;
    assert_eq!(fallen_back.source, Some(Source::LocalFallback), "{fallen_back:?}");
    runtime.shutdown(Duration::from_secs(5)).await;
}
