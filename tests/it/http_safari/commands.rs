//! Looking at commands and changing them.

use axum::body::Body;
use everreach_core::Mode;
use everreach_core::safari::DispatchOutcome;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{fields, promised};
use crate::support::http::Server;
use crate::support::safari::{refused, tried, unknown};

const PATH: &str = "/api/safari/commands";
const NOBODY: &str = "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b";

async fn enqueue(server: &Server, body: Value) -> String {
    let written = server.post(PATH, body).await.with(StatusCode::CREATED);
    written["id"].as_str().expect("an id").to_owned()
}

fn ids(page: &Value) -> Vec<&str> {
    page["commands"].as_array().expect("commands").iter().map(|command| command["id"].as_str().expect("an id")).collect()
}

#[tokio::test]
async fn commands_are_listed_newest_first_by_every_filter_and_page_by_page() {
    let server = Server::open().await;
    let score = enqueue(&server, json!({"action": "score"})).await;
    let params = json!({"username": "bob", "text": "hello"});
    let dm =
        enqueue(&server, json!({"action": "send_dm", "platform": "twitter", "params": params, "campaign_id": "spring"})).await;
    server.post(&format!("{PATH}/{score}/cancel"), json!({})).await.with(StatusCode::OK);
    for (query, expected) in [
        ("", vec![&dm, &score]),
        ("?platform=twitter", vec![&dm]),
        ("?platform=tiktok", vec![]),
        ("?action=score", vec![&score]),
        ("?status=cancelled", vec![&score]),
        ("?status=pending", vec![&dm]),
        ("?campaign=spring", vec![&dm]),
        ("?campaign=autumn", vec![]),
        ("?platform=twitter&action=send_dm&status=pending&campaign=spring&limit=1000", vec![&dm]),
    ] {
        let page = server.get(&format!("{PATH}{query}")).await.with(StatusCode::OK);
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(fields(&page), promised("SafariCommands"));
    }
    let first = server.get(&format!("{PATH}?limit=1")).await.with(StatusCode::OK);
    assert_eq!(ids(&first), [dm.as_str()]);
    assert_eq!(fields(&first["commands"][0]), promised("SafariCommand"));
    let second = page_after(&server, &first).await;
    assert_eq!((ids(&second), &second["next"]), (vec![score.as_str()], &Value::Null), "nothing follows a last page that is full");
}

async fn page_after(server: &Server, page: &Value) -> Value {
    let next = page["next"].as_str().expect("a cursor");
    server.get(&format!("{PATH}?limit=1&cursor={next}")).await.with(StatusCode::OK)
}

