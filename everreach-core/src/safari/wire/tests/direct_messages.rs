//! The contract's lines on direct messages.

use super::*;

#[test]
fn a_message_that_was_seen_is_sent_and_one_that_was_not_is_unverified() {
    for platform in [Platform::Instagram, Platform::Twitter, Platform::Tiktok, Platform::Linkedin] {
        let command = dm(platform);
        assert_judged(
            &command,
            200,
            &json!({"success": true, "verified": true, "verifiedRecipient": "bob"}),
            Sent,
            Reason::Verified,
        );
        for body in
            [json!({"success": true, "verified": false}), json!({"success": true}), json!({"success": true, "verified": "true"})]
        {
            assert_judged(&command, 200, &body, SentUnverified, Reason::Unverified);
        }
    }
}

#[test]
fn instagram_by_inbox_or_new_conversation_is_unverified() {
    for strategy in ["inbox", "new_conversation"] {
        let body = json!({"success": true, "strategy": strategy, "username": "bob", "rateLimits": {"messagesSentToday": 1}});
        assert_judged(&dm(Platform::Instagram), 200, &body, SentUnverified, Reason::Unverified);
    }
}

#[test]
fn instagram_that_failed_after_three_ways_is_unknown() {
    let command = dm(Platform::Instagram);
    assert_judged(&command, 200, &json!({"success": false, "error": "User not found"}), Unknown, Reason::ServiceFailed);
    assert_judged(&command, 200, &json!({"success": false, "rateLimited": true}), Unknown, Reason::PlatformLimited);
}

#[test]
fn instagrams_404_is_a_refusal_only_when_the_profile_failed() {
    let command = dm(Platform::Instagram);
    let refused = json!({"error": "not found", "profileError": "no message button", "username": "bob"});
    assert_judged(&command, 404, &refused, COUNTED, Reason::RecipientNotFound);
    for body in [json!({"error": "not found", "username": "bob"}), json!({"error": "x", "profileError": null})] {
        assert_judged(&command, 404, &body, Unknown, Reason::ServiceFailed);
    }
}

#[test]
fn twitters_refusals() {
    for (said, verdict, reason) in [
        ("User not found", NEVER, Reason::RecipientNotFound),
        ("Account suspended", NEVER, Reason::RecipientUnavailable),
        ("Account is protected", NEVER, Reason::RecipientUnavailable),
        ("Could not open DM with bob", COUNTED, Reason::PageFailed),
        ("DM composer did not open", COUNTED, Reason::PageFailed),
        ("Could not type message", COUNTED, Reason::PageFailed),
        ("Could not find Send button", COUNTED, Reason::PageFailed),
        ("Something else", Unknown, Reason::ServiceFailed),
    ] {
        assert_judged(&dm(Platform::Twitter), 200, &json!({"success": false, "error": said}), verdict, reason);
    }
}

#[test]
fn tiktoks_refusals_come_as_400() {
    for (said, verdict, reason) in [
        ("already_messaged: bob on 2026-01-01", Duplicate, Reason::AlreadyMessaged),
        ("already_in_conversation: bob", Duplicate, Reason::AlreadyInConversation),
        ("identity_mismatch", COUNTED, Reason::IdentityMismatch),
        ("dms_restricted", NEVER, Reason::RecipientUnavailable),
        ("dm_restricted", NEVER, Reason::RecipientUnavailable),
        ("event_no_input", COUNTED, Reason::PageFailed),
        ("event_type_failed", COUNTED, Reason::PageFailed),
        ("delivery_failed: blocked", Unknown, Reason::DeliveryFailed),
        ("event_not_sent", Unknown, Reason::LeftInComposer),
        ("something new", Unknown, Reason::ServiceFailed),
    ] {
        assert_judged(&dm(Platform::Tiktok), 400, &json!({"success": false, "error": said, "username": "bob"}), verdict, reason);
    }
}

#[test]
fn tiktoks_trust_in_an_open_composer_is_no_proof() {
    let body = json!({"success": true, "verified": true, "verifiedRecipient": "composer_open_inbox_trusted"});
    assert_judged(&dm(Platform::Tiktok), 200, &body, SentUnverified, Reason::Unverified);
}

#[test]
fn linkedins_refusals() {
    for (said, verdict, reason) in [
        ("Profile page did not load", COUNTED, Reason::PageFailed),
        ("Message button not found", NEVER, Reason::RecipientUnavailable),
        ("Failed to click message button", COUNTED, Reason::PageFailed),
        ("Message input did not appear", COUNTED, Reason::PageFailed),
        ("Failed to type message", COUNTED, Reason::PageFailed),
        ("Could not confirm", Unknown, Reason::ServiceFailed),
    ] {
        assert_judged(&dm(Platform::Linkedin), 200, &json!({"success": false, "error": said}), verdict, reason);
    }
}

#[test]
fn an_exception_is_unknown_even_when_it_names_osascript() {
    let body = json!({"error": "Error: Command failed: osascript -e ..."});
    for platform in [Platform::Instagram, Platform::Twitter, Platform::Tiktok, Platform::Linkedin] {
        assert_judged(&dm(platform), 500, &body, Unknown, Reason::ServiceFailed);
    }
}

#[test]
fn the_session_comes_first_and_its_failure_is_never_unknown() {
    let service = crate::safari::Service::LinkedinAutomation;
    let headers = HeaderMap::new();
    let judged = |status: StatusCode, body: &[u8]| {
        crate::safari::wire::judge_session(service, &Exchange::Answered { status, headers: &headers, body }, now())
    };
    assert_eq!(judged(StatusCode::OK, br#"{"ok": true, "windowIndex": 1, "tabIndex": 2, "url": "u"}"#), None);
    for (status, body, reason) in [
        (StatusCode::OK, &br#"{"ok": false, "error": "none"}"#[..], Reason::NoSession),
        (StatusCode::OK, b"<html>", Reason::NoSession),
        (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error": "no tab"}"#, Reason::NoSession),
        (StatusCode::UNAUTHORIZED, br#"{"error": "Unauthorized"}"#, Reason::TokenRefused),
    ] {
        let outcome = judged(status, body).expect("a reason to stop");
        assert!(matches!(outcome.verdict, Refused(_)));
        assert_eq!(outcome.reason, reason);
    }
    for exchange in [Exchange::TimedOut, Exchange::NotSent("refused"), Exchange::Broken("reset")] {
        let outcome = crate::safari::wire::judge_session(service, &exchange, now()).expect("a reason to stop");
        assert_eq!((outcome.verdict, outcome.reason), (COUNTED, Reason::ServiceUnreachable));
    }
}
