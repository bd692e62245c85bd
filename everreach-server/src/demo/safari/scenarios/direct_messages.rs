//! What the services of direct messages may do.

use everreach_core::safari::Service;

use super::super::effect::Effect::{Account, Says, SaysLater, WorksTwice, WorksWith};
use super::super::effect::When::{After, Before};
use super::row::{ScenarioRow, row};

const DMS: &[Service] = &[Service::InstagramDm, Service::TwitterDm, Service::TiktokDm, Service::LinkedinAutomation];

#[rustfmt::skip]
/// One row each.
pub(super) static ROWS: &[ScenarioRow] = &[
    row("unverified", DMS, "2.1", "sent, and not seen in the conversation", WorksWith(r#"{"verified":false}"#)),
    row("outside_hours", &[Service::InstagramDm, Service::TwitterDm], "2.1", "429 outside 9 to 21", Says(Before, 429, r#"{"error": "Outside active hours", "activeHours": {"start": 9, "end": 21}}"#)),
    row("hourly_limit", &[Service::InstagramDm, Service::TwitterDm], "2.1", "429", Says(Before, 429, r#"{"error": "Hourly rate limit exceeded"}"#)),
    row("daily_limit", &[Service::InstagramDm, Service::TwitterDm], "2.1", "429", Says(Before, 429, r#"{"error": "Daily rate limit exceeded"}"#)),
    row("inbox", &[Service::InstagramDm], "2.1", "sent through the inbox, where nothing is verified", WorksWith(r#"{"strategy":"inbox","verified":null,"verifiedRecipient":null}"#)),
    row("new_conversation", &[Service::InstagramDm], "2.1", "sent in a new conversation, where nothing is verified", WorksWith(r#"{"strategy":"new_conversation","verified":null,"verifiedRecipient":null}"#)),
    row("sent_twice", &[Service::InstagramDm], "2.1", "not seen on the profile, so submitted again through the inbox", WorksTwice(r#"{"strategy":"inbox","verified":null,"verifiedRecipient":null}"#)),
    row("failed", &[Service::InstagramDm], "2.1", "submitted, then 200 with success:false", Says(After, 200, r#"{"success": false, "error": "All strategies failed", "username": "$target"}"#)),
    row("failed_before", &[Service::InstagramDm], "2.1", "not submitted, 200 with success:false: cannot be told from failed", Says(Before, 200, r#"{"success": false, "error": "All strategies failed", "username": "$target"}"#)),
    row("rate_limited", &[Service::InstagramDm], "2.1", "submitted, then 200 with success:false and rateLimited", Says(After, 200, r#"{"success": false, "rateLimited": true, "error": "Instagram limits this account", "username": "$target"}"#)),
    row("profile_error", &[Service::InstagramDm], "2.1", "404 with profileError: not submitted", Says(Before, 404, r#"{"error": "Could not message the user", "profileError": "Message button not found", "username": "$target"}"#)),
    row("not_found_after", &[Service::InstagramDm], "2.1", "404 without profileError: the first way did submit", Says(After, 404, r#"{"error": "Could not message the user", "username": "$target"}"#)),
    row("user_not_found", &[Service::TwitterDm], "2.1", "User not found", Says(Before, 200, r#"{"success": false, "error": "User not found"}"#)),
    row("account_suspended", &[Service::TwitterDm], "2.1", "Account suspended", Says(Before, 200, r#"{"success": false, "error": "Account suspended"}"#)),
    row("account_protected", &[Service::TwitterDm], "2.1", "Account is protected", Says(Before, 200, r#"{"success": false, "error": "Account is protected"}"#)),
    row("dm_not_open", &[Service::TwitterDm], "2.1", "Could not open DM with somebody", Says(Before, 200, r#"{"success": false, "error": "Could not open DM with $target"}"#)),
    row("composer_closed", &[Service::TwitterDm], "2.1", "DM composer did not open", Says(Before, 200, r#"{"success": false, "error": "DM composer did not open"}"#)),
    row("type_failed", &[Service::TwitterDm], "2.1", "Could not type message", Says(Before, 200, r#"{"success": false, "error": "Could not type message"}"#)),
    row("no_send_button", &[Service::TwitterDm], "2.1", "Could not find Send button", Says(Before, 200, r#"{"success": false, "error": "Could not find Send button"}"#)),
    row("failed", &[Service::TwitterDm], "2.1", "submitted, then 200 with success:false and an exception", Says(After, 200, r#"{"success": false, "error": "Error: Command failed: osascript -e ..."}"#)),
    row("limited", &[Service::TwitterDm], "2.1", "sends work; rate-status tells of x.com's own limit", Account { is_logged_in: true, standing: r#"{"limited":true,"suspended":false,"message":"You have reached your limit"}"# }),
    row("suspended", &[Service::TwitterDm], "2.1", "sends work; rate-status tells that the account is suspended", Account { is_logged_in: true, standing: r#"{"limited":false,"suspended":true,"message":"Your account is suspended"}"# }),
    row("outside_hours", &[Service::TiktokDm], "2.1", "429 Outside active hours", Says(Before, 429, r#"{"success": false, "error": "Outside active hours", "rateLimits": {"hourly": 10, "daily": 50}}"#)),
    row("hourly_limit", &[Service::TiktokDm], "2.1", "429 Hourly limit reached", Says(Before, 429, r#"{"success": false, "error": "Hourly limit reached", "rateLimits": {"hourly": 10, "daily": 50}}"#)),
    row("daily_limit", &[Service::TiktokDm], "2.1", "429 Daily limit reached", Says(Before, 429, r#"{"success": false, "error": "Daily limit reached", "rateLimits": {"hourly": 10, "daily": 50}}"#)),
    row("already_messaged", &[Service::TiktokDm], "2.1", "400 already_messaged: somebody was messaged before", Says(Before, 400, r#"{"success": false, "error": "already_messaged: $target was messaged before", "username": "$target"}"#)),
    row("already_in_conversation", &[Service::TiktokDm], "2.1", "400 already_in_conversation: somebody is in the inbox", Says(Before, 400, r#"{"success": false, "error": "already_in_conversation: $target is in the inbox", "username": "$target"}"#)),
    row("identity_mismatch", &[Service::TiktokDm], "2.1", "400 identity_mismatch: another conversation opened", Says(Before, 400, r#"{"success": false, "error": "identity_mismatch: another conversation opened", "username": "$target"}"#)),
    row("dms_restricted", &[Service::TiktokDm], "2.1", "400 dms_restricted: somebody takes no messages", Says(Before, 400, r#"{"success": false, "error": "dms_restricted: $target takes no messages", "username": "$target"}"#)),
    row("dm_restricted", &[Service::TiktokDm], "2.1", "400 dm_restricted: one message until the request is accepted", Says(Before, 400, r#"{"success": false, "error": "dm_restricted: one message until the request is accepted", "username": "$target"}"#)),
    row("event_no_input", &[Service::TiktokDm], "2.1", "400 event_no_input", Says(Before, 400, r#"{"success": false, "error": "event_no_input", "username": "$target"}"#)),
    row("event_type_failed", &[Service::TiktokDm], "2.1", "400 event_type_failed", Says(Before, 400, r#"{"success": false, "error": "event_type_failed", "username": "$target"}"#)),
    row("event_not_sent", &[Service::TiktokDm], "2.1", "400 event_not_sent", Says(Before, 400, r#"{"success": false, "error": "event_not_sent", "username": "$target"}"#)),
    row("delivery_failed", &[Service::TiktokDm], "2.1", "submitted, then refused by TikTok: 400", Says(After, 400, r#"{"success": false, "error": "delivery_failed: TikTok refused the message", "username": "$target"}"#)),
    row("composer_trusted", &[Service::TiktokDm], "2.1", "sent on trust in an open composer", WorksWith(r#"{"verifiedRecipient":"composer_open_inbox_trusted"}"#)),
    row("in_flight", &[Service::TiktokDm], "2.1", "429: another send to the same person is running", Says(Before, 429, r#"{"success": false, "error": "in_flight: a send to $target is running"}"#)),
    row("rate_limited", &[Service::TiktokDm], "2.1", "429: TikTok itself limits the account", Says(Before, 429, r#"{"success": false, "rateLimited": true, "captcha": false, "error": "TikTok limits this account"}"#)),
    row("captcha", &[Service::TiktokDm], "2.1", "429: TikTok wants to see a person", Says(Before, 429, r#"{"success": false, "rateLimited": true, "captcha": true, "error": "TikTok shows a captcha"}"#)),
    row("outside_hours", &[Service::LinkedinAutomation], "2.1", "429 outside 9 to 21", Says(Before, 429, r#"{"error": "outside_active_hours", "message": "Messages are sent from 9 to 21"}"#)),
    row("daily_limit", &[Service::LinkedinAutomation], "2.1", "429", Says(Before, 429, r#"{"error": "Daily message limit reached"}"#)),
    row("safari_busy", &[Service::LinkedinAutomation], "2.1", "429 with Retry-After: its lock is held", SaysLater(119, 429, r#"{"error": "Safari busy: another action holds it", "lockedFor": "1s", "retryAfter": "119s"}"#)),
    row("profile_not_loaded", &[Service::LinkedinAutomation], "2.1", "Profile page did not load", Says(Before, 200, r#"{"success": false, "error": "Profile page did not load"}"#)),
    row("no_message_button", &[Service::LinkedinAutomation], "2.1", "Message button not found", Says(Before, 200, r#"{"success": false, "error": "Message button not found"}"#)),
    row("click_failed", &[Service::LinkedinAutomation], "2.1", "Failed to click message button", Says(Before, 200, r#"{"success": false, "error": "Failed to click message button"}"#)),
    row("no_input", &[Service::LinkedinAutomation], "2.1", "Message input did not appear", Says(Before, 200, r#"{"success": false, "error": "Message input did not appear"}"#)),
    row("type_failed", &[Service::LinkedinAutomation], "2.1", "Failed to type message", Says(Before, 200, r#"{"success": false, "error": "Failed to type message"}"#)),
    row("failed", &[Service::LinkedinAutomation], "2.1", "submitted, then 200 with success:false", Says(After, 200, r#"{"success": false, "error": "Could not confirm that the message was sent"}"#)),
];
