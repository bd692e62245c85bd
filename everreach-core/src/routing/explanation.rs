//! What `explain` answers: the decision and each rule it weighed, without running anything.

use serde::{Deserialize, Serialize};

use super::{ActionClass, Rule, Verdict};
use crate::{ActionName, Effect, MicroUsd, Side};

/// A decision laid open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The action, aliases resolved.
    pub action: ActionName,
    /// Where it would run, and why.
    pub decision: ExplainedDecision,
    /// What running it does.
    pub effect: Effect,
    /// What kind of work it is.
    pub class: ActionClass,
    /// What it would cost.
    pub cost_usd: MicroUsd,
    /// One sentence: what a call would do now.
    pub would: String,
}

/// The decision part of an explanation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExplainedDecision {
    /// The side; `None` when the call would be refused.
    pub env: Option<Side>,
    /// The rule that settled it.
    pub reason: Rule,
    /// Every rule that was weighed, in order.
    pub rules: Vec<RuleVerdict>,
}

/// What one rule said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RuleVerdict {
    /// The rule.
    pub rule: Rule,
    /// What it said.
    pub verdict: Verdict,
    /// Why.
    pub detail: String,
}

impl Explanation {
    pub(super) const fn new(
        action: ActionName,
        decision: ExplainedDecision,
        effect: Effect,
        class: ActionClass,
        cost_usd: MicroUsd,
        would: String,
    ) -> Self {
        Self { action, decision, effect, class, cost_usd, would }
    }
}

impl ExplainedDecision {
    pub(super) const fn new(env: Option<Side>, reason: Rule, rules: Vec<RuleVerdict>) -> Self {
        Self { env, reason, rules }
    }
}

impl RuleVerdict {
    pub(super) fn new(rule: Rule, verdict: Verdict, detail: &str) -> Self {
        Self { rule, verdict, detail: detail.to_owned() }
    }
}
