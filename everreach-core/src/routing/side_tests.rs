use std::sync::Arc;

use serde_json::json;

use super::super::{Params, RemoteConfig};
use super::*;
use crate::http::{HttpConfig, client};
use crate::testing::{ExecutorConformance, Fault, FaultResponse, FaultServer, ManualClock};
use crate::{Effect, Outcome};

fn answer(body: &serde_json::Value) -> Fault {
    Fault::Answer(FaultResponse::json(200, body))
}

fn listing() -> Fault {
    answer(&json!({"services": [{"name": "dm", "topics": [{"name": "stats", "description": "Count"}]}]}))
}

fn from_worker() -> Fault {
    answer(&json!({"ok": true, "result": "worker"}))
}

fn call(action: &str) -> Call {
    Call::new(action.parse().expect("a name"), Params::new()).with_effect(Effect::Read).with_timeout(Duration::from_secs(5))
}

fn side(server: &FaultServer) -> (Arc<ManualClock>, LocalSide) {
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let registry = LocalExecutor::builder().handler("dm.stats", "Ours", |_, _| async { Ok(json!("registry")) }).handler(
        "system.heartbeat",
        "Ours",
        |_, _| async { Ok(json!("registry")) },
    );
    let config = RemoteConfig::new(server.url().clone());
    let worker = HttpExecutor::new(&config, client(&HttpConfig::default()).expect("a client"), clock.clone()).expect("a worker");
    (clock.clone(), LocalSide::new(registry.build().expect("a registry"), clock).with_worker(Arc::new(worker)))
}

async fn run(side: &LocalSide, action: &str) -> String {
    let result = side.execute(&call(action)).await.result.expect("a result");
    result.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn the_worker_wins_for_what_it_lists_and_for_what_the_registry_lacks() {
    let server = FaultServer::start([from_worker(), listing(), from_worker()]).await.expect("a server");
    let (_, side) = side(&server);
    assert_eq!(run(&side, "email.send").await, "worker");
    assert_eq!(run(&side, "dm.stats").await, "worker");
    assert_eq!(run(&side, "system.heartbeat").await, "registry");
    let targets: Vec<_> = server.received().iter().map(|request| request.target()).collect();
    assert_eq!(targets, ["POST /api/services/email/send", "GET /api/services", "POST /api/services/dm/stats"]);
}

#[tokio::test]
async fn the_list_is_asked_for_again_after_half_a_minute() {
    let server = FaultServer::start([listing(), listing()]).await.expect("a server");
    let (clock, side) = side(&server);
    for (advance, asked) in [(0, 1), (29, 1), (1, 2)] {
        clock.advance(Duration::from_secs(advance));
        assert_eq!(run(&side, "system.heartbeat").await, "registry");
        assert_eq!(server.received().len(), asked, "after {advance} s more");
    }
}

#[tokio::test]
async fn a_worker_that_cannot_be_asked_leaves_the_registry_in_charge_of_its_own() {
    let server = FaultServer::start([Fault::ResetBeforeAnswer]).await.expect("a server");
    let (_, side) = side(&server);
    assert_eq!(run(&side, "dm.stats").await, "registry");
    assert_eq!(run(&side, "dm.stats").await, "registry");
    assert_eq!(server.received().len(), 1, "it is not asked again at once");
}

#[tokio::test]
async fn a_worker_that_died_keeps_the_topics_it_listed() {
    let server = FaultServer::start([listing(), from_worker(), Fault::ResetBeforeAnswer, Fault::ResetBeforeAnswer])
        .await
        .expect("a server");
    let (clock, side) = side(&server);
    assert_eq!(run(&side, "dm.stats").await, "worker");
    clock.advance(Duration::from_secs(31));
    let execution = side.execute(&call("dm.stats")).await;
    assert_eq!(execution.outcome, Outcome::Unknown, "it must not run in the registry instead");
}

#[tokio::test]
async fn both_lists_are_shown_and_the_workers_words_win() {
    let server = FaultServer::start([listing()]).await.expect("a server");
    let (_, side) = side(&server);
    let shown: Vec<_> = side
        .services()
        .await
        .expect("a list")
        .into_iter()
        .map(|listing| (listing.action.to_string(), listing.description))
        .collect();
    assert_eq!(shown, [("dm.stats".into(), "Count".into()), ("system.heartbeat".into(), "Ours".into())]);
}

#[tokio::test]
async fn a_worker_keeps_the_law_of_executors() {
    let ok = || answer(&json!({"ok": true, "result": {}}));
    let unknown = answer(&json!({"ok": false, "error": "Unknown topic: no_such_service.no_such_topic", "suggestions": []}));
    let failing = answer(&json!({"ok": false, "error": "ValueError: no"}));
    let mut script = vec![ok(), ok(), unknown];
    script.extend((0..16).map(|_| ok()));
    script.extend([failing, Fault::Hang, Fault::Hang, Fault::Hang, ok(), ok(), listing()]);
    let server = FaultServer::start(script).await.expect("a server");
    let (_, side) = side(&server);
    let name = |text: &str| text.parse().expect("a name");
    let suite = ExecutorConformance::new(name("dm.stats")).with_failing(name("dm.fail")).with_hanging(name("dm.hang"));
    suite.check(&**side.worker.as_ref().expect("a worker")).await.expect("conforms");
}

#[tokio::test]
async fn an_embedders_executor_comes_first_and_passes_on_what_it_does_not_know() {
    let own = LocalExecutor::builder().handler("dm.stats", "Theirs", |_, _| async { Ok(json!("embedder")) });
    let server = FaultServer::start([from_worker(), listing(), listing()]).await.expect("a server");
    let (_, side) = side(&server);
    let side = side.with_first(Arc::new(own.build().expect("a registry")));
    assert_eq!(run(&side, "dm.stats").await, "embedder");
    assert_eq!(run(&side, "email.send").await, "worker");
    assert_eq!(run(&side, "system.heartbeat").await, "registry");
    let listed = side.services().await.expect("a list");
    let description =
        listed.iter().find(|listing| listing.action.as_str() == "dm.stats").map(|listing| listing.description.as_str());
    assert_eq!(description, Some("Theirs"));
}
