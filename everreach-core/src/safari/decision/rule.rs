//! The rules, in the order in which they are asked.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::next_step::{Asked, Verdict};
use super::objections;

/// The rules, in the order in which they are asked.
///
/// ```
/// use everreach_core::safari::decision::Rule;
/// assert_eq!(Rule::ALL[0], Rule::Gate);
/// assert_eq!(Rule::Limit.as_str(), "limit");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// The command may be sent at all.
    Gate,
    /// Its time has come.
    Schedule,
    /// The stop switch is not set.
    StopSwitch,
    /// Its campaign is neither paused nor refused, and the person has not replied to it.
    Campaign,
    /// The person may be written to.
    DenyList,
    /// Nobody is written to twice in 24 hours.
    Contact,
    /// A person agreed to many messages at once.
    Approval,
    /// The account is not stopped.
    Halt,
    /// The service is up, and is the one that is meant.
    Health,
    /// The limits leave room.
    Limit,
    /// It is the time of day for it.
    Hours,
    /// The last send is long enough ago.
    Spacing,
    /// What was tried last is no longer typing.
    Rest,
    /// Nobody else has Safari.
    Browser,
}

impl Rule {
    /// Every rule, in order.
    pub const ALL: [Self; 14] = [
        Self::Gate,
        Self::Schedule,
        Self::StopSwitch,
        Self::Campaign,
        Self::DenyList,
        Self::Contact,
        Self::Approval,
        Self::Halt,
        Self::Health,
        Self::Limit,
        Self::Hours,
        Self::Spacing,
        Self::Rest,
        Self::Browser,
    ];

    /// The word for it in answers and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Schedule => "schedule",
            Self::StopSwitch => "stop_switch",
            Self::Campaign => "campaign",
            Self::DenyList => "deny_list",
            Self::Contact => "contact",
            Self::Approval => "approval",
            Self::Halt => "halt",
            Self::Health => "health",
            Self::Limit => "limit",
            Self::Hours => "hours",
            Self::Spacing => "spacing",
            Self::Rest => "rest",
            Self::Browser => "browser",
        }
    }

    /// What the rule says. The gate has spoken before.
    pub(super) fn ask(self, asked: &Asked<'_>) -> Verdict {
        match self {
            Self::Gate => Verdict::pass("everything in it may be sent"),
            Self::Schedule => objections::schedule(asked),
            Self::StopSwitch => objections::stop_switch(asked),
            Self::Campaign => objections::campaign(asked),
            Self::DenyList => objections::deny_list(asked),
            Self::Contact => objections::contact(asked),
            Self::Approval => objections::approval(asked),
            Self::Halt => objections::halt(asked),
            Self::Health => objections::health(asked),
            Self::Limit => objections::limit(asked),
            Self::Hours => objections::hours(asked),
            Self::Spacing => objections::spacing(asked),
            Self::Rest => objections::rest(asked),
            Self::Browser => objections::browser(asked),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
