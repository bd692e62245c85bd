//! The occasions, and what is said about each.

use std::time::Duration;

use crate::safari::campaign::CampaignKind;
use crate::safari::{LimitedAction, Platform, Service};
use crate::store::Stamp;
use crate::{Id, Timestamp};

/// The most of a service's own words that is passed on, in characters; a message takes 4,096.
const LONGEST_DETAIL: usize = 1_000;

/// Something that the operator is told.
///
/// ```
/// use everreach_core::safari::{LimitedAction, Platform, alert::Alert};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let hit = Alert::LimitHit { platform: Platform::Instagram, action: LimitedAction::Dm, used: 20, limit: 20 };
/// assert_eq!(hit.message(now), "🚫 Rate Limit Hit: Instagram DMs (20/20 today)\nNext available: Tomorrow 00:00 UTC");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Alert {
    /// A service cannot be used.
    ServiceDown {
        /// Which.
        service: Service,
        /// The port at which it was looked for.
        port: u16,
        /// Since when.
        since: Timestamp,
        /// When it was last seen to be well.
        last_healthy: Option<Timestamp>,
        /// How many commands wait for it.
        blocked: u64,
    },
    /// An account has used up a day's limit.
    LimitHit {
        /// The account's platform.
        platform: Platform,
        /// What is limited.
        action: LimitedAction,
        /// How much has been used.
        used: u32,
        /// Of how much.
        limit: u32,
    },
    /// All accounts together have used up a day's limit.
    CombinedLimitHit {
        /// How much has been used.
        used: u32,
        /// Of how much.
        limit: u32,
    },
    /// Every target of a campaign is finished.
    CampaignComplete {
        /// Its id.
        campaign: String,
        /// What it was for.
        kind: CampaignKind,
        /// Where.
        platform: Platform,
        /// How many targets were reached.
        completed: usize,
        /// Of how many.
        total: usize,
        /// How long it took.
        took: Duration,
    },
    /// Nobody knows whether something was sent.
    OutcomeUnknown {
        /// The command.
        command: Id,
        /// Which try.
        attempt: u32,
        /// What it was.
        what: String,
        /// Why nobody knows.
        detail: String,
    },
    /// Much was tried for an hour and nothing was done.
    NoProgress {
        /// How many tries ended.
        tries: u64,
        /// How many commands wait.
        waiting: u64,
    },
    /// The file of people who are never written to has changed, and cannot be used as it is now.
    DenyListUnusable {
        /// Why, with the file's name.
        detail: String,
    },
}

impl Alert {
    /// The name of the occasion: a second alert of the same name is not written. What lasts has a new one every hour.
    ///
    /// ```
    /// use everreach_core::safari::{Service, alert::Alert};
    /// use std::time::Duration;
    /// let since = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let down = Alert::ServiceDown { service: Service::TwitterDm, port: 3003, since, last_healthy: None, blocked: 0 };
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(down.edge(since), down.edge(since + 59 * minute));
    /// assert_ne!(down.edge(since), down.edge(since + 60 * minute));
    /// ```
    #[must_use]
    pub fn edge(&self, now: Timestamp) -> String {
        match self {
            Self::ServiceDown { service, since, .. } => {
                format!("service_down:{service}:{}:{}", Stamp(*since), (now - *since).num_hours())
            }
            Self::LimitHit { platform, action, .. } => format!("limit:{platform}:{action}:{}", now.date_naive()),
            Self::CombinedLimitHit { .. } => format!("limit:all:{}", now.date_naive()),
            Self::CampaignComplete { campaign, .. } => format!("campaign_complete:{campaign}"),
            Self::OutcomeUnknown { command, attempt, .. } => format!("unknown:{command}:{attempt}"),
            Self::NoProgress { .. } => format!("no_progress:{}", now.format("%Y-%m-%dT%H")),
            Self::DenyListUnusable { .. } => format!("deny_list:{}", now.format("%Y-%m-%dT%H")),
        }
    }

