//! Whether a command goes now.

use std::borrow::Cow;

use serde::Serialize;

use super::{Conditions, Rule};
use crate::Timestamp;
use crate::safari::gate::{Dispatchable, check};
use crate::safari::{Command, CommandStatus};

/// What a rule says about one command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing against it.
    Pass(Cow<'static, str>),
    /// Not now.
    Wait {
        /// Not before this time; none when no time can be told.
        until: Option<Timestamp>,
        /// Why.
        detail: Cow<'static, str>,
    },
    /// Never.
    Refuse(Cow<'static, str>),
}

impl Verdict {
    pub(super) fn pass(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Pass(detail.into())
    }

    pub(super) fn wait(until: Option<Timestamp>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Wait { until, detail: detail.into() }
    }

    pub(super) fn refuse(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse(detail.into())
    }

    /// The sentence.
    ///
    /// ```
    /// use everreach_core::safari::decision::Verdict;
    /// assert_eq!(Verdict::Pass("there is room".into()).detail(), "there is room");
    /// ```
    #[must_use]
    pub fn detail(&self) -> &str {
        match self {
            Self::Pass(detail) | Self::Wait { detail, .. } | Self::Refuse(detail) => detail,
        }
    }
}

/// A rule and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleVerdict {
    /// The rule.
    pub rule: Rule,
    /// What it says.
    pub verdict: Verdict,
}

/// What is done with a command now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// It goes.
    Dispatch(Dispatchable),
    /// It waits.
    Wait {
        /// Not before this time; none when no time can be told.
        until: Option<Timestamp>,
        /// The rule that makes it wait.
        why: Rule,
        /// The same as a sentence.
        detail: String,
    },
    /// It is refused for good.
    Refuse {
        /// The rule that refuses it.
        why: Rule,
        /// A stable code: the gate's own, or the rule's.
        code: &'static str,
        /// The same as a sentence.
        detail: String,
    },
}

/// One question to all rules.
pub(super) struct Asked<'a> {
    pub(super) command: &'a Command,
    pub(super) dispatchable: &'a Dispatchable,
    pub(super) conditions: &'a Conditions,
    pub(super) now: Timestamp,
}

/// Whether a command goes now: the first rule that objects settles it, in the order of [`Rule::ALL`], the gate first.
///
/// It is about a row that waits or that its asker has just claimed; [`why`] also knows the others.
///
/// ```
/// use everreach_core::safari::decision::{Conditions, NextStep, Rule, next_step};
/// use everreach_core::safari::{Command, HealthStatus, Platform, Service, ServiceHealth};
/// let noon = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let command = Command::dm(Platform::Twitter, "bob", "hello", noon);
/// let mut conditions = Conditions::new(chrono_tz::UTC);
/// assert!(matches!(next_step(&command, &conditions, noon), NextStep::Wait { why: Rule::Health, .. }));
/// let up = ServiceHealth::new(Service::TwitterDm, HealthStatus::Healthy, "up", noon);
/// conditions.health.insert(Service::TwitterDm, up);
/// assert!(matches!(next_step(&command, &conditions, noon), NextStep::Dispatch(_)));
/// ```
#[must_use]
pub fn next_step(command: &Command, conditions: &Conditions, now: Timestamp) -> NextStep {
    let dispatchable = match check(command) {
        Ok(dispatchable) => dispatchable,
        Err(refusal) => {
            return NextStep::Refuse { why: Rule::Gate, code: refusal.code.as_str(), detail: refusal.to_string() };
        }
    };
    let asked = Asked { command, dispatchable: &dispatchable, conditions, now };
    for rule in Rule::ALL {
        match rule.ask(&asked) {
            Verdict::Pass(_) => {}
            Verdict::Wait { until, detail } => return NextStep::Wait { until, why: rule, detail: detail.into_owned() },
            Verdict::Refuse(detail) => {
                return NextStep::Refuse { why: rule, code: rule.as_str(), detail: detail.into_owned() };
            }
        }
    }
    NextStep::Dispatch(dispatchable)
}

/// What every rule says, in order; the gate alone when it refuses.
///
/// ```
/// use everreach_core::safari::decision::{Conditions, Rule, explain};
/// use everreach_core::safari::{Command, Platform};
/// let night = "2026-11-20T03:00:00Z".parse().expect("a time");
/// let command = Command::dm(Platform::Twitter, "bob", "hello", night);
/// let said = explain(&command, &Conditions::new(chrono_tz::UTC), night);
/// assert_eq!(said.len(), Rule::ALL.len());
/// let hours = said.iter().find(|said| said.rule == Rule::Hours).expect("the rule");
/// assert!(hours.verdict.detail().contains("9-21"));
/// ```
#[must_use]
pub fn explain(command: &Command, conditions: &Conditions, now: Timestamp) -> Vec<RuleVerdict> {
    match check(command) {
        Ok(dispatchable) => {
            let asked = Asked { command, dispatchable: &dispatchable, conditions, now };
            Rule::ALL.into_iter().map(|rule| RuleVerdict { rule, verdict: rule.ask(&asked) }).collect()
        }
        Err(refusal) => vec![RuleVerdict { rule: Rule::Gate, verdict: Verdict::refuse(refusal.to_string()) }],
    }
}

/// Why a row is where it is, in one sentence.
///
/// ```
/// use everreach_core::safari::decision::{Conditions, why};
/// use everreach_core::safari::{Command, CommandStatus, Platform};
/// let noon = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let mut command = Command::dm(Platform::Twitter, "bob", "hello", noon);
/// assert_eq!(why(&command, &Conditions::new(chrono_tz::UTC), noon), "health: twitter-dm has not been looked at yet");
/// command.status = CommandStatus::Running;
/// command.worker_id = Some("mac-1".to_owned());
/// assert_eq!(why(&command, &Conditions::new(chrono_tz::UTC), noon), "mac-1 works on it");
/// ```
#[must_use]
pub fn why(command: &Command, conditions: &Conditions, now: Timestamp) -> String {
    match command.status {
        CommandStatus::Pending if !command.is_ours() => "it belongs to another program".to_owned(),
        CommandStatus::Pending => match next_step(command, conditions, now) {
            NextStep::Dispatch(_) => "nothing stands against it: it is next when its turn comes".to_owned(),
            NextStep::Wait { why, detail, .. } => format!("{why}: {detail}"),
            NextStep::Refuse { code, detail, .. } => format!("it will be refused ({code}): {detail}"),
        },
        CommandStatus::Running => {
            format!("{} works on it", command.worker_id.as_deref().unwrap_or("another program"))
        }
        CommandStatus::Completed => "it is done".to_owned(),
        CommandStatus::Failed => command.error.clone().unwrap_or_else(|| "it failed without a reason".to_owned()),
        CommandStatus::Cancelled => {
            command.error.as_ref().map_or_else(|| "it was cancelled".to_owned(), |why| format!("it was cancelled: {why}"))
        }
    }
}

impl Serialize for RuleVerdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (word, until) = match &self.verdict {
            Verdict::Pass(_) => ("pass", None),
            Verdict::Wait { until, .. } => ("wait", *until),
            Verdict::Refuse(_) => ("refuse", None),
        };
        let mut fields = serializer.serialize_struct("RuleVerdict", 4)?;
        fields.serialize_field("rule", &self.rule)?;
        fields.serialize_field("verdict", word)?;
        fields.serialize_field("until", &until)?;
        fields.serialize_field("detail", self.verdict.detail())?;
        fields.end()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
