//! What comes before the request, and what is made of its answer.

use serde_json::{Value, json};

use super::families::{Bench, TOKEN, before_each, command, config, healthy, prelude, success};
use crate::SystemClock;
use crate::safari::gate::{Work, check};
use crate::safari::limits::Limit;
use crate::safari::wire::{ForcePolicy, research_rows};
use crate::safari::{Command, DispatchVerdict, HttpSafariDispatcher, Platform, Reason, Repeat, SafariDispatcher, Service};
use crate::testing::{Fault, FaultResponse, FaultServer};
use crate::{ErrorKind, Result};

fn answer(status: u16, body: &Value) -> Fault {
    Fault::Answer(FaultResponse::json(status, body))
}

#[tokio::test]
async fn linkedins_tab_is_found_before_every_action() {
    let service = Service::LinkedinAutomation;
    let mut script = prelude(service);
    script.push(Fault::Answer(success(service)));
    script.extend(before_each(service));
    script.push(Fault::Answer(success(service)));
    let bench = Bench::new(service, script).await;
    for _ in 0..2 {
        drop(bench.dispatcher.dispatch(&command(service)).await);
    }
    let targets: Vec<_> = bench.server.received().iter().map(|request| request.target()).collect();
    let (ensure, send) = ("POST /api/session/ensure", "POST /api/linkedin/messages/send-to");
    assert_eq!(targets, ["GET /health", ensure, send, ensure, send]);
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(bench.server.received()[1].header("authorization"), Some(bearer));
}

#[tokio::test]
async fn without_linkedins_tab_nothing_is_sent() {
    for (fault, verdict, reason) in [
        (answer(500, &json!({"error": "no tab"})), DispatchVerdict::Refused(Repeat::Free), Reason::NoSession),
        (answer(200, &json!({"ok": false, "error": "no tab"})), DispatchVerdict::Refused(Repeat::Free), Reason::NoSession),
        (answer(401, &json!({"error": "token"})), DispatchVerdict::Refused(Repeat::Counted), Reason::TokenRefused),
        (Fault::ResetBeforeAnswer, DispatchVerdict::Refused(Repeat::Counted), Reason::ServiceUnreachable),
    ] {
        let script = vec![Fault::Answer(healthy(Service::LinkedinAutomation)), fault, answer(200, &json!({"success": true}))];
        let bench = Bench::new(Service::LinkedinAutomation, script).await;
        let outcome = bench.dispatcher.dispatch(&command(Service::LinkedinAutomation)).await;
        assert_eq!((outcome.verdict, outcome.reason), (verdict, reason), "{outcome:?}");
        assert!(bench.submissions().is_empty());
    }
}

#[tokio::test]
async fn an_account_that_x_limits_sends_no_message() {
    let script = vec![
        Fault::Answer(healthy(Service::TwitterDm)),
        answer(200, &json!({"limited": true, "suspended": false, "message": "You are over the daily limit"})),
    ];
    let bench = Bench::new(Service::TwitterDm, script).await;
    let outcome = bench.dispatcher.dispatch(&command(Service::TwitterDm)).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Free), Reason::PlatformLimited));
    assert!(outcome.halt().is_some() && bench.submissions().is_empty());
}

#[tokio::test]
async fn a_twitter_service_that_does_not_know_the_question_gets_the_message() {
    let script = vec![
        Fault::Answer(healthy(Service::TwitterDm)),
        Fault::Answer(FaultResponse::html(404)),
        Fault::Answer(success(Service::TwitterDm)),
    ];
    let bench = Bench::new(Service::TwitterDm, script).await;
    assert_eq!(bench.dispatcher.dispatch(&command(Service::TwitterDm)).await.verdict, DispatchVerdict::Sent);
}

