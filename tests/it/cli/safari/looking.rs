//! `safari status`, `health`, `services`, `history` and `rate-limits`.

use everreach_core::safari::DispatchOutcome;
use everreach_core::testing::{Fault, FaultResponse, FaultServer};
use serde_json::{Value, json};

use super::{NOBODY, enqueue, fields, leave, place};
use crate::support::safari::unknown;
use crate::support::store::postgres_url;

#[tokio::test]
async fn history_shows_every_status_with_its_reason_by_the_filters() {
    let place = place();
    let earlier = leave(&place, "eve", DispatchOutcome::sent("seen")).await.to_string();
    let sent = leave(&place, "bob", DispatchOutcome::sent("seen")).await.to_string();
    let waiting = enqueue(&place, &["command", "{\"action\": \"score\"}", "--at", "2126-11-20T12:00:00Z"]);
    let page = place.run(&["--json", "safari", "history"]).json(0);
    assert_eq!(fields(&page), ["commands", "next"]);
    assert_eq!((&page["commands"][0]["id"], &page["commands"][1]["id"]), (&json!(waiting), &json!(sent)));
    let documented = [
        "action",
        "attempts",
        "batch_id",
        "campaign_id",
        "created_at",
        "error",
        "id",
        "next_retry_at",
        "outcome",
        "params",
        "platform",
        "priority",
        "result",
        "retry_count",
        "scheduled_for",
        "status",
        "updated_at",
        "why",
        "worker_id",
    ];
    assert_eq!(fields(&page["commands"][0]), documented);
    let filters = ["--platform", "twitter", "--action", "send_dm", "--status", "completed", "--limit", "1"];
    let page = place.run(&[&["--json", "safari", "history"][..], &filters].concat()).json(0);
    assert_eq!((&page["commands"][0]["id"], &page["commands"][0]["outcome"]), (&json!(sent), &json!("sent")));
    let cursor = page["next"].as_str().expect("a cursor").to_owned();
    let end = place.run(&["--json", "safari", "history", "--status", "completed", "--cursor", &cursor]).json(0);
    assert_eq!((&end["commands"][0]["id"], &end["commands"][1], &end["next"]), (&json!(earlier), &Value::Null, &Value::Null));
    let plain = place.run(&["safari", "history"]);
    assert!(plain.stdout.starts_with("ID ") && plain.stdout.contains("2126"), "{}", plain.stdout);
    assert!(place.run(&["safari", "history", "--campaign", "x"]).stderr.contains("no such command"));
}

#[tokio::test]
async fn a_command_is_shown_with_its_tries_and_one_that_is_not_there_is_3() {
    let place = place();
    let id = leave(&place, "bob", unknown()).await.to_string();
    let shown = place.run(&["safari", "show", &id]);
    assert!(shown.stdout.contains("no answer came") && shown.stdout.contains("twitter-dm"), "{}", shown.stdout);
    assert_eq!(place.run(&["--json", "safari", "show", &id]).json(0)["tries"][0]["verdict"], "unknown");
    assert_eq!(place.run(&["--json", "safari", "show", NOBODY]).problem(3)["code"], "not_found");
}

#[tokio::test]
async fn the_status_counts_and_a_service_that_is_down_is_no_failure() {
    let place = place();
    leave(&place, "bob", unknown()).await;
    let plain = place.run(&["safari", "status"]);
    assert_eq!(plain.code, Some(0), "{}", plain.stderr);
    assert!(plain.stdout.contains("1 (1 with an unknown outcome)") && plain.stdout.contains("0 of 9 up"), "{}", plain.stdout);
    let has_line = |parts: &[&str]| plain.stdout.lines().any(|line| line.split_whitespace().eq(parts.iter().copied()));
    assert!(has_line(&["PLATFORM", "PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]), "{}", plain.stdout);
    assert!(has_line(&["twitter", "0", "0", "0", "1", "0"]), "the queue by platform: {}", plain.stdout);
    assert!(has_line(&["twitter", "dm", "1/50", "1/15"]), "what is used of the limits: {}", plain.stdout);
    assert!(has_line(&["all", "send", "1/150", "1/30"]), "and of the one over all accounts: {}", plain.stdout);
    let status = place.run(&["--json", "safari", "status"]).json(0);
    assert_eq!((&status["commands"]["failed"], &status["commands"]["unknown"]), (&json!(1), &json!(1)));
}

#[test]
fn health_and_services_list_all_nine() {
    let place = place();
    for command in ["health", "services"] {
        let plain = place.run(&["safari", command]);
        assert_eq!((plain.code, plain.stdout.lines().count()), (Some(0), 10), "{command}: {}", plain.stdout);
        assert!(plain.stdout.contains("linkedin-automation"), "{}", plain.stdout);
        let answer = place.run(&["--json", "safari", command]).json(0);
        let services = answer["services"].as_array().expect("services");
        assert!(services.len() == 9 && services.iter().all(|service| service["status"] == "down"), "{command}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_one_after_the_other_ask_a_service_that_leaks_once_a_minute() {
    let healthy = FaultResponse::json(200, &json!({"status": "ok", "timestamp": "t", "rateLimits": {"messagesSentToday": 0}}));
    for database in [None, Some(postgres_url().await)] {
        let service = FaultServer::start(vec![Fault::Answer(healthy.clone()); 8]).await.expect("a server");
        let place = place().with("SAFARI_INSTAGRAM_DM_URL", &service.url().origin().ascii_serialization());
        let place = match &database {
            Some(url) => place.with("DATABASE_URL", url),
            None => place,
        };
        for _ in 0..3 {
            let answer = tokio::task::block_in_place(|| place.run(&["--json", "safari", "health"])).json(0);
            let services = answer["services"].as_array().expect("services");
            let found = services.iter().find(|found| found["service"] == "instagram-dm").expect("the service");
            assert_eq!(found["status"], "healthy", "{found}");
        }
        let asked = service.received().iter().filter(|request| request.target() == "GET /health").count();
        assert_eq!(asked, 1, "{database:?}");
    }
}

#[tokio::test]
async fn rate_limits_show_what_was_used() {
    let place = place();
    leave(&place, "bob", DispatchOutcome::sent("seen")).await;
    let plain = place.run(&["safari", "rate-limits"]);
    let line = plain.stdout.lines().find(|line| line.starts_with("twitter") && line.contains(" dm ")).expect("a line");
    assert!(line.contains(" 1/"), "{line}");
    let threads = plain.stdout.lines().filter(|line| line.starts_with("threads"));
    assert_eq!(threads.filter(|line| line.contains("counts with instagram")).count(), 2, "{}", plain.stdout);
    let answer = place.run(&["--json", "safari", "rate-limits"]).json(0);
    assert_eq!(
        (fields(&answer), fields(&answer["limits"][0])),
        (vec!["combined", "limits", "resets_at"], vec!["action", "counts_with", "half_rate_until", "limit", "platform", "used"])
    );
    let all = plain.stdout.lines().find(|line| line.starts_with("all ")).expect("a line");
    assert!(all.split_whitespace().eq(["all", "send", "1/150", "1/30"]), "{all}");
    assert_eq!(answer["combined"], json!({"limit": {"per_hour": 30, "per_day": 150}, "used": {"this_hour": 1, "today": 1}}));
}
