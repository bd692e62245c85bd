//! What the services check by themselves, without any scenario.

use std::collections::HashSet;
use std::time::Duration;

use chrono_tz::Tz;
use everreach_core::safari::Service;
use everreach_core::safari::limits::Limit;
use everreach_server::demo::safari::{DoubleConfig, Hours};
use http::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::stage::{COMMENTS, DMS, Stage, hear, limits_path, usual};

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[tokio::test]
async fn each_send_is_one_press_with_its_endpoint_its_target_and_the_hash_of_its_text() {
    let stage = Stage::new().await;
    for service in DMS.into_iter().chain(COMMENTS) {
        assert_eq!(stage.act(service).await.status(), Some(200), "{service}");
        let press = stage.double.presses().pop().expect("a press");
        assert_eq!((press.service, press.endpoint.as_str()), (service, service.profile().path));
        assert_eq!(press.text_sha256, sha256("hello"));
        assert!(!press.injected);
    }
    let presses = stage.double.presses();
    assert_eq!(presses.iter().filter_map(|press| press.press).collect::<Vec<_>>(), (1..=8).collect::<Vec<_>>());
    assert_eq!(presses[0].ts.to_rfc3339(), "2026-11-20T12:00:00+00:00");
}

#[tokio::test]
async fn the_fields_that_are_missing_are_named_with_400() {
    let stage = Stage::new().await;
    for (service, body) in [
        (Service::InstagramDm, json!({"username": "bob", "message": "hello"})),
        (Service::TwitterDm, json!({"username": "bob", "message": "hello"})),
        (Service::LinkedinAutomation, json!({"profileUrl": "bob", "message": "hello"})),
        (Service::TiktokDm, json!({"text": "hello"})),
        (Service::InstagramComments, json!({"postUrl": "https://www.instagram.com/p/1/", "text": " "})),
        (Service::InstagramComments, json!({"postUrl": "https://www.instagram.com/p/1/", "useAI": true})),
        (Service::TiktokComments, json!({"postUrl": "https://www.tiktok.com/@a/video/1"})),
        (Service::TiktokComments, json!({"postUrl": "https://vm.tiktok.com/abc", "text": "hello"})),
        (Service::TwitterComments, json!({"text": "hello"})),
        (Service::TwitterComments, json!({"postUrl": "not a url", "text": "hello"})),
        (Service::TwitterComments, json!({"postUrl": "https://x.com/a/status/1", "text": "x".repeat(281)})),
        (Service::ThreadsComments, json!({"postUrl": "https://www.threads.com/@a/post/1", "text": "x".repeat(10_001)})),
    ] {
        let heard = stage.post(service, service.profile().path, &body).await;
        assert_eq!(heard.status(), Some(400), "{service} {body}");
        assert!(heard.body()["error"].is_string() && heard.body().get("success").is_none(), "{service}: {:?}", heard.body());
    }
    assert_eq!(stage.press_count(), 0);
}

#[tokio::test]
async fn names_and_texts_change_as_the_services_change_them() {
    let stage = Stage::new().await;
    for (service, body, target, text) in [
        (Service::InstagramDm, json!({"username": "@Bob", "text": "a  b"}), "Bob", "a  b"),
        (Service::TwitterDm, json!({"username": "@Bob", "text": "a  b"}), "@Bob", "a b"),
        (Service::TiktokDm, json!({"username": "@Bob", "message": "hi"}), "bob", "hi"),
        (Service::LinkedinAutomation, json!({"profileUrl": "bob", "text": "hi"}), "https://www.linkedin.com/in/bob/", "hi"),
        (
            Service::TwitterComments,
            json!({"postUrl": "https://x.com/a/status/1", "text": "Love what you create"}),
            "https://x.com/a/status/1",
            "Love what you [FILTERED:create]",
        ),
        (Service::ThreadsComments, json!({}), "whatever page is open", "Great post!"),
    ] {
        assert_eq!(stage.post(service, service.profile().path, &body).await.status(), Some(200), "{service}");
        let press = stage.double.presses().pop().expect("a press");
        assert_eq!((press.target.as_str(), press.text_sha256), (target, sha256(text)), "{service}");
    }
}

#[tokio::test]
async fn hours_are_kept_where_the_contract_has_them_and_force_opens_two_of_them() {
    let stage = Stage::with(DoubleConfig::default()).await;
    stage.clock.step_to("2026-11-20T21:00:00Z".parse().expect("a time"));
    for (service, status) in [
        (Service::InstagramDm, 429),
        (Service::TwitterDm, 429),
        (Service::TiktokDm, 429),
        (Service::LinkedinAutomation, 429),
        (Service::InstagramComments, 429),
        (Service::ThreadsComments, 200),
        (Service::TiktokComments, 200),
        (Service::TwitterComments, 200),
    ] {
        let heard = stage.act(service).await;
        assert_eq!(heard.status(), Some(status), "{service}");
        let said = heard.body()["error"].as_str().unwrap_or_default().to_lowercase().replace('_', " ");
        assert_eq!(said == "outside active hours", status == 429, "{service}: {said}");
        assert_eq!(heard.header("retry-after"), None);
    }
    for (service, status) in [(Service::InstagramDm, 429), (Service::TwitterDm, 200), (Service::LinkedinAutomation, 200)] {
        let mut body = usual(service);
        body["force"] = json!(true);
        assert_eq!(stage.post(service, service.profile().path, &body).await.status(), Some(status), "{service}");
    }
    let mut config = DoubleConfig::default();
    config.hours = Hours::Kept(Tz::America__Los_Angeles);
    let west = Stage::with(config).await;
    assert_eq!(west.act(Service::TwitterDm).await.status(), Some(429), "noon in UTC is four in the morning there");
}

