//! One row of the route table: what is known about an action.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ActionClass;
use crate::{ActionName, Effect, MicroUsd, Side};

/// Where a row wants its action to run in hybrid mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Preference {
    /// In the cloud.
    Cloud,
    /// On this machine.
    Local,
    /// Where its class belongs.
    Auto,
}

/// How a call without a key of its own gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dedupe {
    /// A fresh key.
    None,
    /// Derived from topic, target, text and UTC day, so that the same message is sent once a day at most.
    ContentDay,
}

/// How an action found its row.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteMatch {
    /// By its whole name.
    Exact,
    /// By the row `service.*`, or `*`.
    Prefix,
    /// By no row at all.
    Default,
}

/// What is known about an action.
///
/// An action without a row of its own counts as outward, not essential and without a price.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// The name, aliases resolved.
    pub action: ActionName,
    /// How the row was found.
    pub matched: RouteMatch,
    /// Where it wants to run.
    pub preferred_env: Preference,
    /// Where it may run when the preferred side cannot.
    pub fallback_env: Option<Side>,
    /// What kind of work it is.
    pub class: ActionClass,
    /// What running it does.
    pub effect: Effect,
    /// Whether it passes the monthly cap.
    pub essential: bool,
    /// What one call in the cloud costs; `None` when nobody stated it.
    pub cost_usd: Option<MicroUsd>,
    /// How long an answer may be served again while offline; zero for never.
    pub cache_ttl: Duration,
    /// How long one try may take, where that differs from the usual.
    pub timeout: Option<Duration>,
    /// Whether a person has to agree to every call.
    pub approval: bool,
    /// How a call without a key gets one.
    pub dedupe: Dedupe,
    /// The only side that can do it.
    pub requires: Option<Side>,
    /// What it does, in a few words.
    pub description: String,
}

impl Route {
    /// The route of an action that no row speaks of.
    #[must_use]
    pub fn unlisted(action: ActionName) -> Self {
        Self {
            action,
            matched: RouteMatch::Default,
            preferred_env: Preference::Local,
            fallback_env: None,
            class: ActionClass::Compute,
            effect: Effect::Outward,
            essential: false,
            cost_usd: None,
            cache_ttl: Duration::ZERO,
            timeout: None,
            approval: false,
            dedupe: Dedupe::None,
            requires: None,
            description: String::new(),
        }
    }
}
