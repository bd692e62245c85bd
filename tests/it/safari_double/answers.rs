//! Each scenario's answer against the words of the contract.

use std::collections::HashSet;

use everreach_core::safari::Service::{
    self, InstagramComments, InstagramDm, LinkedinAutomation, MarketResearch, ThreadsComments, TiktokComments, TiktokDm,
    TwitterComments, TwitterDm,
};
use everreach_server::demo::safari::{DoubleConfig, scenario_rows};
use serde_json::{Value, json};

use super::stage::{Stage, usual};

/// Scenario, status, fields of the answer, presses.
type Case = (&'static str, u16, Value, usize);

fn failed(status: u16, name: &'static str, error: &str) -> Case {
    (name, status, json!({"success": false, "error": error}), 0)
}

fn said(status: u16, name: &'static str, error: &str) -> Case {
    (name, status, json!({"success": null, "error": error}), 0)
}

fn messages(service: Service) -> Vec<Case> {
    match service {
        InstagramDm => vec![
            (
                "ok",
                200,
                json!({"success": true, "verified": true, "verifiedRecipient": "bob", "username": "bob", "strategy": "profile"}),
                1,
            ),
            ("unverified", 200, json!({"success": true, "verified": false}), 1),
            ("inbox", 200, json!({"success": true, "strategy": "inbox", "verified": null}), 1),
            ("new_conversation", 200, json!({"success": true, "strategy": "new_conversation", "verified": null}), 1),
            ("sent_twice", 200, json!({"success": true, "strategy": "inbox", "verified": null}), 2),
            ("failed", 200, json!({"success": false}), 1),
            ("failed_before", 200, json!({"success": false}), 0),
            ("rate_limited", 200, json!({"success": false, "rateLimited": true}), 1),
            ("profile_error", 404, json!({"profileError": "Message button not found", "username": "bob"}), 0),
            ("not_found_after", 404, json!({"profileError": null, "username": "bob"}), 1),
            said(429, "outside_hours", "Outside active hours"),
            said(429, "hourly_limit", "Hourly rate limit exceeded"),
            said(429, "daily_limit", "Daily rate limit exceeded"),
            said(503, "no_session", "Session activation failed: no instagram.com tab"),
        ],
        TwitterDm => vec![
            ("ok", 200, json!({"success": true, "verified": true, "verifiedRecipient": "bob", "username": "bob"}), 1),
            ("unverified", 200, json!({"success": true, "verified": false}), 1),
            failed(200, "user_not_found", "User not found"),
            failed(200, "account_suspended", "Account suspended"),
            failed(200, "account_protected", "Account is protected"),
            failed(200, "dm_not_open", "Could not open DM with bob"),
            failed(200, "composer_closed", "DM composer did not open"),
            failed(200, "type_failed", "Could not type message"),
            failed(200, "no_send_button", "Could not find Send button"),
            said(429, "outside_hours", "Outside active hours"),
            said(429, "hourly_limit", "Hourly rate limit exceeded"),
            said(429, "daily_limit", "Daily rate limit exceeded"),
            ("failed", 200, json!({"success": false}), 1),
            ("limited", 200, json!({"success": true}), 1),
        ],
        TiktokDm => vec![
            (
                "ok",
                200,
                json!({"success": true, "verified": true, "verifiedRecipient": "bob", "rateLimits": {"hourly": 1, "daily": 1}}),
                1,
            ),
            ("unverified", 200, json!({"success": true, "verified": false}), 1),
            ("composer_trusted", 200, json!({"success": true, "verifiedRecipient": "composer_open_inbox_trusted"}), 1),
            failed(400, "already_messaged", "already_messaged: bob was messaged before"),
            failed(400, "already_in_conversation", "already_in_conversation: bob is in the inbox"),
            failed(400, "identity_mismatch", "identity_mismatch: another conversation opened"),
            failed(400, "dms_restricted", "dms_restricted: bob takes no messages"),
            failed(400, "dm_restricted", "dm_restricted: one message until the request is accepted"),
            failed(400, "event_no_input", "event_no_input"),
            failed(400, "event_type_failed", "event_type_failed"),
            failed(400, "event_not_sent", "event_not_sent"),
            ("delivery_failed", 400, json!({"success": false, "error": "delivery_failed: TikTok refused the message"}), 1),
            failed(429, "outside_hours", "Outside active hours"),
            failed(429, "hourly_limit", "Hourly limit reached"),
            failed(429, "daily_limit", "Daily limit reached"),
            failed(429, "in_flight", "in_flight: a send to bob is running"),
            ("rate_limited", 429, json!({"success": false, "rateLimited": true, "captcha": false}), 0),
            ("captcha", 429, json!({"success": false, "rateLimited": true, "captcha": true}), 0),
        ],
        _ => vec![
            ("ok", 200, json!({"success": true, "verified": true}), 1),
            ("unverified", 200, json!({"success": true, "verified": false}), 1),
            failed(200, "profile_not_loaded", "Profile page did not load"),
            failed(200, "no_message_button", "Message button not found"),
            failed(200, "click_failed", "Failed to click message button"),
            failed(200, "no_input", "Message input did not appear"),
            failed(200, "type_failed", "Failed to type message"),
            said(429, "outside_hours", "outside_active_hours"),
            said(429, "daily_limit", "Daily message limit reached"),
            said(429, "safari_busy", "Safari busy: another action holds it"),
        ],
    }
}

fn comments(service: Service) -> Vec<Case> {
    // Failed posts come as 400 from two of them and as 200 from the others.
    let status = if matches!(service, ThreadsComments | InstagramComments) { 400 } else { 200 };
    let mut cases = vec![
        ("posted_twice", 200, json!({"success": true}), 2),
        said(500, "navigation_failed", "Navigation failed"),
        failed(status, "reply_not_found", "Reply button not found"),
        failed(status, "composer_missing", "Composer never appeared"),
        failed(status, "input_missing", "Comment input never appeared"),
        failed(status, "focus_failed", "Could not focus the input"),
        failed(status, "typing_failed", "All typing strategies failed"),
        failed(status, "submit_disabled", "Submit button not found or disabled"),
        ("failed", status, json!({"success": false, "error": "Error: Command failed: osascript -e ..."}), 1),
    ];
    cases.extend(match service {
        ThreadsComments => vec![
            ("ok", 200, json!({"success": true, "commentId": "th_1795176000000", "text": "hello", "verified": true}), 1),
            failed(400, "hourly_limit", "Rate limit: 5 comments per hour"),
            failed(400, "daily_limit", "Rate limit: 20 comments per day"),
            failed(400, "rate_limited", "Platform error: rate_limit"),
            failed(400, "platform_error", "Platform error: error"),
            ("gateway_timeout", 504, json!({"error": "Gateway Timeout"}), 1),
        ],
        InstagramComments => vec![
            ("ok", 200, json!({"success": true, "commentId": "ig_1795176000000", "text": "hello", "verified": null}), 1),
            failed(400, "hourly_limit", "Rate limit: 5 comments per hour"),
            failed(400, "daily_limit", "Rate limit: 15 comments per day"),
            failed(400, "action_blocked", "Platform restriction: action_blocked"),
            failed(400, "rate_limited", "Platform restriction: rate_limited"),
            failed(400, "comments_disabled", "Platform restriction: comments_disabled"),
            failed(400, "comments_limited", "Platform restriction: comments_limited"),
            said(429, "outside_hours", "Outside active hours"),
        ],
        TiktokComments => vec![
            ("ok", 200, json!({"success": true, "commentId": "tt_1795176000000", "verified": true, "generatedComment": "hello", "usedAI": false}), 1),
            failed(200, "hourly_limit", "5/hr limit"),
            failed(200, "daily_limit", "15/day limit"),
            failed(200, "comments_disabled", "Platform restriction: comments_off"),
            failed(200, "not_logged_in", "Platform restriction: not_logged_in"),
            failed(200, "rate_limited", "Platform restriction: rate_limit"),
        ],
        _ => vec![
            ("ok", 200, json!({"success": true, "commentId": "tw_1795176000000", "verified": true, "charCount": 5, "ai_generated": false}), 1),
            failed(200, "hourly_limit", "10/hr limit"),
            failed(200, "daily_limit", "30/day limit"),
            failed(200, "no_tweet", "No tweet found on page"),
            failed(200, "platform_error", "error:no_composer"),
        ],
    });
    if service != InstagramComments {
        cases.push(("unverified", 200, json!({"success": true, "verified": false}), 1));
    }
    cases
}

/// What the scenarios of all services answer.
fn everywhere(service: Service) -> Vec<Case> {
    let exception = json!({"error": "Error: Command failed: osascript -e ..."});
    let mut cases = vec![
        ("error_500", 500, exception.clone(), 1),
        ("error_500_before", 500, exception, 0),
        ("bad_gateway", 502, json!({}), 1),
        ("html", 200, Value::Null, 1),
        ("html_404", 404, Value::Null, 0),
        ("unauthorized", 401, json!({"error": "Unauthorized", "message": "Invalid token"}), 0),
    ];
    if !matches!(service, InstagramDm | LinkedinAutomation) {
        cases.push(said(503, "no_tab", &format!("No Safari tab available for {service}")));
    }
    if matches!(service, ThreadsComments | InstagramComments) {
        cases.push(said(429, "request_limit", "Too many requests"));
    }
    cases
}

fn cases() -> Vec<(Service, Case)> {
    let senders = [
        InstagramDm,
        TwitterDm,
        TiktokDm,
        LinkedinAutomation,
        ThreadsComments,
        InstagramComments,
        TiktokComments,
        TwitterComments,
    ];
    let of = |service: Service| {
        let own = if service.profile().path.contains("comments") { comments(service) } else { messages(service) };
        own.into_iter().chain(everywhere(service)).map(move |case| (service, case))
    };
    senders.into_iter().flat_map(of).collect()
}

#[tokio::test]
async fn every_answer_has_the_status_the_words_and_the_presses_of_the_contract() {
    let stage = Stage::with(DoubleConfig::default().without_limits()).await;
    let mut wrong = Vec::new();
    for (service, (scenario, status, fields, presses)) in cases() {
        // Fresh counters; a person it does not know.
        stage.double.restart(service).await.expect("its port is free");
        stage.scenario(service, scenario).await;
        let before = stage.press_count();
        let mut body = usual(service);
        if service == TiktokDm {
            body["force"] = json!(true);
        }
        let heard = stage.post(service, service.profile().path, &body).await;
        let answer = heard.body();
        let differs =
            fields.as_object().into_iter().flatten().any(|(name, value)| answer.get(name).unwrap_or(&Value::Null) != value);
        let is_page = fields.is_null() != answer.is_null();
        let pressed = stage.press_count() - before;
        if heard.status() != Some(status) || differs || is_page || pressed != presses {
            wrong.push(format!("{service} {scenario}: {:?} {answer} with {pressed} presses", heard.status()));
        }
        let later = matches!(scenario, "safari_busy" | "request_limit");
        if heard.header("retry-after").is_some() != later {
            wrong.push(format!("{service} {scenario}: retry-after is {:?}", heard.header("retry-after")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_scenario_of_a_sender_has_a_case_here_or_among_the_endings_and_doors() {
    let elsewhere: HashSet<&str> = [
        "timeout",
        "hang_before",
        "reset",
        "reset_before",
        "empty_reply",
        "empty_before",
        "crash",
        "crash_before",
        "gateway_timeout",
        "slow_health",
        "health_500",
        "health_html",
        "wrong_identity",
        "down",
        "no_session",
        "not_logged_in",
        "suspended",
        "failed",
    ]
    .into();
    let here: HashSet<_> = cases().into_iter().map(|(service, case)| (service, case.0)).collect();
    for row in scenario_rows() {
        for service in row.services.iter().filter(|service| **service != MarketResearch) {
            assert!(here.contains(&(*service, row.name)) || elsewhere.contains(row.name), "{service} {}", row.name);
        }
    }
}
