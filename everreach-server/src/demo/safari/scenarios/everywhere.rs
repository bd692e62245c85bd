//! What any of the services may do.

use everreach_core::safari::Service;

use super::super::effect::Effect::{
    Account, Crashes, Door, Down, Hangs, HealthHangs, HealthSays, HealthShowsPage, Hushes, NoSession, NoTab, Resets, Says,
    ShowsPage, TooOften, Works,
};
use super::super::effect::When::{After, Before};
use super::row::{ScenarioRow, row};

/// Whose middleware looks for a tab; the other two never get there.
const WITH_TAB_CHECK: &[Service] = &[
    Service::TwitterDm,
    Service::ThreadsComments,
    Service::InstagramComments,
    Service::TiktokComments,
    Service::TwitterComments,
    Service::TiktokDm,
    Service::MarketResearch,
];

/// Who has an account and does not look at it before sending.
const NO_LOGIN_CHECK: &[Service] = &[
    Service::InstagramDm,
    Service::TwitterDm,
    Service::ThreadsComments,
    Service::InstagramComments,
    Service::TwitterComments,
    Service::TiktokDm,
    Service::LinkedinAutomation,
];

#[rustfmt::skip]
/// One row each.
pub(super) static ROWS: &[ScenarioRow] = &[
    row("ok", &Service::ALL, "1", "all is well", Works),
    row("timeout", &Service::ALL, "3", "done, and never answered", Hangs(After)),
    row("hang_before", &Service::ALL, "3", "taken, not done, never answered", Hangs(Before)),
    row("reset", &Service::ALL, "3", "done, then the connection is reset", Resets(After)),
    row("reset_before", &Service::ALL, "3", "the connection is reset, nothing was done", Resets(Before)),
    row("empty_reply", &Service::ALL, "3", "done, then the connection ends without an answer", Hushes(After)),
    row("empty_before", &Service::ALL, "3", "the connection ends without an answer, nothing was done", Hushes(Before)),
    row("crash", &Service::ALL, "2.1", "done, then the process dies: reset, and the port refuses until it is restarted", Crashes(After)),
    row("crash_before", &Service::ALL, "2.1", "the process dies before anything was done", Crashes(Before)),
    row("error_500", &Service::ALL, "2.1", "done, then 500 with an exception", Says(After, 500, r#"{"error": "Error: Command failed: osascript -e ..."}"#)),
    row("error_500_before", &Service::ALL, "2.1", "500 with an exception, nothing was done", Says(Before, 500, r#"{"error": "Error: Command failed: osascript -e ..."}"#)),
    row("bad_gateway", &Service::ALL, "3", "done, then 502", Says(After, 502, r#"{"error": "Bad Gateway"}"#)),
    row("html", &Service::ALL, "1", "done, then a page instead of JSON", ShowsPage(After, 200)),
    row("html_404", &Service::ALL, "1", "the address is unknown here: a page with 404", ShowsPage(Before, 404)),
    row("unauthorized", &Service::ALL, "1.1", "no token is good enough", Door(401, r#"{"error":"Unauthorized","message":"Invalid token"}"#)),
    row("slow_health", &Service::ALL, "1.1", "/health is never answered", HealthHangs),
    row("health_500", &Service::ALL, "1.1", "/health answers 500", HealthSays(500, r#"{"error":"Internal Server Error"}"#)),
    row("health_html", &Service::ALL, "1.1", "/health answers with a page", HealthShowsPage),
    row("wrong_identity", &Service::ALL, "1.1", "another program answers at the port", HealthSays(200, r#"{"status":"ok","service":"renderer","rateLimits":{"messagesSentToday":0}}"#)),
    row("down", &Service::ALL, "1", "nothing listens at the port", Down),
    row("no_tab", WITH_TAB_CHECK, "1.3", "Safari has no tab for it: 503", NoTab),
    row("no_session", &Service::ALL, "1.3", "no session can be made sure of", NoSession),
    row("not_logged_in", NO_LOGIN_CHECK, "1.3", "its status says that nobody is signed in; sends do not check", Account { is_logged_in: false, standing: "{}" }),
    row("request_limit", &[Service::ThreadsComments, Service::InstagramComments, Service::MarketResearch], "2.2", "too many requests a minute: 429 with Retry-After", TooOften),
];
