//! Searches, pages, limits, conversations and the account's standing.

use everreach_core::safari::gate::{Work, check};
use everreach_core::safari::limits::Limit;
use everreach_core::safari::wire::research_rows;
use everreach_core::safari::{Command, Platform, Service};
use everreach_server::demo::safari::Unread;
use http::Method;
use serde_json::{Value, json};

use super::stage::{COMMENTS, Stage, hear, limits_path};

async fn search(stage: &Stage, platform: &str, body: &Value) -> super::stage::Heard {
    stage.post(Service::MarketResearch, &format!("/api/research/{platform}/search"), body).await
}

#[tokio::test]
async fn posts_come_in_the_words_of_each_platform_and_become_rows() {
    let stage = Stage::new().await;
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    for (platform, counts) in [
        (Platform::Twitter, [10, 1_000, 2, 1]),
        (Platform::Threads, [10, 0, 2, 1]),
        (Platform::Instagram, [0, 0, 0, 0]),
        (Platform::Facebook, [10, 0, 2, 1]),
        (Platform::Tiktok, [10, 1_000, 2, 1]),
    ] {
        let answer =
            search(&stage, platform.as_str(), &json!({"query": "solo founders", "config": {"postsPerQuery": 3}})).await.body();
        assert_eq!((&answer["success"], &answer["platform"]), (&json!(true), &json!(platform)), "{answer}");
        let count = if platform == Platform::Tiktok { 3 } else { 6 };
        assert_eq!(answer["count"], count, "only tiktok heeds the wish: {platform}");
        let command = check(&Command::research(platform, "solo founders", 10, now)).expect("it passes");
        let Work::Research(work) = command.work() else { panic!("a search") };
        let rows = research_rows(work, &answer);
        assert_eq!(rows.len(), count, "{platform}");
        let first = &rows[0];
        assert_eq!([first.likes, first.views, first.comments, first.shares], counts, "{platform}");
        assert_eq!(first.post_text.is_empty(), platform == Platform::Instagram, "{platform}");
        for row in rows.iter().filter(|row| row.platform != Platform::Facebook) {
            check(&Command::comment(row.platform, row.post_url.as_str(), "nice", now)).expect("its posts can be commented on");
        }
    }
}

#[tokio::test]
async fn searches_that_find_nothing_or_are_wrong() {
    let stage = Stage::new().await;
    for (platform, body, status, success) in [
        ("twitter", json!({"query": "founder's tips"}), 200, json!(false)),
        ("twitter", json!({"keyword": "tea"}), 400, Value::Null),
        ("linkedin", json!({"query": "tea"}), 400, Value::Null),
    ] {
        let heard = search(&stage, platform, &body).await;
        assert_eq!((heard.status(), heard.body()["success"].clone()), (Some(status), success), "{body}");
    }
    stage.scenario(Service::MarketResearch, "no_results").await;
    let nothing = search(&stage, "threads", &json!({"query": "tea"})).await.body();
    let said = "Search returned no results or failed to load";
    assert_eq!(nothing, json!({"success": false, "error": said, "platform": "threads", "query": "tea"}));
    stage.scenario(Service::MarketResearch, "error_500").await;
    assert_eq!(search(&stage, "threads", &json!({"query": "tea"})).await.status(), Some(500));
    assert_eq!(stage.press_count(), 0);
}

#[tokio::test]
async fn pages_are_opened_by_the_comment_services_and_by_linkedin() {
    let stage = Stage::new().await;
    for service in COMMENTS {
        let platform = service.profile().platform.expect("a platform");
        let (path, url) = (format!("/api/{platform}/navigate"), "https://example.com/");
        let heard = stage.post(service, &path, &json!({"url": url})).await;
        assert_eq!(heard.body(), json!({"success": true, "url": url}), "{service}");
        assert_eq!(stage.get(service, &format!("/api/{platform}/status")).await.body()["currentUrl"], url, "{service}");
        assert_eq!(stage.post(service, &path, &json!({})).await.status(), Some(400), "{service}");
    }
    let profile = json!({"profileUrl": "https://www.linkedin.com/in/bob/"});
    let heard = stage.post(Service::LinkedinAutomation, "/api/linkedin/navigate/profile", &profile).await;
    assert_eq!(heard.body()["success"], true);
    assert_eq!(stage.press_count(), 0);
}