#[tokio::test]
async fn a_search_is_asked_without_its_apostrophe_and_cut_to_what_was_wanted() {
    let post =
        |number: u32| json!({"author": "bob", "url": format!("https://x.com/bob/status/{number}"), "text": "hi", "replies": 7});
    let found = json!({"success": true, "posts": [post(1), post(1), post(2), post(3)], "count": 4});
    let bench =
        Bench::new(Service::MarketResearch, vec![Fault::Answer(healthy(Service::MarketResearch)), answer(200, &found)]).await;
    let search = command(Service::MarketResearch);
    let outcome = bench.dispatcher.dispatch(&search).await;
    assert_eq!(outcome.reason, Reason::Done);
    let sent: Value = serde_json::from_slice(bench.submissions()[0].body().expect("a body")).expect("JSON");
    assert_eq!(sent["query"], "founder\u{2019}s tips");
    let Work::Research(work) = search.work() else { panic!("a search") };
    let kept = outcome.answer.expect("the answer");
    assert_eq!(kept["posts"].as_array().map(Vec::len), Some(2));
    let rows = research_rows(work, &kept);
    assert_eq!(rows, research_rows(work, &found), "the same rows");
    assert_eq!((rows.len(), rows[0].keyword.as_str(), rows[0].comments), (2, "founder's tips", 7));
}

#[tokio::test]
async fn force_leaves_only_when_row_and_configuration_say_so() {
    for (policy, forced) in [(ForcePolicy::Ignore, false), (ForcePolicy::Honour, true)] {
        let mut script = prelude(Service::TiktokDm);
        script.push(Fault::Answer(success(Service::TiktokDm)));
        let server = FaultServer::start(script).await.expect("a server");
        let mut config = config(Service::TiktokDm, server.url());
        config.dispatch.force = policy;
        let dispatcher = HttpSafariDispatcher::new(&config, SystemClock::shared()).expect("a dispatcher");
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        let dm = Command::dm(Platform::Tiktok, "bob", "hello", now).with_param("force", true);
        drop(dispatcher.dispatch(&check(&dm).expect("it passes")).await);
        let sent: Value = serde_json::from_slice(server.received()[1].body().expect("a body")).expect("JSON");
        assert_eq!(sent.get("force").is_some(), forced);
    }
}

async fn limits(service: Service, fault: Fault) -> Result<Option<Limit>> {
    Bench::new(service, vec![Fault::Answer(healthy(service)), fault]).await.dispatcher.limits(service).await
}

#[tokio::test]
async fn limits_are_read_with_the_token_and_in_every_shape() {
    let service = Service::LinkedinAutomation;
    let said = json!({"config": {"messagesPerDay": 9}, "current": {"messagesToday": 1}});
    let bench = Bench::new(service, vec![Fault::Answer(healthy(service)), answer(200, &said)]).await;
    let limit = bench.dispatcher.limits(service).await.expect("limits");
    assert_eq!(limit, Some(Limit { per_hour: None, per_day: Some(9) }));
    let asked = &bench.server.received()[1];
    assert_eq!(asked.target(), "GET /api/linkedin/rate-limits");
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {TOKEN}")));
    let odd = limits(Service::InstagramDm, answer(200, &json!({"limits": "none"}))).await.expect("limits");
    assert_eq!(odd, Some(Limit::of_profile(Service::InstagramDm)));
    assert_eq!(limits(Service::MarketResearch, answer(200, &json!({}))).await.expect("none"), None);
}

#[tokio::test]
async fn limits_that_cannot_be_asked_are_an_error_that_says_why() {
    let service = Service::TwitterComments;
    for (fault, kind, word) in [
        (answer(401, &json!({"error": "no"})), ErrorKind::Unauthorized, "SAFARI_TWITTER_COMMENTS_TOKEN"),
        (answer(500, &json!({"error": "no"})), ErrorKind::Unreachable, "500"),
        (Fault::Answer(FaultResponse::html(200)), ErrorKind::Unreachable, "rate-limits"),
        (Fault::ResetBeforeAnswer, ErrorKind::Unreachable, "rate-limits"),
        (Fault::Hang, ErrorKind::Timeout, "in time"),
    ] {
        let error = limits(service, fault).await.expect_err(word);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}
