//! Campaigns.

use axum::body::Body;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{fields, promised};
use crate::support::http::Server;
use crate::support::store::postgres_url;

const PATH: &str = "/api/safari/campaigns";

fn sequence(id: &str, handles: &[&str]) -> Value {
    let templates = json!({"comments": ["Nice, {handle}"], "first_dm": "one", "follow_up": "two", "final_touch": "three"});
    let posts: serde_json::Map<_, _> = handles
        .iter()
        .map(|handle| ((*handle).to_owned(), json!([1, 2, 3].map(|number| format!("https://x.com/{handle}/status/{number}")))))
        .collect();
    json!({"type": "dm_sequence", "platform": "twitter", "handles": handles, "posts": posts, "templates": templates, "id": id})
}

#[tokio::test]
async fn a_campaign_is_started_listed_shown_and_worked_on() {
    let server = Server::open().await;
    let mut started = server.post(PATH, sequence("spring-1", &["bob"])).await.with(StatusCode::CREATED);
    assert_eq!(started.as_object_mut().expect("an object").remove("created"), Some(json!(true)));
    assert_eq!((&started["id"], &started["status"]), (&json!("spring-1"), &json!("running")));
    assert_eq!(fields(&started), promised("SafariCampaign"));
    assert_eq!(server.get(PATH).await.with(StatusCode::OK), json!({"campaigns": [started]}));
    let detail = server.get(&format!("{PATH}/spring-1")).await.with(StatusCode::OK);
    assert_eq!(fields(&detail["targets"][0]), promised("SafariTarget"));
    assert_eq!(detail["targets"][0]["state"], "queued");
    let taken = server.post(PATH, sequence("spring-1", &["eve"])).await;
    assert_eq!((taken.status, &taken.body["code"]), (409, &json!("conflict")));

    server.post("/api/safari/run-once", json!({"max": 1})).await.with(StatusCode::OK);
    let commands = server.get("/api/safari/commands?campaign=spring-1").await.with(StatusCode::OK);
    assert_eq!(commands["commands"].as_array().expect("commands").len(), 3, "three comments are asked for");
    assert_eq!(server.get(&format!("{PATH}/spring-1")).await.body["targets"][0]["state"], "warmup");
}

