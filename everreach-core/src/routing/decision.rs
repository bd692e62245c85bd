//! The decision: a pure function of the route and the conditions of the moment.
//!
//! Rules are weighed in order; the first one that settles the matter is the last one heard. Whoever insists on the cloud, the
//! caller or the environment, has the last word only after the rules that may keep a call away from it. `explain` runs the same
//! rules and keeps what each of them said.

use serde::{Deserialize, Serialize};

use super::{ActionClass, Preference, Route, RouteMatch};
use crate::cost::BudgetLevel;
use crate::{Effect, ErrorKind, Mode, Side};

/// The conditions of the moment, all that a decision depends on beside the route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conditions {
    /// Which sides this process uses.
    pub mode: Mode,
    /// The side the caller insists on.
    pub force_env: Option<Side>,
    /// Whether the stop switch is set.
    pub is_stopped: bool,
    /// Whether the cloud is taken to be unreachable.
    pub is_offline: bool,
    /// Whether it has been away for so long that it counts as failed.
    pub is_failed: bool,
    /// How full the month is.
    pub budget: BudgetLevel,
    /// Whether this process is the cloud terminal itself.
    pub is_cloud_terminal: bool,
    /// Whether the cloud terminal can hand the call to the local machine.
    pub can_queue: bool,
    /// Whether a person has agreed to this very call.
    pub is_approved: bool,
    /// What the classifier says, for routes that leave it to the class.
    pub class: ActionClass,
}

impl Conditions {
    /// Nothing special: this mode, under the caps, online.
    #[must_use]
    pub const fn new(mode: Mode, class: ActionClass) -> Self {
        Self {
            mode,
            force_env: None,
            is_stopped: false,
            is_offline: false,
            is_failed: false,
            budget: BudgetLevel::Open,
            is_cloud_terminal: false,
            can_queue: false,
            is_approved: false,
            class,
        }
    }
}

/// What a rule had to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// It has no objection and no wish.
    Pass,
    /// It chose the side.
    Choose,
    /// It refused the call.
    Refuse,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Rule {
    /// Nothing outward starts while the stop switch is set.
    StopSwitch,
    /// The row wants a person to agree.
    Approval,
    /// The cloud terminal runs calls in its own registry.
    CloudTerminal,
    /// The caller insists on a side.
    ForceEnv,
    /// The process uses one side only.
    Environment,
    /// The cloud has failed: everything runs here, whatever is preferred.
    Failover,
    /// The cloud is away.
    Offline,
    /// The month is full, or nearly.
    Budget,
    /// The row of the route table.
    Table,
    /// The kind of work, where the row leaves it open.
    Class,
}

impl Rule {
    /// The word for it in answers and events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StopSwitch => "stop_switch",
            Self::Approval => "approval",
            Self::CloudTerminal => "cloud_terminal",
            Self::ForceEnv => "force_env",
            Self::Environment => "environment",
            Self::Failover => "failover",
            Self::Offline => "offline",
            Self::Budget => "budget",
            Self::Table => "table",
            Self::Class => "class",
        }
    }
}

/// Where a call goes, or why it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// It runs on this side.
    Run(Side),
    /// It is handed to the local machine, which runs it later.
    Queue,
    /// It is not run.
    Refuse(ErrorKind),
}

/// The outcome of weighing the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Where the call goes.
    pub target: Target,
    /// The side that may take over when the chosen one provably did not run it (or when repeating does no harm).
    pub fallback: Option<Side>,
    /// The rule that settled it.
    pub rule: Rule,
    /// Whether the call runs locally because the cloud is away.
    pub is_fallback: bool,
    /// Whether the budget changed where it runs.
    pub cost_guard_triggered: bool,
}

impl Decision {
    const fn run(side: Side, rule: Rule) -> Self {
        Self { target: Target::Run(side), fallback: None, rule, is_fallback: false, cost_guard_triggered: false }
    }

