//! The contract's lines on comments.

use super::*;

const ALL: [Platform; 4] = [Platform::Threads, Platform::Instagram, Platform::Tiktok, Platform::Twitter];

#[test]
fn a_comment_that_was_seen_is_sent_except_on_instagram_which_never_tells() {
    for platform in ALL {
        let body = json!({"success": true, "commentId": "x_1", "verified": true, "text": "nice"});
        let (verdict, reason) = match platform {
            Platform::Instagram => (SentUnverified, Reason::Unverified),
            _ => (Sent, Reason::Verified),
        };
        assert_judged(&comment(platform), 200, &body, verdict, reason);
        assert_judged(&comment(platform), 200, &json!({"success": true, "commentId": "x_1"}), SentUnverified, Reason::Unverified);
    }
}

#[test]
fn a_limit_of_the_service_uses_nothing_up_whatever_its_status() {
    for (platform, status, said, reason) in [
        (Platform::Threads, 400, "Rate limit: 5 comments per hour", Reason::HourlyLimit),
        (Platform::Instagram, 400, "Rate limit: 5 comments per hour", Reason::HourlyLimit),
        (Platform::Instagram, 400, "Rate limit: 15 comments per day", Reason::DailyLimit),
        (Platform::Tiktok, 200, "5/hr limit", Reason::HourlyLimit),
        (Platform::Twitter, 200, "10/hr limit", Reason::HourlyLimit),
        (Platform::Twitter, 200, "30/day limit", Reason::DailyLimit),
    ] {
        assert_judged(&comment(platform), status, &json!({"success": false, "error": said}), FREE, reason);
    }
}

#[test]
fn the_named_refusals_are_refusals_with_either_status() {
    for (platform, said, verdict, reason) in [
        (Platform::Instagram, "Platform restriction: action_blocked", FREE, Reason::ActionBlocked),
        (Platform::Instagram, "Platform restriction: rate_limited", FREE, Reason::PlatformLimited),
        (Platform::Instagram, "Platform restriction: comments_disabled", NEVER, Reason::CommentsClosed),
        (Platform::Instagram, "Platform restriction: comments_limited", NEVER, Reason::CommentsClosed),
        (Platform::Tiktok, "Platform restriction: comments_off", NEVER, Reason::CommentsClosed),
        (Platform::Tiktok, "Platform restriction: not_logged_in", FREE, Reason::NotLoggedIn),
        (Platform::Tiktok, "Platform restriction: rate_limit", FREE, Reason::PlatformLimited),
        (Platform::Threads, "Platform error: rate_limit", FREE, Reason::PlatformLimited),
        (Platform::Threads, "Platform error: error", COUNTED, Reason::PageFailed),
        (Platform::Twitter, "error:no_composer", COUNTED, Reason::PageFailed),
        (Platform::Twitter, "No tweet found on page", COUNTED, Reason::PageFailed),
        (Platform::Threads, "Reply button not found", COUNTED, Reason::PageFailed),
        (Platform::Threads, "Composer never appeared", COUNTED, Reason::PageFailed),
        (Platform::Instagram, "Comment input never appeared", COUNTED, Reason::PageFailed),
        (Platform::Tiktok, "Could not focus the input", COUNTED, Reason::PageFailed),
        (Platform::Twitter, "All typing strategies failed", COUNTED, Reason::PageFailed),
        (Platform::Tiktok, "Submit button not found or disabled", COUNTED, Reason::PageFailed),
    ] {
        for status in [200, 400] {
            assert_judged(&comment(platform), status, &json!({"success": false, "error": said}), verdict, reason);
        }
    }
}

#[test]
fn failures_without_a_name_are_unknown_because_an_earlier_of_three_attempts_may_have_posted() {
    for platform in ALL {
        for status in [200, 400] {
            assert_judged(
                &comment(platform),
                status,
                &json!({"success": false, "error": "Verification crashed"}),
                Unknown,
                Reason::ServiceFailed,
            );
        }
    }
    let exception = json!({"success": false, "error": "Error: Command failed: osascript"});
    assert_judged(&comment(Platform::Twitter), 200, &exception, Unknown, Reason::ServiceFailed);
}

#[test]
fn a_504_after_thirty_seconds_is_unknown_since_the_comment_was_posted() {
    for platform in [Platform::Threads, Platform::Instagram] {
        assert_judged(&comment(platform), 504, &json!({"error": "Gateway Timeout"}), Unknown, Reason::ServiceFailed);
    }
}

#[test]
fn a_500_is_a_refusal_only_when_it_names_the_navigation() {
    for platform in ALL {
        for said in ["Navigation failed", "Failed to navigate to post"] {
            assert_judged(&comment(platform), 500, &json!({"error": said}), COUNTED, Reason::PageFailed);
        }
        assert_judged(
            &comment(platform),
            500,
            &json!({"error": "Error: Command failed: osascript"}),
            Unknown,
            Reason::ServiceFailed,
        );
    }
}