#[tokio::test]
async fn limits_can_be_read_and_changed_on_the_same_paths() {
    let stage = Stage::new().await;
    for service in Service::ALL.into_iter().filter(|service| *service != Service::MarketResearch) {
        let path = limits_path(service);
        let told = stage.get(service, path).await.body();
        assert_eq!(Limit::read(service, &told), Limit::of_profile(service), "{service}: {told}");
        let changed = json!({"messagesPerDay": 7, "commentsPerDay": 7});
        let answer = hear(stage.request(Method::PUT, service, path).json(&changed)).await.body();
        assert_eq!(Limit::read(service, &answer).per_day, Some(7), "{service}: {answer}");
    }
    let research = stage.get(Service::MarketResearch, "/api/rate-limits").await.body();
    assert_eq!(research, json!({"window_ms": 60_000, "max_per_window": 60, "accounts": []}));
    let tiktok = stage.get(Service::TiktokDm, "/api/tiktok/rate-limits").await.body();
    assert!(tiktok["nextDelay"].is_number() && tiktok["activeHours"].get("currentHour").is_none(), "{tiktok}");
    let twitter = stage.get(Service::TwitterDm, "/api/twitter/rate-limits").await.body();
    assert_eq!(twitter["activeHours"], json!({"start": 9, "end": 21, "currentHour": 12, "isActive": true}));
}

#[tokio::test]
async fn linkedin_tells_other_hours_than_it_keeps() {
    let stage = Stage::new().await;
    stage.clock.step_to("2026-11-20T19:00:00Z".parse().expect("a time"));
    let service = Service::LinkedinAutomation;
    assert_eq!(stage.get(service, "/api/linkedin/rate-limits").await.body()["withinActiveHours"], false);
    assert_eq!(stage.act(service).await.status(), Some(200));
}

#[tokio::test]
async fn conversations_with_something_unread_are_listed_in_four_shapes() {
    let stage = Stage::new().await;
    for (service, path, shown) in [
        (Service::InstagramDm, "/api/conversations/unread", json!({"username": "bob", "lastMessage": "yes", "unread": true})),
        (
            Service::TwitterDm,
            "/api/twitter/conversations/unread",
            json!({"username": "@bob", "lastMessage": "yes", "unread": true}),
        ),
        (Service::TiktokDm, "/api/tiktok/conversations/unread", json!({"username": "bob", "preview": "yes"})),
    ] {
        assert_eq!(stage.get(service, path).await.body()["count"], 0, "{service}");
        stage.double.set_unread(service, &[Unread::new("bob", "yes")]);
        assert_eq!(stage.get(service, path).await.body(), json!({"conversations": [shown], "count": 1}), "{service}");
    }
    let service = Service::LinkedinAutomation;
    stage.double.set_unread(service, &[Unread::new("Bob B.", "yes")]);
    assert_eq!(stage.get(service, "/api/linkedin/messages/unread").await.body(), json!({"unreadCount": 1}));
    assert_eq!(stage.get(service, "/api/linkedin/conversations").await.body()["conversations"][0]["participantName"], "Bob B.");
}

#[tokio::test]
async fn the_page_tells_who_is_signed_out_and_whom_x_limits() {
    let stage = Stage::new().await;
    let service = Service::TwitterDm;
    assert_eq!(stage.get(service, "/api/twitter/status").await.body()["isLoggedIn"], true);
    assert_eq!(stage.get(service, "/api/twitter/rate-status").await.body()["limited"], false);
    for (scenario, field) in [("limited", "limited"), ("suspended", "suspended")] {
        stage.scenario(service, scenario).await;
        assert_eq!(stage.get(service, "/api/twitter/rate-status").await.body()[field], true, "{scenario}");
    }
    stage.scenario(Service::InstagramDm, "not_logged_in").await;
    assert_eq!(stage.get(Service::InstagramDm, "/api/status").await.body()["isLoggedIn"], false);
    assert_eq!(stage.act(Service::InstagramDm).await.status(), Some(200), "sends do not check");
}