#[tokio::test]
async fn a_listing_with_a_wrong_parameter_is_refused_with_its_name() {
    let server = Server::open().await;
    for (query, named) in [
        ("platform=myspace", "platform"),
        ("status=processing", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=many", "limit"),
        ("cursor=yesterday", "cursor"),
        ("page=2", "page"),
    ] {
        let answer = server.get(&format!("{PATH}?{query}")).await;
        assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid_input")), "{query}: {}", answer.body);
        assert!(answer.body["detail"].as_str().expect("a sentence").contains(named), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_command_is_shown_with_its_tries() {
    let server = Server::open().await;
    let queue = server.state.runtime().safari().queue();
    let id = tried(queue, "bob", DispatchOutcome::sent("seen in the thread")).await;
    let command = server.get(&format!("{PATH}/{id}")).await.with(StatusCode::OK);
    assert_eq!((&command["status"], &command["outcome"], &command["attempts"]), (&json!("completed"), &json!("sent"), &json!(1)));
    assert_eq!(fields(&command["tries"][0]), promised("SafariTry"));
    assert_eq!(command["tries"][0]["service"], "twitter-dm");
    assert_eq!(server.get(&format!("{PATH}/{NOBODY}")).await.status, 404);
    assert_eq!(server.get(&format!("{PATH}/no-id")).await.status, 404);
}

#[tokio::test]
async fn a_waiting_command_is_cancelled_and_a_finished_one_is_not() {
    let server = Server::open().await;
    let waiting = enqueue(&server, json!({"action": "score"})).await;
    for _ in 0..2 {
        let command = server.post(&format!("{PATH}/{waiting}/cancel"), json!({})).await.with(StatusCode::OK);
        assert_eq!(command["status"], "cancelled");
    }
    let done = tried(server.state.runtime().safari().queue(), "bob", DispatchOutcome::sent("sent")).await;
    let conflict = server.post(&format!("{PATH}/{done}/cancel"), json!({})).await;
    assert_eq!((conflict.status, &conflict.body["code"]), (409, &json!("conflict")));
    assert_eq!(server.post(&format!("{PATH}/{NOBODY}/cancel"), json!({})).await.status, 404);
}

#[tokio::test]
async fn failed_commands_are_tried_again_but_unknown_ones_only_by_their_id() {
    let server = Server::open().await;
    let queue = server.state.runtime().safari().queue();
    let failed = tried(queue, "bob", refused()).await.to_string();
    let held = tried(queue, "alice", unknown()).await.to_string();
    let all = server.post("/api/safari/retry-failed", json!({})).await.with(StatusCode::OK);
    assert_eq!(all, json!({"retried": [failed]}));
    let conflict = server.post(&format!("{PATH}/{failed}/retry"), json!({})).await;
    assert_eq!((conflict.status, &conflict.body["code"]), (409, &json!("conflict")), "it waits already");
    let named = server.post("/api/safari/retry-failed", json!({"ids": [failed, held]})).await;
    assert_eq!(named.status, 409, "all or none");
    assert_eq!(server.get(&format!("{PATH}/{held}")).await.body["outcome"], "unknown");
    let retried = server.post(&format!("{PATH}/{held}/retry"), json!({})).await.with(StatusCode::OK);
    assert_eq!((&retried["status"], &retried["retry_count"]), (&json!("pending"), &json!(0)));
    assert_eq!(server.post(&format!("{PATH}/{NOBODY}/retry"), json!({})).await.status, 404);
    for (body, pointer) in [(json!({"ids": []}), "/ids"), (json!({"ids": ["x"]}), "/ids/0"), (json!({"all": true}), "/all")] {
        let answer = server.post("/api/safari/retry-failed", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_resolved_once_by_one_of_three_words() {
    let server = Server::open().await;
    let queue = server.state.runtime().safari().queue();
    for (handle, verdict, status, outcome) in [
        ("bob", "happened", "completed", json!("happened")),
        ("alice", "drop", "failed", json!("dropped")),
        ("carol", "retry", "pending", Value::Null),
    ] {
        let id = tried(queue, handle, unknown()).await;
        let command = server.post(&format!("{PATH}/{id}/resolve"), json!({"verdict": verdict})).await.with(StatusCode::OK);
        assert_eq!((&command["status"], &command["outcome"]), (&json!(status), &outcome), "{verdict}");
        let again = server.post(&format!("{PATH}/{id}/resolve"), json!({"verdict": verdict})).await;
        assert_eq!((again.status, &again.body["code"]), (409, &json!("conflict")), "{verdict}");
    }
    assert_eq!(server.post(&format!("{PATH}/{NOBODY}/resolve"), json!({"verdict": "drop"})).await.status, 404);
    for (body, pointer) in
        [(json!({}), ""), (json!({"verdict": "perhaps"}), "/verdict"), (json!({"verdict": "drop", "by": 1}), "/by")]
    {
        let answer = server.post(&format!("{PATH}/{NOBODY}/resolve"), body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}

#[tokio::test]
async fn looking_takes_the_scope_read_and_changing_operate() {
    let server = Server::start(Mode::Local, |access| access.with_key(&"the-admin-key".into())).await;
    let admin = [("content-type", "application/json"), ("authorization", "Bearer the-admin-key")];
    for (scope, looked, changed) in [("read", 200, 403), ("dispatch", 403, 403), ("operate", 403, 201)] {
        let body = json!({"name": scope, "scopes": [scope]}).to_string();
        let made = server.send(Method::POST, "/api/keys", &admin, Body::from(body)).await.with(StatusCode::CREATED);
        let bearer = format!("Bearer {}", made["key"].as_str().expect("a key"));
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        for path in [PATH, "/api/safari/status", "/api/safari/services", "/api/safari/rate-limits", "/api/safari/halts"] {
            assert_eq!(server.send(Method::GET, path, &headers, Body::empty()).await.status, looked, "{scope} {path}");
        }
        let body = Body::from(json!({"action": "score"}).to_string());
        assert_eq!(server.send(Method::POST, PATH, &headers, body).await.status, changed, "{scope}");
    }
    assert_eq!(server.get(PATH).await.status, 401);
}

#[tokio::test]
async fn a_run_carries_out_what_may_go_and_counts_how_it_ended() {
    let server = Server::open().await;
    let ids = [enqueue(&server, json!({"action": "score"})).await, enqueue(&server, json!({"action": "score"})).await];
    let summary = server.post("/api/safari/run-once", json!({"max": 1})).await.with(StatusCode::OK);
    assert_eq!(summary, json!({"executed": 1, "completed": 1, "failed": 0, "unknown": 0, "rescheduled": 0}));
    assert_eq!(fields(&summary), promised("SafariRun"));
    let rest = server.send(Method::POST, "/api/safari/run-once", &[], Body::empty()).await.with(StatusCode::OK);
    assert_eq!(rest["executed"], 1);
    for id in ids {
        assert_eq!(server.get(&format!("{PATH}/{id}")).await.body["status"], "completed");
    }
    for (body, pointer) in [(json!({"max": 0}), "/max"), (json!({"max": -1}), "/max"), (json!({"limit": 1}), "/limit")] {
        let answer = server.post("/api/safari/run-once", body).await;
        assert_eq!((answer.status, &answer.body["errors"][0]["pointer"]), (422, &json!(pointer)), "{}", answer.body);
    }
}
