//! The conditions of the moment.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use chrono_tz::Tz;

use super::{DenyList, DmGroup, Halt, Pacing};
use crate::Timestamp;
use crate::safari::limits::{Limit, LimitTable, Usage};
use crate::safari::{ActiveHours, Contact, LimitedAction, Platform, Service, ServiceHealth};

/// Safari is left alone: what was tried last may still be typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrowserRest {
    /// Until when.
    pub until: Timestamp,
    /// The service whose outcome is unknown; none for a program.
    pub service: Option<Service>,
}

impl BrowserRest {
    /// A rest.
    #[must_use]
    pub const fn new(until: Timestamp, service: Option<Service>) -> Self {
        Self { until, service }
    }
}

/// All that the decision about a command depends on, beside the command and the time.
///
/// ```
/// use everreach_core::safari::decision::Conditions;
/// use everreach_core::safari::{ActiveHours, HealthStatus, Service, ServiceHealth};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let mut conditions = Conditions::new(chrono_tz::UTC);
/// conditions.active_hours = ActiveHours::ALWAYS;
/// for service in Service::ALL {
///     conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", now));
/// }
/// assert!(!conditions.is_stopped);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Conditions {
    /// Whether the stop switch is set.
    pub is_stopped: bool,
    /// How the services are; one that nobody has looked at is waited for.
    pub health: BTreeMap<Service, ServiceHealth>,
    /// Accounts and actions that have to stop.
    pub halts: Vec<Halt>,
    /// Our limits.
    pub limits: LimitTable,
    /// What services said of their own limits; for the others the contract stands.
    pub service_limits: BTreeMap<Service, Limit>,
    /// What we have used, by account.
    pub usage: BTreeMap<(Platform, LimitedAction), Usage>,
    /// What we have used of all accounts together.
    pub combined_usage: Usage,
    /// Accounts that go at half their rate, by the platform of the account, and until when.
    pub half_rate: BTreeMap<Platform, Timestamp>,
    /// What other programs say they sent through the accounts: it counts as used.
    pub sent_elsewhere: BTreeMap<(Platform, LimitedAction), Usage>,
    /// When the last one was sent, by account.
    pub last_sent: BTreeMap<(Platform, LimitedAction), Timestamp>,
    /// When outward commands may go.
    pub active_hours: ActiveHours,
    /// The zone of these hours.
    pub zone: Tz,
    /// Spacing.
    pub pacing: Pacing,
    /// Safari is left alone.
    pub rest: Option<BrowserRest>,
    /// Another command has Safari, at most until then.
    pub browser_held_until: Option<Timestamp>,
    /// Campaigns that are paused, by their id.
    pub paused_campaigns: BTreeSet<String>,
    /// Who has replied to a campaign: it sends them nothing more.
    pub replied: HashSet<(String, Contact)>,
    /// Who is never written to.
    pub deny_list: DenyList,
    /// When somebody was last written to, by us or by any other program that says so.
    pub last_dm: HashMap<Contact, Timestamp>,
    /// How long nobody is written to twice: 24 hours.
    pub contact_floor: Duration,
    /// The messages of campaigns and batches, by their id. A message of one that is not here waits.
    pub dm_groups: BTreeMap<String, DmGroup>,
}

impl Conditions {
    /// Our defaults, nothing used, no service looked at.
    #[must_use]
    pub fn new(zone: Tz) -> Self {
        Self {
            is_stopped: false,
            health: BTreeMap::new(),
            halts: Vec::new(),
            limits: LimitTable::default(),
            service_limits: BTreeMap::new(),
            usage: BTreeMap::new(),
            combined_usage: Usage::default(),
            half_rate: BTreeMap::new(),
            sent_elsewhere: BTreeMap::new(),
            last_sent: BTreeMap::new(),
            active_hours: ActiveHours::NINE_TO_NINE,
            zone,
            pacing: Pacing::default(),
            rest: None,
            browser_held_until: None,
            paused_campaigns: BTreeSet::new(),
            replied: HashSet::new(),
            deny_list: DenyList::default(),
            last_dm: HashMap::new(),
            contact_floor: Duration::from_secs(24 * 3_600),
            dm_groups: BTreeMap::new(),
        }
    }