    const fn refuse(kind: ErrorKind, rule: Rule) -> Self {
        Self { target: Target::Refuse(kind), fallback: None, rule, is_fallback: false, cost_guard_triggered: false }
    }
}

/// Weighs the rules; `seen` hears each verdict with its reason, in order.
#[must_use]
pub fn decide(route: &Route, conditions: &Conditions, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Decision {
    if conditions.is_stopped && route.effect != Effect::Read {
        seen(Rule::StopSwitch, Verdict::Refuse, "the stop switch is set and the action does more than read");
        return Decision::refuse(ErrorKind::Stopped, Rule::StopSwitch);
    }
    seen(Rule::StopSwitch, Verdict::Pass, if conditions.is_stopped { "set, but reads go on" } else { "not set" });

    if route.approval && !conditions.is_approved {
        seen(Rule::Approval, Verdict::Refuse, "a person has to agree to every call of this action");
        return Decision::refuse(ErrorKind::ApprovalRequired, Rule::Approval);
    }
    seen(Rule::Approval, Verdict::Pass, if route.approval { "a person has agreed" } else { "none needed" });

    if conditions.is_cloud_terminal {
        return on_the_terminal(route, conditions, seen);
    }
    let wish = wish(route, conditions, seen);
    settle(route, conditions, &wish, seen)
}

fn on_the_terminal(route: &Route, conditions: &Conditions, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Decision {
    let is_for_local = route.requires == Some(Side::Local);
    if is_for_local && !conditions.can_queue {
        seen(Rule::CloudTerminal, Verdict::Refuse, "only the local machine can do this");
        return Decision::refuse(ErrorKind::RequiresLocal, Rule::CloudTerminal);
    }
    if conditions.budget == BudgetLevel::Exceeded && !route.essential {
        return out_of_money(seen);
    }
    if is_for_local {
        seen(Rule::CloudTerminal, Verdict::Choose, "only the local machine can do this: it is queued for that machine");
        return Decision { target: Target::Queue, ..Decision::run(Side::Local, Rule::CloudTerminal) };
    }
    seen(Rule::CloudTerminal, Verdict::Choose, "this process is the cloud: it runs calls in its own registry");
    Decision::run(Side::Cloud, Rule::CloudTerminal)
}

fn out_of_money(seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Decision {
    seen(Rule::Budget, Verdict::Refuse, "the cap is reached and the action is not essential");
    Decision { cost_guard_triggered: true, ..Decision::refuse(ErrorKind::CostCapExceeded, Rule::Budget) }
}

/// A side, the rule that wants it, and what may take over.
struct Wish {
    side: Side,
    rule: Rule,
    fallback: Option<Side>,
    /// Whether the call may run here when the cloud is away.
    may_move: bool,
}

fn wish(route: &Route, conditions: &Conditions, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Wish {
    if let Some(side) = conditions.force_env {
        // A forced outward call never moves for want of the cloud; a forced read keeps the usual fallback.
        let may_move = conditions.mode == Mode::Hybrid && side == Side::Cloud && route.effect.is_repeatable();
        let fallback = route.fallback_env.filter(|other| may_move && *other != side);
        return Wish { side, rule: Rule::ForceEnv, fallback, may_move };
    }
    seen(Rule::ForceEnv, Verdict::Pass, "the caller leaves it open");
    let fixed = |side| Wish { side, rule: Rule::Environment, fallback: None, may_move: false };
    match conditions.mode {
        Mode::Local => fixed(Side::Local),
        Mode::Cloud => fixed(Side::Cloud),
        Mode::Hybrid => {
            seen(Rule::Environment, Verdict::Pass, "EVERREACH_ENV is hybrid");
            let (side, rule) = match route.preferred_env {
                Preference::Cloud => (Side::Cloud, Rule::Table),
                Preference::Local => (Side::Local, Rule::Table),
                Preference::Auto if conditions.class == ActionClass::Api => (Side::Cloud, Rule::Class),
                Preference::Auto => (Side::Local, Rule::Class),
            };
            Wish { side, rule, fallback: route.fallback_env.filter(|other| *other != side), may_move: true }
        }
    }
}

fn settle(route: &Route, conditions: &Conditions, wish: &Wish, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Decision {
    if wish.side == Side::Local {
        if matches!(wish.rule, Rule::Table | Rule::Class) {
            seen(Rule::Offline, Verdict::Pass, "the cloud is not needed");
            seen(Rule::Budget, Verdict::Pass, "local calls cost nothing");
        }
        grant(route, wish, seen);
        let fallback =
            wish.fallback.filter(|_| !conditions.is_offline && !conditions.is_failed && conditions.budget == BudgetLevel::Open);
        return Decision { fallback, ..Decision::run(Side::Local, wish.rule) };
    }
    if conditions.is_failed || conditions.is_offline {
        return without_cloud(conditions, wish, seen);
    }
    seen(Rule::Offline, Verdict::Pass, "the cloud is reachable, as far as is known");
    match conditions.budget {
        // Insisting on the cloud does not help: the budget is not the caller's to overrule.
        BudgetLevel::Soft | BudgetLevel::Exceeded if conditions.mode == Mode::Hybrid => {
            seen(Rule::Budget, Verdict::Choose, "the soft cap is reached: run here instead");
            return Decision { cost_guard_triggered: true, ..Decision::run(Side::Local, Rule::Budget) };
        }
        BudgetLevel::Exceeded if !route.essential => return out_of_money(seen),
        BudgetLevel::Exceeded => seen(Rule::Budget, Verdict::Pass, "the cap is reached, but the action is essential"),
        BudgetLevel::Soft => seen(Rule::Budget, Verdict::Pass, "the soft cap is reached: only hybrid moves calls for it"),
        BudgetLevel::Open => seen(Rule::Budget, Verdict::Pass, "below the soft cap"),
    }
    grant(route, wish, seen);
    Decision { fallback: wish.fallback, ..Decision::run(Side::Cloud, wish.rule) }
}

fn without_cloud(conditions: &Conditions, wish: &Wish, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) -> Decision {
    let rule = if conditions.is_failed { Rule::Failover } else { Rule::Offline };
    let (moves, stays) = match rule {
        Rule::Failover => ("the cloud has failed: run here instead", "the cloud has failed and the call may not move"),
        _ => ("the cloud is away: run here instead", "the cloud is away and the call may not move"),
    };
    if wish.may_move {
        seen(rule, Verdict::Choose, moves);
        return Decision { is_fallback: true, ..Decision::run(Side::Local, rule) };
    }
    seen(rule, Verdict::Refuse, stays);
    Decision::refuse(ErrorKind::Offline, rule)
}

/// Nothing stood against the wish: its rule settles the matter.
fn grant(route: &Route, wish: &Wish, seen: &mut dyn FnMut(Rule, Verdict, &'static str)) {
    let is_cloud = wish.side == Side::Cloud;
    let why = match (wish.rule, &route.matched) {
        (Rule::ForceEnv, _) if is_cloud => "the caller insists on the cloud",
        (Rule::ForceEnv, _) => "the caller insists on this machine",
        (Rule::Environment, _) if is_cloud => "EVERREACH_ENV is cloud",
        (Rule::Environment, _) => "EVERREACH_ENV is local",
        (Rule::Class, _) if is_cloud => "api work belongs in the cloud",
        (Rule::Class, _) => "compute work belongs here",
        (_, RouteMatch::Exact) => "by the action's own row",
        (_, RouteMatch::Prefix) => "by the service's row",
        (_, RouteMatch::Default) => "no row speaks of the action: it is tried locally",
    };
    if wish.rule == Rule::Class {
        seen(Rule::Table, Verdict::Pass, "the row leaves it to the class");
    }
    seen(wish.rule, Verdict::Choose, why);
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Run(side) => side.fmt(f),
            Self::Queue => f.write_str("queue"),
            Self::Refuse(kind) => write!(f, "refuse: {kind}"),
        }
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
