//! Switching behaviours while it runs, and starting it where it cannot be started.

use std::net::TcpListener;

use everreach_core::ErrorKind;
use everreach_core::safari::Service;
use everreach_server::demo::safari::{DoubleConfig, Ports, SafariDouble};
use serde_json::json;

use super::stage::{Heard, Stage};

#[tokio::test]
async fn a_scenario_is_switched_over_the_services_own_port() {
    let stage = Stage::new().await;
    let (one, other) = (Service::TwitterDm, Service::TiktokDm);
    let heard = stage.post(one, "/__scenario", &json!({"name": "user_not_found", "times": 1})).await;
    assert_eq!(heard.body(), json!({"service": "twitter-dm", "scenario": "user_not_found,times=1"}));
    assert_eq!(stage.get(one, "/__scenario").await.body()["scenario"], "user_not_found,times=1");
    assert_eq!(stage.act(one).await.body()["error"], "User not found");
    assert_eq!(stage.act(one).await.body()["success"], true);
    stage.post(one, "/__scenario", &json!({"service": "tiktok-dm", "name": "captcha"})).await;
    assert_eq!(stage.act(other).await.body()["captcha"], true);
}

#[tokio::test]
async fn what_is_no_scenario_is_refused_and_changes_nothing() {
    let stage = Stage::new().await;
    for body in [
        json!({"name": "captcha"}),
        json!({"name": "nonsense"}),
        json!({"nmae": "ok"}),
        json!({"name": "reset", "fail_rate": 2.0}),
        json!({"service": "grafana", "name": "ok"}),
    ] {
        let heard = stage.post(Service::TwitterDm, "/__scenario", &body).await;
        assert_eq!(heard.status(), Some(400), "{body}");
        assert!(heard.body()["error"].is_string(), "{body}");
    }
    assert_eq!(stage.act(Service::TwitterDm).await.body()["success"], true);
}

#[tokio::test]
async fn a_service_that_died_is_restarted_over_another_port_and_by_another_scenario() {
    let stage = Stage::new().await;
    let (dead, alive) = (Service::InstagramComments, Service::TwitterDm);
    stage.scenario(dead, "crash,times=1").await;
    assert_eq!(stage.act(dead).await, Heard::Reset);
    assert_eq!(stage.act(dead).await, Heard::Refused);
    let heard = stage.post(alive, "/__restart", &json!({"service": dead})).await;
    assert_eq!(heard.body(), json!({"ok": true}));
    assert_eq!(stage.act(dead).await.status(), Some(200));
    stage.post(alive, "/__scenario", &json!({"service": dead, "name": "down"})).await;
    assert_eq!(stage.act(dead).await, Heard::Refused);
    stage.post(alive, "/__scenario", &json!({"service": dead, "name": "ok"})).await;
    assert_eq!(stage.act(dead).await.status(), Some(200));
}

#[tokio::test]
async fn a_restart_over_its_own_port_cuts_the_asker_off_and_happens() {
    let stage = Stage::new().await;
    let service = Service::TwitterDm;
    stage.act(service).await;
    stage.post(service, "/__restart", &json!({})).await;
    let up = async {
        while stage.get(service, "/health").await.status() != Some(200) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), up).await.expect("it comes back");
    assert_eq!(stage.get(service, "/api/twitter/rate-limits").await.body()["messagesSentToday"], 0);
}

#[tokio::test]
async fn presses_and_answers_to_messages_go_over_the_port_too() {
    let stage = Stage::new().await;
    let service = Service::InstagramDm;
    stage.act(service).await;
    let presses = stage.get(service, "/__presses").await.body();
    assert_eq!((&presses["presses"][0]["target"], &presses["most_at_once"]), (&json!("bob"), &json!(1)));
    stage.post(service, "/__unread", &json!({"conversations": [{"username": "bob", "text": "yes"}]})).await;
    assert_eq!(stage.get(service, "/api/conversations/unread").await.body()["count"], 1);
    assert_eq!(stage.post(service, "/__unread", &json!({"conversations": "none"})).await.status(), Some(400));
}

#[tokio::test]
async fn instagram_dm_runs_twice_and_counts_apart() {
    let stage = Stage::new().await;
    stage.act(Service::InstagramDm).await;
    let second = stage.double.second_url(Service::InstagramDm).expect("the other process");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let heard = super::stage::hear(client.get(format!("{second}/api/rate-limits"))).await.body();
    assert_eq!(heard["messagesSentToday"], 0);
    assert_eq!(stage.get(Service::InstagramDm, "/api/rate-limits").await.body()["messagesSentToday"], 1);
    assert_eq!(stage.double.second_url(Service::TwitterDm), None);
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_service_the_setting_and_the_way_out() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port();
    let first = port.checked_sub(1).expect("a port before it");
    let config = DoubleConfig::default().only(vec![Service::TwitterDm]).on(Ports::From(first));
    let error = SafariDouble::start(config).await.expect_err("taken");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    for word in ["twitter-dm", &port.to_string(), "SAFARI_TWITTER_DM_URL", "--port-base", "--ephemeral"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[tokio::test]
async fn only_the_services_that_were_asked_for_run() {
    let stage = Stage::with(DoubleConfig::default().only(vec![Service::ThreadsComments])).await;
    assert_eq!(stage.double.url(Service::TwitterDm), None);
    let error = stage.double.set_scenario(Service::TwitterDm, "ok".parse().expect("a scenario")).await.expect_err("not there");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let names: Vec<_> = stage.double.settings().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["SAFARI_THREADS_COMMENTS_URL", "SAFARI_THREADS_COMMENTS_TOKEN"]);
}

#[tokio::test]
async fn after_the_shutdown_every_port_refuses() {
    let stage = Stage::new().await;
    let urls: Vec<_> = Service::ALL.into_iter().filter_map(|service| stage.double.url(service)).collect();
    stage.double.shutdown().await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for url in urls {
        assert_eq!(super::stage::hear(client.get(format!("{url}/health"))).await, Heard::Refused, "{url}");
    }
}
