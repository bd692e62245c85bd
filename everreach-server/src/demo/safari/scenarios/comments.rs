//! What the services of comments, and the searches, may do.

use everreach_core::safari::Service;

use super::super::effect::Effect::{Says, SaysLast, WorksTwice, WorksWith};
use super::super::effect::When::{After, Before};
use super::row::{ScenarioRow, row};

const ALL_FOUR: &[Service] =
    &[Service::ThreadsComments, Service::InstagramComments, Service::TiktokComments, Service::TwitterComments];

/// instagram-comments never says whether it saw its comment.
const COMMENTS_THAT_TELL: &[Service] = &[Service::ThreadsComments, Service::TiktokComments, Service::TwitterComments];

#[rustfmt::skip]
/// One row each.
pub(super) static ROWS: &[ScenarioRow] = &[
    row("unverified", COMMENTS_THAT_TELL, "2.2", "posted, and not seen on the page", WorksWith(r#"{"verified":false}"#)),
    row("posted_twice", ALL_FOUR, "2.2", "an exception after the submission starts over and posts again", WorksTwice("{}")),
    row("hourly_limit", &[Service::ThreadsComments], "2.2", "400 Rate limit: 5 comments per hour", Says(Before, 400, r#"{"success": false, "error": "Rate limit: 5 comments per hour"}"#)),
    row("daily_limit", &[Service::ThreadsComments], "2.2", "400 Rate limit: 20 comments per day", Says(Before, 400, r#"{"success": false, "error": "Rate limit: 20 comments per day"}"#)),
    row("hourly_limit", &[Service::InstagramComments], "2.2", "400 Rate limit: 5 comments per hour", Says(Before, 400, r#"{"success": false, "error": "Rate limit: 5 comments per hour"}"#)),
    row("daily_limit", &[Service::InstagramComments], "2.2", "400 Rate limit: 15 comments per day", Says(Before, 400, r#"{"success": false, "error": "Rate limit: 15 comments per day"}"#)),
    row("hourly_limit", &[Service::TiktokComments], "2.2", "200 5/hr limit", Says(Before, 200, r#"{"success": false, "error": "5/hr limit"}"#)),
    row("daily_limit", &[Service::TiktokComments], "2.2", "200 15/day limit", Says(Before, 200, r#"{"success": false, "error": "15/day limit"}"#)),
    row("hourly_limit", &[Service::TwitterComments], "2.2", "200 10/hr limit", Says(Before, 200, r#"{"success": false, "error": "10/hr limit"}"#)),
    row("daily_limit", &[Service::TwitterComments], "2.2", "200 30/day limit", Says(Before, 200, r#"{"success": false, "error": "30/day limit"}"#)),
    row("outside_hours", &[Service::InstagramComments], "2.2", "429 outside 9 to 21", Says(Before, 429, r#"{"error": "Outside active hours", "activeHours": {"start": 9, "end": 21}}"#)),
    row("gateway_timeout", &[Service::ThreadsComments], "2.2", "posted, then 504", Says(After, 504, r#"{"error": "Gateway Timeout", "message": "Request timed out after 30000ms"}"#)),
    row("gateway_timeout", &[Service::InstagramComments], "2.2", "posted, then 504, then the process ends: the port refuses until it is restarted", SaysLast(504, r#"{"error": "Gateway Timeout", "message": "Request timed out after 30000ms"}"#)),
    row("action_blocked", &[Service::InstagramComments], "2.2", "400 Platform restriction", Says(Before, 400, r#"{"success": false, "error": "Platform restriction: action_blocked"}"#)),
    row("rate_limited", &[Service::InstagramComments], "2.2", "400 Platform restriction", Says(Before, 400, r#"{"success": false, "error": "Platform restriction: rate_limited"}"#)),
    row("comments_disabled", &[Service::InstagramComments], "2.2", "400 Platform restriction", Says(Before, 400, r#"{"success": false, "error": "Platform restriction: comments_disabled"}"#)),
    row("comments_limited", &[Service::InstagramComments], "2.2", "400 Platform restriction", Says(Before, 400, r#"{"success": false, "error": "Platform restriction: comments_limited"}"#)),
    row("comments_disabled", &[Service::TiktokComments], "2.2", "200 Platform restriction: comments_off", Says(Before, 200, r#"{"success": false, "error": "Platform restriction: comments_off"}"#)),
    row("not_logged_in", &[Service::TiktokComments], "2.2", "200 Platform restriction: not_logged_in", Says(Before, 200, r#"{"success": false, "error": "Platform restriction: not_logged_in"}"#)),
    row("rate_limited", &[Service::TiktokComments], "2.2", "200 Platform restriction: rate_limit", Says(Before, 200, r#"{"success": false, "error": "Platform restriction: rate_limit"}"#)),
    row("rate_limited", &[Service::ThreadsComments], "2.2", "400 Platform error: rate_limit", Says(Before, 400, r#"{"success": false, "error": "Platform error: rate_limit"}"#)),
    row("platform_error", &[Service::ThreadsComments], "2.2", "400 Platform error: error", Says(Before, 400, r#"{"success": false, "error": "Platform error: error"}"#)),
    row("platform_error", &[Service::TwitterComments], "2.2", "200 error:no_composer", Says(Before, 200, r#"{"success": false, "error": "error:no_composer"}"#)),
    row("no_tweet", &[Service::TwitterComments], "2.2", "200 No tweet found on page", Says(Before, 200, r#"{"success": false, "error": "No tweet found on page"}"#)),
    row("navigation_failed", ALL_FOUR, "2.2", "500: the post did not open", Says(Before, 500, r#"{"error": "Navigation failed"}"#)),
    row("reply_not_found", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 Reply button not found", Says(Before, 400, r#"{"success": false, "error": "Reply button not found"}"#)),
    row("reply_not_found", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 Reply button not found", Says(Before, 200, r#"{"success": false, "error": "Reply button not found"}"#)),
    row("composer_missing", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 Composer never appeared", Says(Before, 400, r#"{"success": false, "error": "Composer never appeared"}"#)),
    row("composer_missing", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 Composer never appeared", Says(Before, 200, r#"{"success": false, "error": "Composer never appeared"}"#)),
    row("input_missing", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 Comment input never appeared", Says(Before, 400, r#"{"success": false, "error": "Comment input never appeared"}"#)),
    row("input_missing", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 Comment input never appeared", Says(Before, 200, r#"{"success": false, "error": "Comment input never appeared"}"#)),
    row("focus_failed", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 Could not focus the input", Says(Before, 400, r#"{"success": false, "error": "Could not focus the input"}"#)),
    row("focus_failed", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 Could not focus the input", Says(Before, 200, r#"{"success": false, "error": "Could not focus the input"}"#)),
    row("typing_failed", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 All typing strategies failed", Says(Before, 400, r#"{"success": false, "error": "All typing strategies failed"}"#)),
    row("typing_failed", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 All typing strategies failed", Says(Before, 200, r#"{"success": false, "error": "All typing strategies failed"}"#)),
    row("submit_disabled", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "400 Submit button not found or disabled", Says(Before, 400, r#"{"success": false, "error": "Submit button not found or disabled"}"#)),
    row("submit_disabled", &[Service::TiktokComments, Service::TwitterComments], "2.2", "200 Submit button not found or disabled", Says(Before, 200, r#"{"success": false, "error": "Submit button not found or disabled"}"#)),
    row("failed", &[Service::ThreadsComments, Service::InstagramComments], "2.2", "posted, then 400 with success:false and an exception", Says(After, 400, r#"{"success": false, "error": "Error: Command failed: osascript -e ..."}"#)),
    row("failed", &[Service::TiktokComments, Service::TwitterComments], "2.2", "posted, then 200 with success:false and an exception", Says(After, 200, r#"{"success": false, "error": "Error: Command failed: osascript -e ..."}"#)),
    row("no_results", &[Service::MarketResearch], "2.3", "200 with success:false", Says(Before, 200, r#"{"success": false, "error": "Search returned no results or failed to load", "platform": "$platform", "query": "$target"}"#)),
];
