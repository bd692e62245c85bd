//! Held calls on the command line, on a database that another process left behind.

use std::sync::Arc;

use everreach_core::routing::{Execution, Params, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::StoreConfig;
use everreach_core::testing::ScriptedExecutor;
use everreach_core::{Error, ErrorKind, Outcome};
use serde_json::json;

use super::program::Place;

/// Leaves a held call with this key in the database that the program opens here.
async fn hold(place: &Place, key: &str) {
    let mut config = RuntimeConfig::default();
    config.data_dir = place.path().join("data");
    std::fs::create_dir_all(&config.data_dir).expect("a folder");
    config.store = StoreConfig::new(format!("sqlite:{}", config.data_dir.join("everreach.db").display()));
    let cut_off = Error::new(ErrorKind::OutcomeUnknown, "the connection broke after the request had left");
    let local = ScriptedExecutor::new([Execution::failed(Outcome::Unknown, cut_off)]);
    let runtime = Runtime::builder(config).with_executor(Arc::new(local)).build().await.expect("a runtime");
    let request = RouteRequest::new("dm.send".parse().expect("a name"), Params::new()).with_idempotency_key(key);
    assert_eq!(runtime.route(request).await.outcome, Outcome::Unknown);
    runtime.shutdown(std::time::Duration::from_secs(20)).await;
}

#[tokio::test]
async fn a_held_call_is_listed_shown_and_settled_once() {
    let place = Place::new();
    hold(&place, "order/1").await;
    let plain = place.run(&["calls", "list"]);
    assert_eq!(plain.code, Some(0), "{}", plain.stderr);
    assert!(plain.stdout.starts_with("IDEMPOTENCY_KEY  ACTION") && plain.stdout.contains("order/1"), "{}", plain.stdout);
    assert!(plain.stderr.contains("calls resolve"), "{}", plain.stderr);
    let listed = place.run(&["--json", "calls", "list", "--limit", "1"]).json(0);
    assert_eq!((&listed[0]["idempotency_key"], &listed[0]["state"]), (&json!("order/1"), &json!("unknown")));
    let shown = place.run(&["--json", "calls", "show", "order/1"]).json(0);
    let command = "everreach calls resolve order/1 --happened";
    assert_eq!((&shown["attempts"][0]["outcome"], &shown["envelope"]["suggestions"][0]), (&json!("unknown"), &json!(command)));

    let settled = place.run(&["calls", "resolve", "order/1", "--happened"]);
    assert_eq!((settled.code, settled.stdout.as_str()), (Some(0), "order/1 happened: repeats get the stored answer\n"));
    assert_eq!(place.run(&["--json", "calls", "list"]).json(0), json!([]));
    assert_eq!(place.run(&["--json", "calls", "list", "--state", "executed"]).json(0)[0]["state"], "executed");
    assert_eq!(place.run(&["--json", "calls", "resolve", "order/1", "--did-not-happen"]).problem(5)["code"], "conflict");
}

#[tokio::test]
async fn a_held_call_that_did_not_happen_frees_its_key() {
    let place = Place::new();
    hold(&place, "order-2").await;
    let settled = place.run(&["--json", "calls", "resolve", "order-2", "--did-not-happen"]).json(0);
    assert_eq!((&settled["state"], &settled["envelope"]["outcome"]), (&json!("not_executed"), &json!("not_executed")));
}

#[test]
fn a_key_that_nobody_used_is_3() {
    let place = Place::new();
    assert_eq!(place.run(&["--json", "calls", "show", "never-seen"]).problem(3)["code"], "not_found");
    assert_eq!(place.run(&["--json", "calls", "resolve", "never-seen", "--happened"]).problem(3)["code"], "not_found");
}

#[test]
fn nothing_held_is_an_empty_listing_and_a_note() {
    let ended = Place::new().run(&["calls", "list"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert!(ended.stderr.contains("no call is unknown"), "{}", ended.stderr);
}
