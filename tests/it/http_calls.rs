//! Held calls over HTTP: seen, and settled by a person.

use std::sync::Arc;

use axum::body::Body;
use everreach_core::routing::Execution;
use everreach_core::testing::ScriptedExecutor;
use everreach_core::{Error, ErrorKind, Mode, Outcome};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::http::Server;

const KEY: &str = "order/1?";
const PATH: &str = "/api/calls/order%2F1%3F";
const RESOLVE: &str = "/api/calls/order%2F1%3F/resolve";

fn message() -> Value {
    let params = json!({"platform": "instagram", "username": "a", "text": "hi"});
    json!({"action": "dm.send", "params": params, "idempotency_key": KEY})
}

/// A server with one held call, and what runs its calls: the first with an unknown outcome, the second well.
async fn with_a_held_call() -> (Server, Arc<ScriptedExecutor>) {
    let cut_off = Error::new(ErrorKind::OutcomeUnknown, "the connection broke after the request had left");
    let local = Arc::new(ScriptedExecutor::new([Execution::failed(Outcome::Unknown, cut_off), Execution::done(json!("sent"))]));
    let server = Server::open_with(Arc::clone(&local) as _).await;
    let held = server.post("/dispatch", message()).await.with(StatusCode::OK);
    assert_eq!((&held["outcome"], &held["error"]), (&json!("unknown"), &json!("outcome_unknown")));
    let commands = ["--happened", "--did-not-happen"].map(|verdict| format!("everreach calls resolve '{KEY}' {verdict}"));
    assert_eq!(held["suggestions"], json!(commands));
    (server, local)
}

fn keys(listed: &Value) -> Vec<&str> {
    listed["calls"].as_array().expect("calls").iter().map(|call| call["idempotency_key"].as_str().expect("a key")).collect()
}

#[tokio::test]
async fn a_held_call_that_happened_answers_its_repeats_and_does_not_run_again() {
    let (server, local) = with_a_held_call().await;
    let repeated = server.post("/dispatch", message()).await.with(StatusCode::OK);
    assert_eq!((&repeated["outcome"], &repeated["replayed"]), (&json!("unknown"), &json!(true)));

    let settled = server.post(RESOLVE, json!({"verdict": "happened"})).await.with(StatusCode::OK);
    assert_eq!((&settled["state"], &settled["envelope"]["suggestions"]), (&json!("executed"), &json!([])));
    assert_eq!(server.get(PATH).await.with(StatusCode::OK), settled);
    let replayed = server.post("/dispatch", message()).await.with(StatusCode::OK);
    assert_eq!((&replayed["ok"], &replayed["outcome"], &replayed["replayed"]), (&json!(true), &json!("executed"), &json!(true)));
    assert_eq!(local.calls().len(), 1);
}

#[tokio::test]
async fn a_held_call_that_did_not_happen_runs_again_under_its_key() {
    let (server, local) = with_a_held_call().await;
    let settled = server.post(RESOLVE, json!({"verdict": "did_not_happen"})).await.with(StatusCode::OK);
    assert_eq!(settled["state"], "not_executed");
    let sent = server.post("/dispatch", message()).await.with(StatusCode::OK);
    assert_eq!((&sent["result"], &sent["outcome"], &sent["replayed"]), (&json!("sent"), &json!("executed"), &json!(false)));
    assert_eq!(local.calls().len(), 2);
}

#[tokio::test]
async fn held_calls_are_listed_until_they_are_settled() {
    let (server, _local) = with_a_held_call().await;
    for query in ["", "?state=unknown", "?limit=1", "?state=unknown&limit=200"] {
        let listed = server.get(&format!("/api/calls{query}")).await.with(StatusCode::OK);
        assert_eq!(keys(&listed), [KEY], "{query}");
        assert_eq!(listed["calls"][0]["attempts"][0]["outcome"], "unknown", "{query}");
    }
    assert!(keys(&server.get("/api/calls?state=executed").await.with(StatusCode::OK)).is_empty());
    server.post(RESOLVE, json!({"verdict": "happened"})).await.with(StatusCode::OK);
    assert!(keys(&server.get("/api/calls").await.with(StatusCode::OK)).is_empty());
    assert_eq!(keys(&server.get("/api/calls?state=executed").await.with(StatusCode::OK)), [KEY]);
}

#[tokio::test]
async fn a_listing_with_a_wrong_parameter_is_refused_with_its_name() {
    let server = Server::open().await;
    for (query, named) in [
        ("state=held", "state"),
        ("state=", "state"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("page=2", "page"),
    ] {
        let answer = server.get(&format!("/api/calls?{query}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid_input")), "{query}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{query}");
        assert!(answer.body["detail"].as_str().expect("a sentence").contains(named), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn only_a_held_call_is_settled_and_only_by_one_of_the_two_verdicts() {
    let (server, _local) = with_a_held_call().await;
    for (body, pointer) in
        [(json!({}), ""), (json!({"verdict": "perhaps"}), "/verdict"), (json!({"verdict": "happened", "by": "me"}), "/by")]
    {
        let answer = server.post(RESOLVE, body.clone()).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{body}: {}", answer.body);
    }
    let unknown = server.post("/api/calls/never-seen/resolve", json!({"verdict": "happened"})).await;
    assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("not_found")));
    server.post(RESOLVE, json!({"verdict": "happened"})).await.with(StatusCode::OK);
    let again = server.post(RESOLVE, json!({"verdict": "did_not_happen"})).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("conflict")));
    assert_eq!(server.get(PATH).await.body["state"], "executed");
}

#[tokio::test]
async fn looking_at_held_calls_takes_the_scope_read_and_settling_them_operate() {
    let server = Server::start(Mode::Local, |access| access.with_key(&"the-admin-key".into())).await;
    let admin = [("content-type", "application/json"), ("authorization", "Bearer the-admin-key")];
    for (scope, listed, settled) in [("read", 200, 403), ("dispatch", 403, 403), ("operate", 403, 404)] {
        let body = json!({"name": scope, "scopes": [scope]}).to_string();
        let made = server.send(Method::POST, "/api/keys", &admin, Body::from(body)).await.with(StatusCode::CREATED);
        let bearer = format!("Bearer {}", made["key"].as_str().expect("a key"));
        let holder = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        assert_eq!(server.send(Method::GET, "/api/calls", &holder, Body::empty()).await.status, listed, "{scope}");
        let verdict = Body::from(r#"{"verdict":"happened"}"#);
        assert_eq!(server.send(Method::POST, RESOLVE, &holder, verdict).await.status, settled, "{scope}");
    }
}
