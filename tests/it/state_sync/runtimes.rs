//! Two whole runtimes: what happens by itself, and the routes.

use std::time::Duration;

use everreach_core::routing::RemoteConfig;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::StoreConfig;
use everreach_core::sync::state::StateKind::{CrmStats, Pipeline};
use everreach_core::{ErrorKind, Mode};
use http::StatusCode;
use serde_json::{Value, json};

use super::{CLOUD_KEY, Cloud, SEALING_KEY, record, says};

const PATIENCE: Duration = Duration::from_secs(30);

fn config(folder: &std::path::Path, cloud: &Cloud) -> RuntimeConfig {
    let mut config = RuntimeConfig::default();
    config.data_dir = folder.to_path_buf();
    config.store = StoreConfig::new(format!("sqlite://{}", folder.join("everreach.db").display()));
    config.routing.mode = Mode::Hybrid;
    config.cloud = Some(RemoteConfig::new(cloud.url.clone()).with_key(CLOUD_KEY));
    config.state.encryption_key = Some(SEALING_KEY.into());
    config.state.interval = Duration::from_secs(3_600);
    config
}

/// Waits until a document says this.
async fn until(runtime: &Runtime, key: &str, payload: &Value) {
    let looking = async {
        while says(runtime.state_sync(), CrmStats, key).await != *payload {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("{key} never says {payload}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn at_its_start_a_runtime_pushes_what_waits_and_pulls_what_is_new() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut offline = config(folder.path(), &cloud);
    offline.routing.offline = true;
    let runtime = Runtime::builder(offline).build().await.expect("a runtime");
    record(runtime.store(), runtime.state_sync(), CrmStats, "mac", json!({"n": 1})).await.expect("recorded");
    for error in [
        runtime.state_sync().push_pending_sync().await.expect_err("offline"),
        runtime.state_sync().pull_cloud_state().await.expect_err("offline"),
    ] {
        assert_eq!(error.kind(), ErrorKind::Offline);
    }
    runtime.shutdown(PATIENCE).await;
    cloud.record(CrmStats, "cloud", json!({"n": 2})).await.expect("recorded");
    assert_eq!(cloud.says(CrmStats, "mac").await, Value::Null, "in offline mode nothing was sent");

    let runtime = Runtime::builder(config(folder.path(), &cloud)).build().await.expect("a runtime");
    until(&runtime, "cloud", &json!({"n": 2})).await;
    until(&cloud.runtime, "mac", &json!({"n": 1})).await;
    runtime.shutdown(PATIENCE).await;

    // What was pulled is there while the cloud cannot be asked, with its age.
    let mut offline = config(folder.path(), &cloud);
    offline.routing.offline = true;
    let runtime = Runtime::builder(offline).build().await.expect("a runtime");
    let view = runtime.state_sync().get(CrmStats, &"cloud".parse().expect("a key")).await.expect("read").expect("kept");
    assert!(view.as_of.is_some() && !view.is_pending && view.age(runtime.clock().now()) < PATIENCE);
    runtime.shutdown(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_want_a_key_and_a_cloud_terminal() {
    let cloud = Cloud::start("sqlite::memory:", Some(SEALING_KEY)).await;
    let url = cloud.url.join("/api/sync/state").expect("a URL");
    let client = everreach_core::http::client(&everreach_core::http::HttpConfig::default()).expect("a client");
    assert_eq!(client.get(url.clone()).send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
    cloud.record(Pipeline, "deals", json!({"stage": "negotiation"})).await.expect("recorded");
    let page = client.get(url.clone()).bearer_auth(CLOUD_KEY).send().await.expect("an answer");
    let page: Value = page.json().await.expect("json");
    assert_eq!(page["items"][0]["document"]["key"], "deals");
    assert!(!page.to_string().contains("negotiation"), "nothing goes in clear");
    let mut further = url.clone();
    further.query_pairs_mut().append_pair("since", page["next"].as_str().expect("a cursor"));
    let rest = client.get(further).bearer_auth(CLOUD_KEY).send().await.expect("an answer");
    assert_eq!(rest.json::<Value>().await.expect("json")["items"], json!([]));
    let odd = client.post(url).bearer_auth(CLOUD_KEY).json(&json!({"node": "mac"})).send().await.expect("an answer");
    assert_eq!(odd.status(), StatusCode::UNPROCESSABLE_ENTITY);

    let local = crate::support::http::Server::open().await;
    let status = local.get("/status").await.with(StatusCode::OK);
    assert_eq!((&status["state"]["side"], &status["state"]["pending"]), (&json!("local"), &json!(0)));
    assert_eq!(local.get("/api/sync/state").await.body["code"], "sync_key_missing");
    assert_eq!(local.get("/api/sync/status").await.with(StatusCode::OK)["conflicts"], json!([]));
}
