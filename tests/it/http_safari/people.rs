//! What people decide: large groups of messages, stopped accounts, the deny list.

use everreach_core::safari::{DispatchOutcome, Reason, Repeat};
use http::StatusCode;
use serde_json::{Value, json};

use super::{fields, promised};
use crate::support::http::Server;
use crate::support::safari::tried;

/// Eleven messages of one campaign; the ids.
async fn campaign(server: &Server, name: &str) -> Vec<String> {
    let dm = |number: u32| json!({"action": "send_dm", "platform": "twitter", "params": {"username": format!("bob{number}"), "text": "hello"}, "campaign_id": name});
    let commands: Vec<_> = (0..11).map(dm).collect();
    let written = server.post("/api/safari/commands", json!({"commands": commands})).await.with(StatusCode::CREATED);
    let written = written["commands"].as_array().expect("commands").clone();
    assert!(written.iter().all(|one| one["waits_for"] == *name), "{written:?}");
    written.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

async fn command(server: &Server, id: &str) -> Value {
    server.get(&format!("/api/safari/commands/{id}")).await.with(StatusCode::OK)
}

#[tokio::test]
async fn eleven_messages_wait_among_the_approvals_until_a_person_agrees() {
    let server = Server::open().await;
    let ids = campaign(&server, "spring 2026").await;
    assert!(command(&server, &ids[0]).await["why"].as_str().expect("a sentence").contains("person"));
    let waiting = server.get("/api/approvals").await.with(StatusCode::OK)["approvals"].clone();
    assert_eq!((&waiting[0]["id"], &waiting[0]["kind"]), (&json!("spring 2026"), &json!("safari_dms")));
    assert_eq!(server.get("/api/safari/status").await.body["approvals"][0]["dms"], 11);
    let approved = server.post("/api/approvals/spring%202026/approve", json!({})).await.with(StatusCode::OK);
    assert_eq!(approved, json!({"id": "spring 2026", "state": "approved", "commands": 11}));
    assert_eq!(server.get("/api/approvals").await.body["approvals"], json!([]));
    let again = server.post("/api/approvals/spring%202026/deny", json!({})).await;
    assert_eq!((again.status, &again.body["code"]), (409, &json!("conflict")));
}

#[tokio::test]
async fn refused_messages_are_cancelled() {
    let server = Server::open().await;
    let ids = campaign(&server, "spring").await;
    let denied = server.post("/api/approvals/spring/deny", json!({})).await.with(StatusCode::OK);
    assert_eq!(denied, json!({"id": "spring", "state": "denied", "commands": 11}));
    assert_eq!(command(&server, &ids[10]).await["status"], "cancelled");
    for path in ["approve", "deny"] {
        let unknown = server.post(&format!("/api/approvals/autumn/{path}"), json!({})).await;
        assert_eq!((unknown.status, &unknown.body["code"]), (404, &json!("not_found")));
    }
}

#[tokio::test]
async fn an_account_that_lost_its_login_is_stopped_until_a_person_lifts_it() {
    let server = Server::open().await;
    let outcome = DispatchOutcome::refused(Repeat::Free, Reason::NotLoggedIn, "signed out");
    tried(server.state.runtime().safari().queue(), "bob", outcome).await;
    let halts = server.get("/api/safari/halts").await.with(StatusCode::OK);
    assert_eq!(fields(&halts["halts"][0]), promised("SafariHalt"));
    assert_eq!((&halts["halts"][0]["account"], &halts["halts"][0]["until"]), (&json!("twitter"), &Value::Null));
    let other = server.post("/api/safari/halts/lift", json!({"platform": "tiktok"})).await.with(StatusCode::OK);
    assert_eq!(other, json!({"lifted": 0, "halts": []}));
    let lifted = server.post("/api/safari/halts/lift", json!({"platform": "twitter"})).await.with(StatusCode::OK);
    assert_eq!((&lifted["lifted"], fields(&lifted)), (&json!(1), vec!["halts", "lifted"]));
    assert!(lifted["halts"][0]["until"].is_string(), "it rests for a day: {lifted}");
    assert_eq!(server.get("/api/safari/halts").await.body["halts"], lifted["halts"]);
    for (body, pointer) in
        [(json!({}), ""), (json!({"platform": "x"}), "/platform"), (json!({"platform": "twitter", "action": "all"}), "/action")]
    {
        let answer = server.post("/api/safari/halts/lift", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}

#[tokio::test]
async fn somebody_on_the_deny_list_is_not_written_to() {
    let server = Server::open().await;
    let params = json!({"username": "Bob", "text": "hello"});
    let body = json!({"action": "send_dm", "platform": "twitter", "params": params});
    let id = server.post("/api/safari/commands", body).await.with(StatusCode::CREATED)["id"].clone();
    let denied = json!({"platform": "twitter", "handle": "@bob", "reason": "opt_out"});
    let answer = server.post("/api/safari/deny-list", denied).await.with(StatusCode::OK);
    assert_eq!(answer, json!({"platform": "twitter", "handle": "bob", "cancelled": 1, "targets": 0}));
    assert_eq!(command(&server, id.as_str().expect("an id")).await["status"], "cancelled");
    let list = server.get("/api/safari/deny-list").await.with(StatusCode::OK);
    assert_eq!(
        (fields(&list["denied"][0]), &list["file"]),
        (promised("SafariDenial").iter().map(String::as_str).collect(), &Value::Null)
    );
    let who = json!({"platform": "twitter", "handle": "bob"});
    let answer = server.post("/api/safari/deny-list/remove", who.clone()).await.with(StatusCode::OK);
    assert_eq!(answer["removed"], true);
    assert_eq!(server.post("/api/safari/deny-list/remove", who).await.body["removed"], false);
    for (body, pointer) in [
        (json!({"handle": ""}), "/handle"),
        (json!({"handle": "b ob"}), "/handle"),
        (json!({"handle": "b", "reason": "a\nb"}), "/reason"),
    ] {
        let answer = server.post("/api/safari/deny-list", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}
