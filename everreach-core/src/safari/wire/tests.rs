//! Each line of the services' contract as a case.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::safari::DispatchVerdict::{Duplicate, Refused, Sent, SentUnverified, Unknown};
use crate::safari::gate::check;
use crate::safari::{Command, HaltCause, Platform, Verb};

#[path = "tests/comments.rs"]
mod comments;
#[path = "tests/direct_messages.rs"]
mod direct_messages;
#[path = "tests/reads.rs"]
mod reads;

const FREE: DispatchVerdict = Refused(Repeat::Free);
const COUNTED: DispatchVerdict = Refused(Repeat::Counted);
const NEVER: DispatchVerdict = Refused(Repeat::Never);

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn dm(platform: Platform) -> Dispatchable {
    check(&Command::dm(platform, "bob", "hi", now())).expect("it passes")
}

fn comment(platform: Platform) -> Dispatchable {
    let url = match platform {
        Platform::Threads => "https://www.threads.com/@a/post/1",
        Platform::Instagram => "https://www.instagram.com/p/1/",
        Platform::Tiktok => "https://www.tiktok.com/@a/video/1",
        _ => "https://x.com/a/status/1",
    };
    check(&Command::comment(platform, url, "nice", now())).expect("it passes")
}

fn answered(command: &Dispatchable, status: u16, body: &Value) -> DispatchOutcome {
    answered_raw(command, status, &HeaderMap::new(), body.to_string().as_bytes())
}

fn answered_raw(command: &Dispatchable, status: u16, headers: &HeaderMap, body: &[u8]) -> DispatchOutcome {
    let status = StatusCode::from_u16(status).expect("a status");
    judge(command, &Exchange::Answered { status, headers, body }, now())
}

fn assert_judged(command: &Dispatchable, status: u16, body: &Value, verdict: DispatchVerdict, reason: Reason) {
    let outcome = answered(command, status, body);
    assert_eq!((outcome.verdict, outcome.reason), (verdict, reason), "{:?} {status} {body}", command.service());
    assert!(!outcome.detail.is_empty() && !outcome.detail.contains(char::is_control), "{}", outcome.detail);
}

fn everything_outward() -> Vec<Dispatchable> {
    let dms = [Platform::Instagram, Platform::Twitter, Platform::Tiktok, Platform::Linkedin].map(dm);
    let comments = [Platform::Threads, Platform::Instagram, Platform::Tiktok, Platform::Twitter].map(comment);
    dms.into_iter().chain(comments).collect()
}

#[test]
fn nothing_left_is_a_refusal_and_anything_after_that_is_unknown() {
    for command in everything_outward() {
        let refused = judge(&command, &Exchange::NotSent("connection refused"), now());
        assert_eq!((refused.verdict, refused.reason), (COUNTED, Reason::ServiceUnreachable));
        for exchange in [Exchange::TimedOut, Exchange::Broken("reset"), Exchange::Broken("empty reply")] {
            assert_eq!(judge(&command, &exchange, now()).verdict, Unknown, "{exchange:?}");
        }
    }
}

#[test]
fn an_unreachable_instagram_dm_names_the_other_port() {
    let refused = judge(&dm(Platform::Instagram), &Exchange::NotSent("connection refused"), now());
    assert!(refused.detail.contains("3100"), "{}", refused.detail);
}

#[test]
fn server_errors_and_answers_that_cannot_be_read_are_unknown() {
    for command in everything_outward() {
        for status in [500, 502, 504, 599, 408, 302] {
            assert_eq!(answered(&command, status, &json!({"error": "Gateway Timeout"})).verdict, Unknown, "{status}");
        }
        for body in
            [&b"<html>ok</html>"[..], b"", b"[]", b"{\"success\": \"yes\"}", b"{\"success\": null}", b"{}", b"{\"success\": 1}"]
        {
            let outcome = answered_raw(&command, 200, &HeaderMap::new(), body);
            assert_eq!((outcome.verdict, outcome.reason), (Unknown, Reason::BadAnswer), "{}", String::from_utf8_lossy(body));
        }
    }
}

#[test]
fn no_4xx_is_ever_a_success_whatever_its_body_says() {
    let body = json!({"success": true, "verified": true, "ok": true});
    for command in everything_outward() {
        for status in 400..500 {
            let verdict = answered(&command, status, &body).verdict;
            assert!(matches!(verdict, Refused(_) | Unknown), "{status} {verdict:?}");
        }
    }
}

#[test]
fn a_refused_token_is_a_refusal_that_names_the_setting() {
    for command in everything_outward() {
        for status in [401, 403] {
            let outcome = answered(&command, status, &json!({"error": "Unauthorized", "message": "no token"}));
            assert_eq!((outcome.verdict, outcome.reason), (COUNTED, Reason::TokenRefused));
            let setting = command.service().expect("a service").profile().token_setting;
            assert!(outcome.detail.contains(setting), "{}", outcome.detail);
        }
    }
    let empty = json!({"error": "Invalid authorization header"});
    assert_judged(&dm(Platform::Linkedin), 400, &empty, COUNTED, Reason::TokenRefused);
}

