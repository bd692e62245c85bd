//! Who is let in, in which form, how often; and what `/health`, tabs and sessions say.

use std::time::Duration;

use everreach_core::safari::{HealthStatus, Service, judge_health};
use everreach_server::demo::safari::DoubleConfig;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::stage::{COMMENTS, Heard, Stage, hear, limits_path, usual};

fn names(body: &Value) -> Vec<&str> {
    let mut names: Vec<_> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn health_has_the_fields_of_the_contract_and_is_known_for_the_service_it_is() {
    let stage = Stage::new().await;
    stage.clock.advance(Duration::from_secs(2));
    for (service, fields) in [
        (Service::InstagramDm, "rateLimits status timestamp"),
        (Service::TwitterDm, "service status timestamp"),
        (Service::ThreadsComments, "port service started_at status timestamp uptime version"),
        (Service::InstagramComments, "port service started_at status timestamp uptime uptime_human version"),
        (Service::TiktokComments, "port service status timestamp"),
        (Service::TwitterComments, "port service status timestamp uptime version"),
        (Service::TiktokDm, "platform port service status"),
        (Service::LinkedinAutomation, "counters platform port rateLimits safari service status uptime withinActiveHours"),
        (Service::MarketResearch, "currentJob jobsTotal platforms port service started_at status uptime version"),
    ] {
        let heard = stage.get(service, "/health").await;
        let body = heard.body();
        assert_eq!(names(&body).join(" "), fields, "{service}");
        let (status, why) = judge_health(service.profile(), StatusCode::OK, body.to_string().as_bytes());
        assert_eq!(status, HealthStatus::Healthy, "{service}: {why}");
        let uptime = match service {
            Service::InstagramComments | Service::MarketResearch => json!(2_000),
            Service::ThreadsComments | Service::TwitterComments | Service::LinkedinAutomation => json!(2),
            _ => Value::Null,
        };
        assert_eq!(body["uptime"], uptime, "{service}");
    }
    let linkedin = stage.get(Service::LinkedinAutomation, "/health").await.body();
    assert!(linkedin["port"].is_string() && linkedin["safari"] == json!({"locked": false, "lockedForMs": 0}), "{linkedin}");
    let instagram = stage.get(Service::InstagramDm, "/health").await.body();
    assert_eq!(names(&instagram["rateLimits"]).join(" "), "limits messagesSentThisHour messagesSentToday");
}

#[tokio::test]
async fn health_may_hang_fail_or_be_somebody_elses() {
    let stage = Stage::new().await;
    for service in Service::ALL {
        stage.scenario(service, "slow_health").await;
        let slow = stage.request(Method::GET, service, "/health").timeout(Duration::from_millis(100));
        assert_eq!(hear(slow).await, Heard::Silence, "{service}");
        for (scenario, code) in [("wrong_identity", 200), ("health_500", 500), ("health_html", 200)] {
            stage.scenario(service, scenario).await;
            let heard = stage.get(service, "/health").await;
            assert_eq!(heard.status(), Some(code), "{service} {scenario}");
            let Heard::Answer { body, .. } = heard else { panic!("an answer") };
            let (status, _) = judge_health(service.profile(), StatusCode::from_u16(code).expect("a status"), &body);
            assert_eq!(status, HealthStatus::Down, "{service} {scenario}");
        }
    }
}

#[tokio::test]
async fn a_missing_a_wrong_and_a_token_in_the_address_are_401_and_linkedins_other_schemes_400() {
    let stage = Stage::new().await;
    for service in [Service::ThreadsComments, Service::InstagramComments, Service::TwitterComments, Service::LinkedinAutomation] {
        let path = service.profile().path;
        let token = stage.double.token(service).expect("it wants one").to_owned();
        let url = format!("{}{path}", stage.double.url(service).expect("it runs"));
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let ask = |url: String, shown: Option<&'static str>| {
            let request = client.post(url).json(&usual(service));
            hear(if let Some(shown) = shown { request.header("authorization", shown) } else { request })
        };
        let other = if service == Service::LinkedinAutomation { 400 } else { 401 };
        for (heard, status) in [
            (ask(url.clone(), None).await, 401),
            (ask(format!("{url}?token={token}"), None).await, 401),
            (ask(url.clone(), Some("Bearer wrong")).await, 401),
            (ask(url.clone(), Some("Bearer ")).await, other),
            (ask(url.clone(), Some("Basic abc")).await, other),
        ] {
            assert_eq!(heard.status(), Some(status), "{service}");
            assert!(heard.body()["error"].is_string() && heard.body()["message"].is_string(), "{service}");
        }
    }
    assert_eq!(stage.press_count(), 0);
}

#[tokio::test]
async fn two_services_want_a_token_only_where_one_is_set_and_research_takes_a_key_too() {
    let config = DoubleConfig::default().with_token(Service::TiktokComments, "one").with_token(Service::MarketResearch, "two");
    let stage = Stage::with(config).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let url = |service: Service, path: &str| format!("{}{path}", stage.double.url(service).expect("it runs"));
    let search = url(Service::MarketResearch, "/api/research/twitter/search");
    let comment = url(Service::TiktokComments, Service::TiktokComments.profile().path);
    let query = json!({"query": "tea"});
    assert_eq!(hear(client.post(&comment).json(&usual(Service::TiktokComments))).await.status(), Some(401));
    assert_eq!(hear(client.post(&comment).bearer_auth("one").json(&usual(Service::TiktokComments))).await.status(), Some(200));
    assert_eq!(hear(client.post(&search).json(&query)).await.status(), Some(401));
    assert_eq!(hear(client.post(&search).header("x-api-key", "two").json(&query)).await.status(), Some(200));
    assert_eq!(hear(client.post(&search).bearer_auth("two").json(&query)).await.status(), Some(200));
}