    /// What is said about it, as plain text.
    #[must_use]
    pub fn message(&self, now: Timestamp) -> String {
        match self {
            Self::ServiceDown { service, port, last_healthy, blocked, .. } => {
                let profile = service.profile();
                let last = last_healthy.map_or_else(|| "never seen".to_owned(), |at| format!("{} ago", span(now, at)));
                let what = match profile.action {
                    Some(action) => many(action),
                    None => "searches",
                };
                let mut message = format!(
                    "⚠️ Safari Service Down: {service} (port {port})\nLast healthy: {last}. Queue: {blocked} pending {what} blocked."
                );
                if let Some(hint) = profile.down_hint() {
                    message.push('\n');
                    message.push_str(&hint);
                }
                message
            }
            Self::LimitHit { platform, action, used, limit } => format!(
                "🚫 Rate Limit Hit: {} {} ({used}/{limit} today)\nNext available: Tomorrow 00:00 UTC",
                platform.title(),
                many(*action)
            ),
            Self::CombinedLimitHit { used, limit } => {
                format!("🚫 Rate Limit Hit: all accounts together ({used}/{limit} today)\nNext available: Tomorrow 00:00 UTC")
            }
            Self::CampaignComplete { kind, platform, completed, total, took, .. } => format!(
                "✅ Campaign Complete: {kind} × {total} targets\nPlatform: {} | Completed: {completed}/{total} | Time: {}",
                platform.title(),
                two_units(took.as_secs())
            ),
            Self::OutcomeUnknown { command, what, detail, .. } => {
                let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
                format!(
                    "❓ Safari Outcome Unknown: {what}\n{detail}\nIt is held. Say what happened: everreach safari resolve {command} \
                     --happened|--retry|--drop"
                )
            }
            Self::DenyListUnusable { detail } => {
                let detail: String = detail.chars().take(LONGEST_DETAIL).collect();
                format!("⚠️ Safari Deny List Unusable\n{detail}\nThe list that was read last still holds.")
            }
            Self::NoProgress { tries, waiting } => format!(
                "🐌 Safari Makes No Progress: {tries} tries in the last hour, none of them did anything\nQueue: {waiting} commands wait."
            ),
        }
    }
}

const fn many(action: LimitedAction) -> &'static str {
    match action {
        LimitedAction::Dm => "DMs",
        LimitedAction::Comment => "comments",
    }
}

/// The largest whole unit.
fn span(now: Timestamp, at: Timestamp) -> String {
    let seconds = (now - at).num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The two largest units, as in `4m 23s`.
fn two_units(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_service_that_is_down_is_told_with_what_it_blocks() {
        let two_hours_ago = now() - Duration::from_secs(7_300);
        let down = Alert::ServiceDown {
            service: Service::TwitterDm,
            port: 3003,
            since: now(),
            last_healthy: Some(two_hours_ago),
            blocked: 12,
        };
        let expected = "⚠️ Safari Service Down: twitter-dm (port 3003)\nLast healthy: 2h ago. Queue: 12 pending DMs blocked.";
        assert_eq!(down.message(now()), expected);
    }

    #[test]
    fn a_campaign_that_is_complete_is_told_with_its_figures() {
        let complete = Alert::CampaignComplete {
            campaign: "c1".to_owned(),
            kind: CampaignKind::CommentWarmup,
            platform: Platform::Twitter,
            completed: 5,
            total: 5,
            took: Duration::from_secs(263),
        };
        let expected = "✅ Campaign Complete: comment_warmup × 5 targets\nPlatform: Twitter | Completed: 5/5 | Time: 4m 23s";
        assert_eq!(complete.message(now()), expected);
        assert_eq!(two_units(90_000), "1d 1h");
    }

    #[test]
    fn a_services_own_words_do_not_make_a_message_too_long() {
        let unknown = Alert::OutcomeUnknown {
            command: Id::new(),
            attempt: 1,
            what: "send_dm to twitter:bob".to_owned(),
            detail: "ü".repeat(9_000),
        };
        assert!(unknown.message(now()).chars().count() < 4_096);
    }
}
