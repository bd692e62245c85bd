//! Writing commands.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{fields, promised};
use crate::support::http::{Answer, Server};

const PATH: &str = "/api/safari/commands";

fn dm(handle: &str) -> Value {
    json!({"action": "send_dm", "platform": "twitter", "params": {"username": handle, "text": "hello"}})
}

async fn with_key(server: &Server, key: &str, body: Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    server.send(Method::POST, PATH, &headers, Body::from(body.to_string())).await
}

#[tokio::test]
async fn a_command_is_written_and_keeps_what_it_was_given() {
    let server = Server::open().await;
    let mut body = dm("bob");
    body["priority"] = json!(1);
    body["scheduled_for"] = json!("2126-11-20T12:00:00Z");
    body["campaign_id"] = json!("spring");
    let written = server.post(PATH, body).await.with(StatusCode::CREATED);
    assert_eq!((&written["status"], &written["created"]), (&json!("pending"), &json!(true)));
    assert_eq!(fields(&written), promised("SafariEnqueued"));
    let command = server.get(&format!("{PATH}/{}", written["id"].as_str().expect("an id"))).await.with(StatusCode::OK);
    assert_eq!((&command["priority"], &command["campaign_id"]), (&json!(1), &json!("spring")));
    assert_eq!(command["scheduled_for"].as_str().expect("a time").get(..10), Some("2126-11-20"));
    assert_eq!(command["params"], json!({"username": "bob", "text": "hello"}));
    assert!(command["why"].as_str().expect("a sentence").contains("2126"), "{}", command["why"]);
}

#[tokio::test]
async fn a_known_key_answers_with_the_earlier_command_and_another_command_under_it_is_refused() {
    let server = Server::open().await;
    let first = with_key(&server, "bob-1", dm("bob")).await.with(StatusCode::CREATED);
    let again = with_key(&server, "bob-1", dm("bob")).await.with(StatusCode::OK);
    assert_eq!((&again["id"], &again["created"]), (&first["id"], &json!(false)));
    let mut in_body = dm("bob");
    in_body["idempotency_key"] = json!("bob-1");
    assert_eq!(server.post(PATH, in_body.clone()).await.with(StatusCode::OK)["id"], first["id"]);
    let other = with_key(&server, "bob-1", dm("alice")).await;
    assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_mismatch")), "{}", other.body);
    let differing = with_key(&server, "bob-2", in_body).await;
    assert_eq!((differing.status, &differing.body["errors"][0]["pointer"]), (422, &json!("/idempotency_key")));
}

#[tokio::test]
async fn many_commands_are_all_written_or_none_and_their_keys_are_numbered() {
    let server = Server::open().await;
    let many = json!({"commands": [dm("bob"), {"action": "score"}]});
    let written = with_key(&server, "monday", many.clone()).await.with(StatusCode::CREATED);
    assert_eq!(written["commands"].as_array().expect("commands").len(), 2);
    let again = with_key(&server, "monday", many).await.with(StatusCode::OK);
    assert_eq!(again["commands"][1]["id"], written["commands"][1]["id"]);

    let server = Server::open().await;
    let wrong = json!({"commands": [dm("bob"), dm("b'ob"), {"action": "dance"}]});
    let refused = server.post(PATH, wrong).await;
    assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_params")), "{}", refused.body);
    let pointers: Vec<_> = refused.body["errors"].as_array().expect("errors").iter().map(|error| &error["pointer"]).collect();
    assert_eq!(pointers, [&json!("/commands/1/params/username"), &json!("/commands/2/action")]);
    assert_eq!(server.get(PATH).await.with(StatusCode::OK)["commands"], json!([]));
}

#[tokio::test]
async fn what_the_gate_refuses_is_named_with_its_field_and_rule() {
    let server = Server::open().await;
    let comment = |platform: &str, url: &str, text: &str| json!({"action": "comment", "platform": platform, "params": {"postUrl": url, "text": text}});
    for (body, pointer, code) in [
        (json!({"action": "dm_sent"}), "/action", "unknown_verb"),
        (json!({"action": "send_dm", "params": [1]}), "/params", "params_not_object"),
        (json!({"action": "send_dm", "params": {"username": "bob", "text": "hi"}}), "/platform", "missing_platform"),
        (json!({"action": "send_dm", "platform": "myspace", "params": {}}), "/platform", "unknown_platform"),
        (json!({"action": "send_dm", "platform": "twitter", "params": {"username": "bob"}}), "/params/text", "missing_text"),
        (dm("bob\"; open /"), "/params/username", "forbidden_character"),
        (comment("twitter", "http://x.com/bob/status/1", "hi"), "/params/postUrl", "not_https"),
        (comment("twitter", "https://x.example/bob/status/1", "hi"), "/params/postUrl", "unexpected_host"),
        (comment("twitter", "https://x.com/bob/status/1", "`id`"), "/params/text", "shell_syntax"),
        (comment("linkedin", "https://www.linkedin.com/posts/1", "hi"), "/platform", "no_endpoint"),
    ] {
        let refused = server.post(PATH, body.clone()).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_params")), "{body}: {}", refused.body);
        let error = &refused.body["errors"][0];
        assert_eq!(error["pointer"], pointer, "{body}: {}", refused.body);
        assert!(error["detail"].as_str().expect("a sentence").ends_with(&format!("({code})")), "{body}: {error}");
    }
}

#[tokio::test]
async fn bodies_of_another_shape_are_refused_with_a_pointer() {
    let server = Server::open().await;
    for (body, pointer) in [
        (json!([]), ""),
        (json!({}), ""),
        (json!({"action": 1}), "/action"),
        (json!({"action": "score", "when": "now"}), "/when"),
        (json!({"action": "score", "priority": "high"}), "/priority"),
        (json!({"action": "score", "scheduled_for": "tomorrow"}), "/scheduled_for"),
        (json!({"action": "score", "idempotency_key": "two words"}), "/idempotency_key"),
        (json!({"action": "score", "campaign_id": ""}), "/campaign_id"),
        (json!({"action": "score", "batch_id": "a\nb"}), "/batch_id"),
        (json!({"commands": []}), "/commands"),
        (json!({"commands": [{"action": "score"}, 7]}), "/commands/1"),
        (json!({"commands": [{"action": "score"}], "campaign": "x"}), "/campaign"),
        (json!({"commands": [{"action": "score", "priority": "high"}]}), "/commands/0/priority"),
    ] {
        let refused = server.post(PATH, body.clone()).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_input")), "{body}: {}", refused.body);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}: {}", refused.body);
    }
    let too_many: Vec<_> = (0..1_001).map(|_| json!({"action": "score"})).collect();
    assert_eq!(server.post(PATH, json!({"commands": too_many})).await.status, 422);
}