#[tokio::test]
async fn limits_are_counted_told_and_kept_by_the_hour_and_the_day() {
    let stage = Stage::new().await;
    for (service, status, hour, day) in [
        (Service::InstagramDm, 429, "Hourly rate limit exceeded", "Daily rate limit exceeded"),
        (Service::TwitterDm, 429, "Hourly rate limit exceeded", "Daily rate limit exceeded"),
        (Service::TiktokDm, 429, "Hourly limit reached", "Daily limit reached"),
        (Service::ThreadsComments, 400, "Rate limit: 2 comments per hour", "Rate limit: 3 comments per day"),
        (Service::InstagramComments, 400, "Rate limit: 2 comments per hour", "Rate limit: 3 comments per day"),
        (Service::TiktokComments, 200, "2/hr limit", "3/day limit"),
        (Service::TwitterComments, 200, "2/hr limit", "3/day limit"),
    ] {
        stage.clock.step_to("2026-11-20T12:00:00Z".parse().expect("a time"));
        stage.double.set_limit(service, Limit { per_hour: Some(2), per_day: Some(3) });
        let act = async |number: u32| {
            let mut body = usual(service);
            if DMS.contains(&service) {
                body["username"] = json!(format!("bob{number}"));
            } else {
                body["text"] = json!(format!("hello {number}"));
            }
            stage.post(service, service.profile().path, &body).await
        };
        for number in 1..=2 {
            assert_eq!(act(number).await.body()["success"], true, "{service}");
        }
        let heard = act(3).await;
        assert_eq!((heard.status(), &heard.body()["error"]), (Some(status), &json!(hour)), "{service}");
        stage.clock.advance(Duration::from_secs(3_600));
        assert_eq!(act(4).await.body()["success"], true, "{service}: an hour later");
        let limits = stage.get(service, limits_path(service)).await.body();
        let told = |dm: &str, comment: &str| limits.get(dm).or_else(|| limits.get(comment)).cloned();
        assert_eq!(told("messagesSentThisHour", "commentsThisHour"), Some(json!(1)), "{service}: {limits}");
        assert_eq!(told("messagesSentToday", "commentsToday"), Some(json!(3)), "{service}: {limits}");
        let heard = act(5).await;
        assert_eq!((heard.status(), &heard.body()["error"]), (Some(status), &json!(day)), "{service}");
    }
}

#[tokio::test]
async fn a_failed_answer_counts_because_the_press_happened() {
    let stage = Stage::new().await;
    stage.scenario(Service::TwitterDm, "error_500").await;
    assert_eq!(stage.act(Service::TwitterDm).await.status(), Some(500));
    assert_eq!(stage.get(Service::TwitterDm, "/api/twitter/rate-limits").await.body()["messagesSentToday"], 1);
}

#[tokio::test]
async fn linkedin_has_only_a_daily_limit_and_force_skips_it() {
    let stage = Stage::new().await;
    let service = Service::LinkedinAutomation;
    stage.double.set_limit(service, Limit::per_day(1));
    assert_eq!(stage.act(service).await.status(), Some(200));
    let heard = stage.act(service).await;
    assert_eq!((heard.status(), &heard.body()["error"]), (Some(429), &json!("Daily message limit reached")));
    let mut body = usual(service);
    body["force"] = json!(true);
    assert_eq!(stage.post(service, service.profile().path, &body).await.status(), Some(200));
}

#[tokio::test]
async fn tiktok_never_messages_anybody_twice_even_after_a_restart_unless_forced() {
    let stage = Stage::new().await;
    let service = Service::TiktokDm;
    stage.scenario(service, "reset,times=1").await;
    stage.act(service).await;
    stage.double.restart(service).await.expect("its port is free");
    let again = stage.post(service, service.profile().path, &json!({"username": "@BOB", "text": "hi"})).await;
    assert_eq!(again.status(), Some(400));
    assert!(again.body()["error"].as_str().is_some_and(|error| error.starts_with("already_messaged: ")), "{:?}", again.body());
    assert_eq!(stage.press_count(), 1);
    let forced = stage.post(service, service.profile().path, &json!({"username": "bob", "text": "hi", "force": true})).await;
    assert_eq!((forced.status(), stage.press_count()), (Some(200), 2));
    stage.post(service, "/api/messages/send-to", &json!({"username": "bob", "text": "hi"})).await;
    assert_eq!(
        stage.double.presses().pop().expect("a press").endpoint,
        "/api/messages/send-to",
        "the weak way remembers nothing"
    );
}

