//! The settings of Safari: the queue, the CRM script and the nine services.

use super::table::{Setting, plain, secret, unset};

/// How the CRM script is started.
pub const CRM_COMMAND: Setting = plain(
    "CRM_COMMAND",
    "crm.command",
    "python3 scripts/crm_brain.py",
    "argv of the CRM script: words between blanks, or a JSON list of them",
);
/// Where the CRM script runs.
pub const CRM_FOLDER: Setting =
    unset("CRM_FOLDER", "crm.folder", "folder in which the CRM script runs; the working directory when unset");
/// When outward commands may go.
pub const SAFARI_ACTIVE_HOURS: Setting =
    plain("SAFARI_ACTIVE_HOURS", "safari.active_hours", "9-21", "hours in which outward commands may go; 0-24 for always");
/// The zone of those hours.
pub const SAFARI_TIMEZONE: Setting =
    plain("SAFARI_TIMEZONE", "safari.timezone", "local", "time zone of those hours, such as Europe/Berlin");
/// Spacing.
pub const SAFARI_MIN_DELAY: Setting = unset(
    "SAFARI_MIN_DELAY_MS",
    "safari.min_delay_ms",
    "spacing between outward commands; by platform and action when unset, 0 removes all spacing",
);
/// Our limits.
pub const SAFARI_LIMITS: Setting = unset(
    "SAFARI_LIMITS",
    "safari.limits",
    "JSON {platform: {dm, comment, dm_hour?, comment_hour?}, all: {hour, day}}, merged over the defaults",
);
/// How long a claim lasts.
pub const SAFARI_LEASE: Setting =
    plain("SAFARI_LEASE_SEC", "safari.lease_sec", "60", "lease of a claimed command and of the browser slot");
/// How long a campaign waits for a person.
pub const SAFARI_CAMPAIGN_APPROVAL: Setting = plain(
    "SAFARI_CAMPAIGN_APPROVAL_HOURS",
    "safari.campaign_approval_hours",
    "168",
    "how long a campaign of more than 10 messages waits for a person before it is paused; a batch waits 4 hours and is refused",
);
/// People who are never written to.
pub const SAFARI_DENY_LIST: Setting = unset(
    "SAFARI_DENY_LIST_FILE",
    "safari.deny_list_file",
    "file of people who are never written to: one platform:name or name a line, # for remarks; read again when it changes",
);
/// How long Safari rests after an unknown outcome.
pub const SAFARI_REST: Setting = unset(
    "SAFARI_REST_AFTER_UNKNOWN_SEC",
    "safari.rest_after_unknown_sec",
    "rest of a service after an unknown outcome; the action's time limit when unset, 0 for none",
);
/// Whether `force` of a row is passed on.
pub const SAFARI_ALLOW_FORCE: Setting = plain(
    "SAFARI_ALLOW_FORCE",
    "safari.allow_force",
    "0",
    "1 passes force of a command on to its service, which then skips its hours, limits and memory of whom it messaged",
);

const SAFARI_URL: &str = "where this Safari service listens";
const SAFARI_TOKEN: &str = "bearer token of this Safari service";

/// The nine Safari services, with the ports of their contract.
pub(super) const SAFARI_SERVICES: [Setting; 18] = [
    plain("SAFARI_INSTAGRAM_DM_URL", "safari.instagram_dm.url", "http://127.0.0.1:3001", SAFARI_URL),
    secret("SAFARI_INSTAGRAM_DM_TOKEN", "safari.instagram_dm.token", SAFARI_TOKEN),
    plain("SAFARI_TWITTER_DM_URL", "safari.twitter_dm.url", "http://127.0.0.1:3003", SAFARI_URL),
    secret("SAFARI_TWITTER_DM_TOKEN", "safari.twitter_dm.token", SAFARI_TOKEN),
    plain("SAFARI_THREADS_COMMENTS_URL", "safari.threads_comments.url", "http://127.0.0.1:3004", SAFARI_URL),
    secret("SAFARI_THREADS_COMMENTS_TOKEN", "safari.threads_comments.token", SAFARI_TOKEN),
    plain("SAFARI_INSTAGRAM_COMMENTS_URL", "safari.instagram_comments.url", "http://127.0.0.1:3005", SAFARI_URL),
    secret("SAFARI_INSTAGRAM_COMMENTS_TOKEN", "safari.instagram_comments.token", SAFARI_TOKEN),
    plain("SAFARI_TIKTOK_COMMENTS_URL", "safari.tiktok_comments.url", "http://127.0.0.1:3006", SAFARI_URL),
    secret("SAFARI_TIKTOK_COMMENTS_TOKEN", "safari.tiktok_comments.token", SAFARI_TOKEN),
    plain("SAFARI_TWITTER_COMMENTS_URL", "safari.twitter_comments.url", "http://127.0.0.1:3007", SAFARI_URL),
    secret("SAFARI_TWITTER_COMMENTS_TOKEN", "safari.twitter_comments.token", SAFARI_TOKEN),
    plain("SAFARI_TIKTOK_DM_URL", "safari.tiktok_dm.url", "http://127.0.0.1:3102", SAFARI_URL),
    secret("SAFARI_TIKTOK_DM_TOKEN", "safari.tiktok_dm.token", SAFARI_TOKEN),
    plain("SAFARI_LINKEDIN_AUTOMATION_URL", "safari.linkedin_automation.url", "http://127.0.0.1:3105", SAFARI_URL),
    secret("SAFARI_LINKEDIN_AUTOMATION_TOKEN", "safari.linkedin_automation.token", SAFARI_TOKEN),
    plain("SAFARI_MARKET_RESEARCH_URL", "safari.market_research.url", "http://127.0.0.1:3106", SAFARI_URL),
    secret("SAFARI_MARKET_RESEARCH_TOKEN", "safari.market_research.token", SAFARI_TOKEN),
];