    /// The limit that counts: the stricter one of ours and the service's, and half of it while the account goes at half its rate.
    ///
    /// ```
    /// use everreach_core::safari::decision::Conditions;
    /// use everreach_core::safari::{LimitedAction, Platform};
    /// let limit = Conditions::new(chrono_tz::UTC).limit(Platform::Twitter, LimitedAction::Comment);
    /// assert_eq!((limit.per_hour, limit.per_day), (Some(10), Some(30)), "ours is 100 a day, the service's 10 an hour and 30 a day");
    /// ```
    #[must_use]
    pub fn limit(&self, platform: Platform, action: LimitedAction) -> Limit {
        let limit = self.full_limit(platform, action);
        if self.half_rate_until(platform).is_some() { limit.halved() } else { limit }
    }

    /// Until when the account of this platform goes at half its rate; none when it goes at its full one.
    #[must_use]
    pub fn half_rate_until(&self, platform: Platform) -> Option<Timestamp> {
        self.half_rate.get(&platform.account()).copied()
    }

    /// The limit at the full rate.
    pub(super) fn full_limit(&self, platform: Platform, action: LimitedAction) -> Limit {
        let ours = self.limits.get(platform, action);
        let Some(service) = Service::for_action(platform, action) else { return ours };
        let theirs = self.service_limits.get(&service).copied().unwrap_or_else(|| Limit::of_profile(service));
        ours.stricter(theirs)
    }

    /// What the account has used, by us and by other programs that say so.
    #[must_use]
    pub fn used(&self, platform: Platform, action: LimitedAction) -> Usage {
        self.usage.get(&(platform.account(), action)).copied().unwrap_or_default().plus(self.used_elsewhere(platform, action))
    }

    /// What all accounts together have used, by us and by other programs that say so.
    ///
    /// ```
    /// use everreach_core::safari::limits::Usage;
    /// use everreach_core::safari::{LimitedAction, Platform, decision::Conditions};
    /// let mut conditions = Conditions::new(chrono_tz::UTC);
    /// conditions.combined_usage = Usage { this_hour: 1, today: 9 };
    /// conditions.sent_elsewhere.insert((Platform::Twitter, LimitedAction::Dm), Usage { this_hour: 0, today: 2 });
    /// assert_eq!(conditions.combined_used(), Usage { this_hour: 1, today: 11 });
    /// ```
    #[must_use]
    pub fn combined_used(&self) -> Usage {
        self.combined_usage.plus(self.combined_elsewhere())
    }

    /// What other programs have used of all accounts.
    pub(in crate::safari) fn combined_elsewhere(&self) -> Usage {
        self.sent_elsewhere.values().copied().fold(Usage::default(), Usage::plus)
    }

    /// What other programs have used of the account.
    #[must_use]
    pub fn used_elsewhere(&self, platform: Platform, action: LimitedAction) -> Usage {
        self.sent_elsewhere.get(&(platform.account(), action)).copied().unwrap_or_default()
    }

    /// When the account's next send may go as far as spacing is concerned, from its own last one, twice as far at half the rate, and
    /// from the last one of any account; none for at once.
    #[must_use]
    pub fn spaced(&self, platform: Platform, action: LimitedAction) -> Option<Timestamp> {
        let delay = self.pacing.delay(platform, action);
        let delay = if self.half_rate_until(platform).is_some() { delay * 2 } else { delay };
        let own = self.last_sent.get(&(platform.account(), action)).map(|last| *last + delay);
        own.max(self.last_sent.values().max().map(|last| *last + self.pacing.combined_delay()))
    }
}