#[tokio::test]
async fn the_same_comment_on_threads_is_answered_with_the_first_body_for_a_minute() {
    let stage = Stage::new().await;
    let first = stage.act(Service::ThreadsComments).await.body();
    stage.clock.advance(Duration::from_secs(59));
    assert_eq!(stage.act(Service::ThreadsComments).await.body(), first);
    assert_eq!(stage.press_count(), 1);
    stage.clock.advance(Duration::from_secs(1));
    assert_ne!(stage.act(Service::ThreadsComments).await.body()["commentId"], first["commentId"]);
    assert_eq!(stage.press_count(), 2);
    let before = stage.press_count();
    for _ in 0..2 {
        stage.act(Service::TwitterComments).await;
    }
    assert_eq!(stage.press_count() - before, 2, "no other service does that");
}

#[tokio::test]
async fn one_send_at_a_time_to_a_person_on_tiktok_and_at_all_on_linkedin() {
    let stage = Stage::new().await;
    for (service, said, wait) in [(Service::TiktokDm, "in_flight: ", false), (Service::LinkedinAutomation, "Safari busy", true)] {
        stage.scenario(service, "ok,linger_ms=400").await;
        let before = stage.press_count();
        let second = async {
            while stage.press_count() == before {
                tokio::task::yield_now().await;
            }
            let mut body = usual(service);
            body["force"] = json!(true);
            stage.post(service, service.profile().path, &body).await
        };
        let (first, second) = tokio::join!(stage.act(service), second);
        assert_eq!((first.status(), second.status()), (Some(200), Some(429)), "{service}");
        let error = second.body()["error"].as_str().unwrap_or_default().to_owned();
        assert!(error.starts_with(said), "{service}: {error}");
        assert_eq!(second.header("retry-after"), wait.then_some("120"), "{service}");
        stage.scenario(service, "ok").await;
    }
}

#[tokio::test]
async fn an_apostrophe_in_a_target_is_logged_as_an_injection() {
    let stage = Stage::new().await;
    for (service, body) in [
        (Service::InstagramDm, json!({"username": "bob'; touch x; '", "text": "hi"})),
        (Service::LinkedinAutomation, json!({"profileUrl": "https://www.linkedin.com/in/b'ob/", "text": "hi"})),
        (Service::TwitterComments, json!({"postUrl": "https://x.com/a/status/1?'", "text": "hi"})),
    ] {
        stage.post(service, service.profile().path, &body).await;
        assert!(stage.double.presses().pop().expect("a press").injected, "{service}");
    }
    assert_eq!(stage.double.injections(), 3);
    stage.scenario(Service::InstagramDm, "profile_error").await;
    stage.post(Service::InstagramDm, "/api/messages/send-to", &json!({"username": "'", "text": "hi"})).await;
    assert_eq!((stage.double.injections(), stage.press_count()), (4, 3), "it runs before anything is typed");
}

#[tokio::test]
async fn linkedin_acts_on_the_front_tab_until_its_session_is_ensured() {
    let stage = Stage::new().await;
    let service = Service::LinkedinAutomation;
    stage.act(service).await;
    assert_eq!(stage.post(service, "/api/session/ensure", &json!({})).await.body()["ok"], true);
    stage.act(service).await;
    stage.act(Service::TwitterDm).await;
    let unpinned: Vec<_> = stage.double.presses().iter().map(|press| press.unpinned).collect();
    assert_eq!(unpinned, [true, false, false]);
}

#[tokio::test]
async fn the_broken_way_to_message_from_the_comments_calls_its_failure_a_success() {
    let stage = Stage::new().await;
    let heard = stage.post(Service::InstagramComments, "/api/instagram/dm/send", &json!({"username": "b", "text": "t"})).await;
    assert_eq!((heard.status(), &heard.body()["success"], stage.press_count()), (Some(200), &json!(true), 0));
    assert!(heard.body()["result"]["error"].is_string());
}

#[tokio::test]
async fn how_many_act_at_once_is_told() {
    let stage = Stage::new().await;
    for service in [Service::TwitterDm, Service::ThreadsComments] {
        stage.scenario(service, "ok,delay_ms=200").await;
    }
    stage.act(Service::TwitterDm).await;
    assert_eq!(stage.double.most_at_once(), 1);
    tokio::join!(stage.act(Service::TwitterDm), stage.act(Service::ThreadsComments));
    assert_eq!(stage.double.most_at_once(), 2);
}

#[tokio::test]
async fn no_two_presses_share_a_number_however_many_come_together() {
    let stage = Stage::with(DoubleConfig::default().without_limits()).await;
    let sends = (0..40).map(|_| {
        hear(stage.request(Method::POST, Service::TwitterDm, Service::TwitterDm.profile().path).json(&usual(Service::TwitterDm)))
    });
    for heard in futures_util::future::join_all(sends).await {
        assert_eq!(heard.status(), Some(200));
    }
    let numbers: HashSet<_> = stage.double.presses().iter().map(|press| press.press).collect();
    assert_eq!(numbers.len(), 40);
}