#[tokio::test]
async fn three_services_answer_415_without_the_json_header() {
    let stage = Stage::new().await;
    for service in Service::ALL {
        let path = if service == Service::MarketResearch { "/api/research/twitter/search" } else { service.profile().path };
        let bare = stage.request(Method::POST, service, path).body(usual(service).to_string());
        let strict = [Service::ThreadsComments, Service::InstagramComments, Service::MarketResearch].contains(&service);
        assert_eq!(hear(bare).await.status(), Some(if strict { 415 } else { 400 }), "{service}");
    }
}

#[tokio::test]
async fn paths_that_nobody_knows_are_pages_where_there_is_no_catch_all() {
    let stage = Stage::new().await;
    for service in Service::ALL {
        let heard = stage.get(service, "/no/such/path").await;
        assert_eq!(heard.status(), Some(404), "{service}");
        let json = [Service::ThreadsComments, Service::InstagramComments, Service::TwitterComments, Service::MarketResearch];
        assert_eq!(heard.body().is_object(), json.contains(&service), "{service}");
    }
    let wrong_method = stage.get(Service::ThreadsComments, Service::ThreadsComments.profile().path).await;
    assert_eq!(wrong_method.status(), Some(405));
}

#[tokio::test]
async fn requests_of_a_minute_are_limited_per_service_and_health_is_free() {
    let stage = Stage::new().await;
    for (service, most) in [(Service::ThreadsComments, 60), (Service::InstagramComments, 200), (Service::MarketResearch, 60)] {
        let path = limits_path(service);
        for _ in 0..most {
            assert_eq!(stage.get(service, path).await.status(), Some(200), "{service}");
        }
        stage.clock.advance(Duration::from_secs(20));
        let heard = stage.get(service, path).await;
        assert_eq!((heard.status(), heard.header("retry-after")), (Some(429), Some("40")), "{service}");
        assert_eq!(stage.get(service, "/health").await.status(), Some(200), "{service}");
        stage.clock.advance(Duration::from_secs(40));
        assert_eq!(stage.get(service, path).await.status(), Some(200), "{service}");
    }
}

#[tokio::test]
async fn strangers_who_claim_the_tabs_leave_none_for_the_services() {
    let stage = Stage::new().await;
    for agent in ["one", "two"] {
        let heard = stage.post(Service::TwitterDm, "/api/tabs/claim", &json!({"agentId": agent})).await;
        assert_eq!(heard.body()["claim"]["urlPattern"], "x.com");
    }
    let claim = async |body: Value| stage.post(Service::TwitterDm, "/api/tabs/claim", &body).await.status();
    assert_eq!(claim(json!({"agentId": "three"})).await, Some(409));
    assert_eq!(claim(json!({})).await, Some(400));
    assert_eq!(claim(json!({"agentId": "one", "windowIndex": 2})).await, Some(409));
    for service in [Service::TwitterDm, Service::TwitterComments] {
        let heard = stage.act(service).await;
        assert_eq!(heard.status(), Some(503));
        assert_eq!(heard.body()["error"], format!("No Safari tab available for {service}"));
        assert!(heard.body()["fix"].is_string() && heard.body()["detail"].is_string());
    }
    assert_eq!(stage.act(Service::InstagramDm).await.status(), Some(200));
    assert_eq!(stage.get(Service::ThreadsComments, "/api/tabs/claims").await.body()["count"], 2);
    let heartbeat =
        async |agent: &str| stage.post(Service::TwitterDm, "/api/tabs/heartbeat", &json!({"agentId": agent})).await.status();
    assert_eq!((heartbeat("one").await, heartbeat("nobody").await), (Some(200), Some(404)));
    stage.post(Service::TwitterDm, "/api/tabs/release", &json!({"agentId": "one"})).await;
    assert_eq!(stage.act(Service::TwitterDm).await.status(), Some(200));
}

#[tokio::test]
async fn a_tab_that_is_missing_leaves_limits_status_and_health_alone_but_not_those_of_research() {
    let stage = Stage::new().await;
    for service in COMMENTS {
        stage.scenario(service, "no_tab").await;
        assert_eq!(stage.get(service, limits_path(service)).await.status(), Some(200), "{service}");
        assert_eq!(stage.get(service, "/health").await.status(), Some(200), "{service}");
    }
    stage.scenario(Service::MarketResearch, "no_tab").await;
    assert_eq!(stage.get(Service::MarketResearch, "/api/rate-limits").await.status(), Some(503));
}

#[tokio::test]
async fn ensure_finds_the_tab_or_says_in_each_services_way_that_there_is_none() {
    let stage = Stage::new().await;
    for service in Service::ALL {
        let ensure = async || hear(stage.request(Method::POST, service, "/api/session/ensure")).await;
        let found = ensure().await;
        assert_eq!((found.status(), &found.body()["ok"]), (Some(200), &json!(true)), "{service}");
        assert_eq!(stage.get(service, "/api/session/status").await.body()["tracked"], true, "{service}");
        stage.scenario(service, "no_session").await;
        let missing = ensure().await;
        let expected = match service {
            Service::InstagramDm | Service::LinkedinAutomation | Service::MarketResearch => (Some(500), Value::Null),
            Service::TiktokComments => (Some(200), json!(true)),
            _ => (Some(200), json!(false)),
        };
        assert_eq!((missing.status(), missing.body()["ok"].clone()), expected, "{service}");
    }
}