#[tokio::test]
async fn a_campaign_is_held_goes_on_and_is_taken_back_with_its_commands() {
    let server = Server::open().await;
    server.post(PATH, sequence("spring", &["bob"])).await.with(StatusCode::CREATED);
    for (verb, status) in
        [("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("cancel", "cancelled"), ("cancel", "cancelled")]
    {
        let campaign = server.post(&format!("{PATH}/spring/{verb}"), json!({})).await.with(StatusCode::OK);
        assert_eq!(campaign["status"], status, "{verb}");
    }
    let over = server.post(&format!("{PATH}/spring/resume"), json!({})).await;
    assert_eq!((over.status, &over.body["code"]), (409, &json!("conflict")));
    for path in ["autumn/pause", "autumn/resume", "autumn/cancel"] {
        assert_eq!(server.post(&format!("{PATH}/{path}"), json!({})).await.status, 404, "{path}");
    }
    assert_eq!(server.get(&format!("{PATH}/autumn")).await.status, 404);
}

#[tokio::test]
async fn a_campaign_of_more_than_ten_messages_waits_among_the_approvals() {
    let server = Server::open().await;
    let started = server.post(PATH, sequence("spring", &["a1", "b1", "c1", "d1"])).await.with(StatusCode::CREATED);
    assert_eq!(started["waits_for"], "spring");
    let waiting = server.get("/api/approvals").await.with(StatusCode::OK);
    assert_eq!((&waiting["approvals"][0]["id"], &waiting["approvals"][0]["params"]["dms"]), (&json!("spring"), &json!(12)));
}

#[tokio::test]
async fn who_replied_is_told_by_name() {
    let server = Server::open().await;
    server.post(PATH, sequence("spring", &["bob", "eve"])).await.with(StatusCode::CREATED);
    let campaign = server.post(&format!("{PATH}/spring/replied"), json!({"handle": "@Bob"})).await.with(StatusCode::OK);
    let state = |handle: &str| {
        let targets = campaign["targets"].as_array().expect("targets");
        targets.iter().find(|target| target["handle"] == handle).expect("a target")["state"].clone()
    };
    assert_eq!((state("bob"), state("eve")), (json!("replied"), json!("queued")));
    for (path, body) in [("spring/replied", json!({"handle": "carol"})), ("autumn/replied", json!({"handle": "bob"}))] {
        assert_eq!(server.post(&format!("{PATH}/{path}"), body).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_campaign_is_started_once_under_its_key() {
    for url in ["sqlite::memory:".to_owned(), postgres_url().await] {
        let server = Server::open_at(&url).await;
        let start = async |body: &Value, key: &str| {
            let headers = [("content-type", "application/json"), ("idempotency-key", key)];
            server.send(Method::POST, PATH, &headers, Body::from(body.to_string())).await
        };
        let mut unnamed = sequence("", &["bob"]);
        unnamed.as_object_mut().expect("an object").remove("id");
        let first = start(&unnamed, "k1").await.with(StatusCode::CREATED);
        let again = start(&unnamed, "k1").await.with(StatusCode::OK);
        assert_eq!((&first["created"], &again["created"], &first["id"]), (&json!(true), &json!(false), &again["id"]));
        unnamed["handles"] = json!(["bob", "eve"]);
        unnamed["posts"]["eve"] = json!(["https://x.com/eve/status/1"]);
        let other = start(&unnamed, "k1").await;
        assert_eq!((other.status, &other.body["code"]), (422, &json!("idempotency_mismatch")), "{}", other.body);
        start(&sequence("spring", &["bob"]), "k2").await.with(StatusCode::CREATED);
        start(&sequence("spring", &["bob"]), "k2").await.with(StatusCode::OK);
        let taken = start(&sequence("spring", &["bob"]), "k3").await;
        assert_eq!((taken.status, &taken.body["code"]), (409, &json!("conflict")), "another key asks for another campaign");
        let mut two_keys = sequence("autumn", &["bob"]);
        two_keys["idempotency_key"] = json!("k5");
        let differing = start(&two_keys, "k4").await;
        assert_eq!((differing.status, &differing.body["errors"][0]["pointer"]), (422, &json!("/idempotency_key")));
        let all = server.get(PATH).await.with(StatusCode::OK);
        assert_eq!(all["campaigns"].as_array().expect("campaigns").len(), 2, "{url}");
    }
}

#[tokio::test]
async fn whoever_opted_out_is_over_in_every_campaign_and_on_the_deny_list() {
    let server = Server::open().await;
    for name in ["spring", "summer"] {
        server.post(PATH, sequence(name, &["bob", "eve"])).await.with(StatusCode::CREATED);
    }
    let reasons = |campaign: &Value| {
        campaign["targets"].as_array().expect("targets").iter().map(|one| one["reason"].clone()).collect::<Vec<_>>()
    };
    let campaign = server.post(&format!("{PATH}/spring/opted-out"), json!({"handle": "@Bob"})).await.with(StatusCode::OK);
    assert_eq!(reasons(&campaign), [json!("opted out"), Value::Null]);
    let list = server.get("/api/safari/deny-list").await.with(StatusCode::OK);
    assert_eq!((&list["denied"][0]["handle"], &list["denied"][0]["reason"]), (&json!("bob"), &json!("opt_out")));
    let denied = server.post("/api/safari/deny-list", json!({"handle": "eve"})).await.with(StatusCode::OK);
    assert_eq!(denied["targets"], 2, "on every platform, in both campaigns");
    assert_eq!(reasons(&server.get(&format!("{PATH}/summer")).await.body), [json!("opted out"), json!("opted out")]);
    for (path, body) in [("spring/opted-out", json!({"handle": "carol"})), ("autumn/opted-out", json!({"handle": "bob"}))] {
        assert_eq!(server.post(&format!("{PATH}/{path}"), body).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn posts_are_named_by_a_person_when_the_gate_lets_them_through() {
    let server = Server::open().await;
    let body = json!({"type": "comment_warmup", "platform": "twitter", "handles": ["bob"], "id": "warm"});
    server.post(PATH, body).await.with(StatusCode::CREATED);
    let named = json!({"handle": "bob", "posts": ["https://x.com/bob/status/7"]});
    let campaign = server.post(&format!("{PATH}/warm/posts"), named).await.with(StatusCode::OK);
    assert_eq!(campaign["targets"][0]["posts"], json!(["https://x.com/bob/status/7"]));
    let wrong =
        server.post(&format!("{PATH}/warm/posts"), json!({"handle": "bob", "posts": ["http://x.com/bob/status/7"]})).await;
    assert_eq!((wrong.status, &wrong.body["errors"][0]["pointer"]), (422, &json!("/posts/0")));
    let nobody = json!({"handle": "eve", "posts": ["https://x.com/eve/status/7"]});
    assert_eq!(server.post(&format!("{PATH}/warm/posts"), nobody).await.status, 404);
}

#[tokio::test]
async fn what_cannot_be_a_campaign_is_refused_with_its_place() {
    let server = Server::open().await;
    let with = |name: &str, value: Value| {
        let mut body = sequence("spring", &["bob"]);
        body[name] = value;
        body
    };
    for (body, pointer) in [
        (json!({}), ""),
        (with("type", json!("chain_letter")), "/type"),
        (with("platform", json!("myspace")), "/platform"),
        (with("platform", json!("threads")), "/platform"),
        (with("handles", json!([])), "/handles"),
        (with("handles", json!(["bob", "e've"])), "/handles/1"),
        (with("posts", json!({"bob": ["https://x.example/1"]})), "/posts/bob/0"),
        (with("posts", json!({"eve": ["https://x.com/eve/status/1"]})), "/posts/eve"),
        (with("templates", json!({"first": "hello"})), "/templates/first"),
        (with("id", json!("")), "/id"),
        (with("id", json!("two words")), "/id"),
        (with("when", json!("now")), "/when"),
    ] {
        let refused = server.post(PATH, body.clone()).await;
        assert_eq!((refused.status, &refused.body["code"]), (422, &json!("invalid_input")), "{body}: {}", refused.body);
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}: {}", refused.body);
    }
    let twice = server.post(PATH, with("handles", json!(["bob", "@Bob"]))).await;
    assert_eq!((twice.status, &twice.body["code"]), (422, &json!("invalid_input")), "{}", twice.body);
}