#[test]
fn requests_that_no_service_takes_are_refused_for_good() {
    for command in everything_outward() {
        for status in [405, 413, 415, 422] {
            assert_judged(&command, status, &json!({"error": "no"}), NEVER, Reason::InvalidRequest);
        }
        let page = answered_raw(&command, 404, &HeaderMap::new(), b"<html>Cannot POST</html>");
        assert_eq!((page.verdict, page.reason), (NEVER, Reason::NotFound));
        assert_judged(&command, 400, &json!({"error": "text is required"}), NEVER, Reason::InvalidRequest);
    }
}

#[test]
fn no_tab_and_no_session_are_refusals_that_use_nothing_up() {
    for command in everything_outward() {
        let no_tab = json!({"error": "No Safari tab available for x", "detail": "d", "fix": "open one"});
        assert_judged(&command, 503, &no_tab, FREE, Reason::NoTab);
        assert_judged(&command, 503, &json!({"error": "Session activation failed: x"}), FREE, Reason::NoSession);
        assert_judged(&command, 503, &json!({}), FREE, Reason::ServiceUnavailable);
    }
}

#[test]
fn every_kind_of_429_uses_nothing_up_but_in_flight_is_unknown() {
    for command in everything_outward() {
        for (body, reason) in [
            (json!({"error": "Outside active hours", "activeHours": {"start": 9}}), Reason::OutsideHours),
            (json!({"error": "outside_active_hours", "message": "m"}), Reason::OutsideHours),
            (json!({"success": false, "error": "Outside active hours"}), Reason::OutsideHours),
            (json!({"error": "Hourly rate limit exceeded"}), Reason::HourlyLimit),
            (json!({"success": false, "error": "Hourly limit reached"}), Reason::HourlyLimit),
            (json!({"error": "Daily rate limit exceeded"}), Reason::DailyLimit),
            (json!({"success": false, "error": "Daily limit reached"}), Reason::DailyLimit),
            (json!({"error": "Daily message limit reached"}), Reason::DailyLimit),
            (json!({"error": "Safari busy (locked)", "lockedFor": 3, "retryAfter": "119s"}), Reason::SafariBusy),
            (json!({"error": "Too many requests"}), Reason::RateLimited),
            (json!(null), Reason::RateLimited),
            (json!({"success": false, "rateLimited": true, "captcha": false, "error": "slow"}), Reason::PlatformLimited),
            (json!({"success": false, "rateLimited": true, "captcha": true, "error": "slow"}), Reason::Captcha),
        ] {
            assert_judged(&command, 429, &body, FREE, reason);
        }
        assert_judged(&command, 429, &json!({"error": "in_flight: bob"}), Unknown, Reason::InFlight);
    }
}

#[test]
fn a_wait_that_the_service_asked_for_is_kept() {
    let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, http::HeaderValue::from_static("119"))]);
    let outcome = answered_raw(&dm(Platform::Linkedin), 429, &headers, br#"{"error": "Safari busy"}"#);
    assert_eq!(outcome.retry_after, Some(Duration::from_secs(119)));
}

#[test]
fn the_answer_is_kept_when_it_is_an_object() {
    let body = json!({"success": true, "verified": true, "username": "bob"});
    assert_eq!(answered(&dm(Platform::Twitter), 200, &body).answer, Some(body));
    assert_eq!(answered_raw(&dm(Platform::Twitter), 404, &HeaderMap::new(), b"<html>").answer, None);
}

#[test]
fn what_stops_a_platform_is_told_by_the_outcome() {
    for (command, status, body, cause) in [
        (dm(Platform::Tiktok), 429, json!({"captcha": true}), HaltCause::Captcha),
        (dm(Platform::Instagram), 200, json!({"success": false, "rateLimited": true}), HaltCause::PlatformLimit),
        (
            comment(Platform::Instagram),
            400,
            json!({"success": false, "error": "Platform restriction: action_blocked"}),
            HaltCause::ActionBlock,
        ),
        (
            comment(Platform::Tiktok),
            200,
            json!({"success": false, "error": "Platform restriction: not_logged_in"}),
            HaltCause::Login,
        ),
        (dm(Platform::Twitter), 200, json!({"success": false, "error": "captcha shown"}), HaltCause::Captcha),
    ] {
        assert_eq!(answered(&command, status, &body).halt(), Some(cause), "{body}");
    }
    let suspended = json!({"success": false, "error": "Account suspended"});
    assert_eq!(answered(&dm(Platform::Twitter), 200, &suspended).halt(), None, "that is the recipient's account");
}
