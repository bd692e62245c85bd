//! The queue at a glance, the services, the limits.

use everreach_core::safari::DispatchOutcome;
use http::StatusCode;
use serde_json::{Value, json};

use super::{fields, promised};
use crate::support::http::Server;
use crate::support::safari::{tried, unknown};

fn find<'a>(rows: &'a Value, name: &str, value: &str) -> &'a Value {
    rows.as_array().expect("rows").iter().find(|row| row[name] == value).expect(value)
}

#[tokio::test]
async fn the_status_counts_commands_and_names_what_stops_them() {
    let server = Server::open().await;
    let queue = server.state.runtime().safari().queue();
    tried(queue, "bob", DispatchOutcome::sent("sent")).await;
    tried(queue, "alice", unknown()).await;
    server.post("/api/safari/commands", json!({"action": "score"})).await.with(StatusCode::CREATED);
    let status = server.get("/api/safari/status").await.with(StatusCode::OK);
    assert_eq!(fields(&status), promised("SafariStatus"));
    let counts = json!({"pending": 1, "running": 0, "completed": 1, "failed": 1, "cancelled": 0, "unknown": 1});
    assert_eq!(status["commands"], counts);
    assert_eq!((&status["stopped"], &status["completion_rate"]), (&json!(false), &json!(0.5)));
    assert_eq!(fields(&status["depth"][0]), promised("SafariDepth"));
    assert_eq!(status["services"].as_array().expect("services").len(), 9);
    server.post("/api/stop", json!({})).await.with(StatusCode::OK);
    assert_eq!(server.get("/api/safari/status").await.body["stopped"], true);
}

#[tokio::test]
async fn every_service_is_listed_with_how_it_is() {
    let server = Server::open().await;
    let answer = server.get("/api/safari/services").await.with(StatusCode::OK);
    let services = answer["services"].as_array().expect("services");
    assert_eq!(services.len(), 9);
    let down = find(&answer["services"], "service", "tiktok-dm");
    assert_eq!((&down["status"], &down["port"], &down["response_ms"]), (&json!("down"), &json!(3102), &Value::Null));
    let up = find(&answer["services"], "service", "twitter-comments");
    assert_eq!((&up["status"], &up["url"]), (&json!("healthy"), &json!("http://127.0.0.1:3007")));
    assert_eq!(fields(up), promised("SafariService"));
}

#[tokio::test]
async fn what_was_sent_is_counted_against_the_stricter_limit() {
    let server = Server::open().await;
    tried(server.state.runtime().safari().queue(), "bob", DispatchOutcome::sent("sent")).await;
    let answer = server.get("/api/safari/rate-limits").await.with(StatusCode::OK);
    assert_eq!(fields(&answer), promised("SafariRateLimits"));
    let limits = answer["limits"].as_array().expect("limits");
    let of = |action: &str| limits.iter().find(|row| row["platform"] == "twitter" && row["action"] == action).expect("a limit");
    assert_eq!(fields(of("dm")), promised("SafariLimitUsage"));
    assert_eq!(fields(&answer["combined"]), promised("SafariCombinedUsage"));
    assert_eq!(answer["combined"]["used"]["today"], 1);
    assert_eq!(of("dm")["used"]["today"], 1);
    assert_eq!((&of("comment")["used"]["today"], &of("comment")["limit"]["per_day"]), (&json!(0), &json!(30)));
    let threads = limits.iter().find(|row| row["platform"] == "threads").expect("a limit");
    assert_eq!((&threads["counts_with"], &of("dm")["counts_with"]), (&json!("instagram"), &Value::Null));
    assert!(answer["resets_at"]["day"].as_str().expect("a time").contains("T00:00:00"));
}

#[tokio::test]
async fn a_message_for_a_service_that_is_down_says_so() {
    let server = Server::open().await;
    let params = json!({"username": "bob", "text": "hello"});
    let body = json!({"action": "send_dm", "platform": "tiktok", "params": params});
    let id = server.post("/api/safari/commands", body).await.with(StatusCode::CREATED)["id"].clone();
    let command = server.get(&format!("/api/safari/commands/{}", id.as_str().expect("an id"))).await.with(StatusCode::OK);
    assert!(command["why"].as_str().expect("a sentence").contains("tiktok-dm is down"), "{}", command["why"]);
}

#[tokio::test]
async fn a_service_that_is_down_is_told_once_when_somebody_asks() {
    let server = Server::open().await;
    for _ in 0..2 {
        server.get("/api/safari/services").await.with(StatusCode::OK);
    }
    server.state.runtime().shutdown(std::time::Duration::from_secs(20)).await;
    let told = server.notices.all();
    assert!(told.len() == 1 && told[0].contains("Safari Service Down: tiktok-dm"), "{told:?}");
}
