//! The decision as a table, and what holds for all of it.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const CLOUD: Option<Side> = Some(Side::Cloud);
const LOCAL: Option<Side> = Some(Side::Local);

fn row(preferred_env: Preference, fallback_env: Option<Side>, effect: Effect) -> Route {
    let mut route = Route::unlisted("dm.stats".parse().expect("a name"));
    route.matched = RouteMatch::Exact;
    (route.preferred_env, route.fallback_env, route.effect) = (preferred_env, fallback_env, effect);
    route
}

/// A read that prefers the cloud and may run here.
fn read() -> Route {
    row(Preference::Cloud, LOCAL, Effect::Read)
}

/// An outward action that prefers the cloud and may run here.
fn outward() -> Route {
    row(Preference::Cloud, LOCAL, Effect::Outward)
}

fn conditions(mode: Mode, force_env: Option<Side>, is_offline: bool, budget: BudgetLevel) -> Conditions {
    Conditions { force_env, is_offline, budget, ..Conditions::new(mode, ActionClass::Api) }
}

/// Where, by which rule, and what may take over.
fn decided(route: &Route, conditions: &Conditions) -> (Target, Rule, Option<Side>) {
    let decision = decide(route, conditions, &mut |_, _, _| {});
    (decision.target, decision.rule, decision.fallback)
}

fn heard(route: &Route, conditions: &Conditions) -> Vec<(Rule, Verdict)> {
    let mut heard = Vec::new();
    let _decision = decide(route, conditions, &mut |rule, verdict, _| heard.push((rule, verdict)));
    heard
}

#[test]
fn every_mode_force_state_of_the_cloud_and_budget_has_its_answer_and_its_rule() {
    use BudgetLevel::{Exceeded, Open, Soft};
    use Mode::{Cloud, Hybrid, Local};
    let run = Target::Run;
    let over = Target::Refuse(ErrorKind::CostCapExceeded);
    let away = Target::Refuse(ErrorKind::Offline);
    let table = [
        // Local: nothing about the cloud matters.
        (Local, None, false, Open, outward(), (run(Side::Local), Rule::Environment, None)),
        (Local, None, true, Exceeded, outward(), (run(Side::Local), Rule::Environment, None)),
        (Local, CLOUD, false, Soft, read(), (run(Side::Cloud), Rule::ForceEnv, None)),
        (Local, CLOUD, false, Exceeded, read(), (over, Rule::Budget, None)),
        (Local, CLOUD, true, Open, read(), (away, Rule::Offline, None)),
        // Cloud: nothing moves; the soft cap only warns.
        (Cloud, None, false, Open, read(), (run(Side::Cloud), Rule::Environment, None)),
        (Cloud, None, false, Soft, read(), (run(Side::Cloud), Rule::Environment, None)),
        (Cloud, None, false, Exceeded, read(), (over, Rule::Budget, None)),
        (Cloud, None, true, Open, read(), (away, Rule::Offline, None)),
        (Cloud, LOCAL, true, Exceeded, outward(), (run(Side::Local), Rule::ForceEnv, None)),
        // Hybrid: by the row, unless the cloud is away or the money short.
        (Hybrid, None, false, Open, read(), (run(Side::Cloud), Rule::Table, LOCAL)),
        (Hybrid, None, false, Open, outward(), (run(Side::Cloud), Rule::Table, LOCAL)),
        (Hybrid, None, true, Open, outward(), (run(Side::Local), Rule::Offline, None)),
        (Hybrid, None, false, Soft, outward(), (run(Side::Local), Rule::Budget, None)),
        (Hybrid, None, false, Exceeded, read(), (run(Side::Local), Rule::Budget, None)),
        (Hybrid, None, true, Exceeded, read(), (run(Side::Local), Rule::Offline, None)),
        // Forced in hybrid: a read may still move for want of the cloud, an outward call may not; the budget is not overruled.
        (Hybrid, CLOUD, false, Open, read(), (run(Side::Cloud), Rule::ForceEnv, LOCAL)),
        (Hybrid, CLOUD, false, Open, outward(), (run(Side::Cloud), Rule::ForceEnv, None)),
        (Hybrid, CLOUD, true, Open, read(), (run(Side::Local), Rule::Offline, None)),
        (Hybrid, CLOUD, true, Open, outward(), (away, Rule::Offline, None)),
        (Hybrid, CLOUD, false, Soft, outward(), (run(Side::Local), Rule::Budget, None)),
        (Hybrid, LOCAL, false, Open, outward(), (run(Side::Local), Rule::ForceEnv, None)),
    ];
    for (mode, force, offline, budget, route, wanted) in table {
        let seen = decided(&route, &conditions(mode, force, offline, budget));
        assert_eq!(seen, wanted, "{mode:?} {force:?} offline {offline} {budget:?} {:?}", route.effect);
    }
}

#[test]
fn once_the_cloud_has_failed_everything_runs_here_by_the_rule_failover() {
    let failed = |force_env| Conditions {
        is_offline: true,
        is_failed: true,
        ..conditions(Mode::Hybrid, force_env, true, BudgetLevel::Exceeded)
    };
    for (route, force) in [(read(), None), (outward(), None), (read(), CLOUD)] {
        let decision = decide(&route, &failed(force), &mut |_, _, _| {});
        assert_eq!((decision.target, decision.rule, decision.fallback), (Target::Run(Side::Local), Rule::Failover, None));
        assert!(decision.is_fallback && !decision.cost_guard_triggered);
    }
    let stays = (Target::Refuse(ErrorKind::Offline), Rule::Failover, None);
    assert_eq!(decided(&outward(), &failed(CLOUD)), stays, "whoever insists on the cloud would rather wait");
    assert_eq!(heard(&read(), &failed(None)).last(), Some(&(Rule::Failover, Verdict::Choose)));
}

#[test]
fn a_row_that_leaves_it_open_goes_by_the_class_of_the_work() {
    let auto = row(Preference::Auto, None, Effect::Read);
    for (class, side) in [(ActionClass::Api, Side::Cloud), (ActionClass::Compute, Side::Local)] {
        assert_eq!(decided(&auto, &Conditions::new(Mode::Hybrid, class)), (Target::Run(side), Rule::Class, None));
    }
}

#[test]
fn a_local_row_falls_back_to_the_cloud_only_while_that_is_reachable_and_paid_for() {
    let here = row(Preference::Local, CLOUD, Effect::Read);
    let fallback = |offline, budget| decided(&here, &conditions(Mode::Hybrid, None, offline, budget)).2;
    assert_eq!(fallback(false, BudgetLevel::Open), CLOUD);
    assert_eq!(fallback(true, BudgetLevel::Open), None);
    assert_eq!(fallback(false, BudgetLevel::Soft), None);
}

#[test]
fn essential_calls_pass_the_cap_where_nothing_can_move() {
    let mut essential = outward();
    essential.essential = true;
    let full = conditions(Mode::Cloud, None, false, BudgetLevel::Exceeded);
    assert_eq!(decided(&essential, &full), (Target::Run(Side::Cloud), Rule::Environment, None));
    let at_home = conditions(Mode::Hybrid, None, false, BudgetLevel::Exceeded);
    assert_eq!(decided(&essential, &at_home), (Target::Run(Side::Local), Rule::Budget, None));
}

#[test]
fn the_cloud_terminal_runs_everything_itself_but_what_only_the_local_machine_can() {
    let mut terminal = conditions(Mode::Cloud, LOCAL, true, BudgetLevel::Open);
    terminal.is_cloud_terminal = true;
    assert_eq!(decided(&outward(), &terminal), (Target::Run(Side::Cloud), Rule::CloudTerminal, None));
    let mut browser = outward();
    browser.requires = LOCAL;
    assert_eq!(decided(&browser, &terminal), (Target::Refuse(ErrorKind::RequiresLocal), Rule::CloudTerminal, None));
    terminal.budget = BudgetLevel::Exceeded;
    assert_eq!(decided(&outward(), &terminal), (Target::Refuse(ErrorKind::CostCapExceeded), Rule::Budget, None));
}

#[test]
fn the_cloud_terminal_queues_what_only_the_local_machine_can_do_under_the_rules_of_every_call() {
    let mut terminal = conditions(Mode::Cloud, CLOUD, false, BudgetLevel::Open);
    (terminal.is_cloud_terminal, terminal.can_queue) = (true, true);
    let mut browser = outward();
    browser.requires = LOCAL;
    assert_eq!(decided(&browser, &terminal), (Target::Queue, Rule::CloudTerminal, None));
    assert_eq!(decided(&outward(), &terminal).0, Target::Run(Side::Cloud));
    terminal.budget = BudgetLevel::Exceeded;
    assert_eq!(decided(&browser, &terminal).0, Target::Refuse(ErrorKind::CostCapExceeded));
    browser.essential = true;
    assert_eq!(decided(&browser, &terminal).0, Target::Queue);
    browser.approval = true;
    assert_eq!(decided(&browser, &terminal).0, Target::Refuse(ErrorKind::ApprovalRequired));
    (terminal.is_approved, terminal.is_stopped) = (true, true);
    assert_eq!(decided(&browser, &terminal).0, Target::Refuse(ErrorKind::Stopped));
    terminal.is_stopped = false;
    assert_eq!(decided(&browser, &terminal).0, Target::Queue);
    terminal.is_cloud_terminal = false;
    assert_eq!(decided(&browser, &terminal).0, Target::Run(Side::Cloud), "only a cloud terminal queues");
}

#[test]
fn approval_is_asked_before_anything_else_but_the_stop_switch() {
    let mut careful = outward();
    careful.approval = true;
    let mut now = conditions(Mode::Hybrid, None, true, BudgetLevel::Exceeded);
    assert_eq!(decided(&careful, &now).0, Target::Refuse(ErrorKind::ApprovalRequired));
    now.is_stopped = true;
    assert_eq!(decided(&careful, &now).0, Target::Refuse(ErrorKind::Stopped));
    (now.is_stopped, now.is_approved) = (false, true);
    assert_eq!(decided(&careful, &now).0, Target::Run(Side::Local));
}

#[test]
fn the_rules_are_heard_in_order_and_the_one_that_settled_it_comes_last() {
    use Rule::{Approval, Budget, Class, Environment, ForceEnv, Offline, StopSwitch, Table};
    use Verdict::{Choose, Pass};
    let open = |force| conditions(Mode::Hybrid, force, false, BudgetLevel::Open);
    let start = [(StopSwitch, Pass), (Approval, Pass)];
    let with = |rest: &[(Rule, Verdict)]| [&start[..], rest].concat();
    let between = [(ForceEnv, Pass), (Environment, Pass), (Offline, Pass), (Budget, Pass)];
    assert_eq!(heard(&read(), &open(None)), with(&[&between[..], &[(Table, Choose)]].concat()));
    let auto = row(Preference::Auto, None, Effect::Read);
    assert_eq!(heard(&auto, &open(None)), with(&[&between[..], &[(Table, Pass), (Class, Choose)]].concat()));
    assert_eq!(heard(&read(), &open(LOCAL)), with(&[(ForceEnv, Choose)]));
    assert_eq!(heard(&read(), &open(CLOUD)), with(&[(Offline, Pass), (Budget, Pass), (ForceEnv, Choose)]));
    let local = Conditions::new(Mode::Local, ActionClass::Api);
    assert_eq!(heard(&read(), &local), with(&[(ForceEnv, Pass), (Environment, Choose)]));
}

prop_compose! {
    fn any_route()(
        preferred_env in select(vec![Preference::Cloud, Preference::Local, Preference::Auto]),
        fallback_env in select(vec![None, LOCAL, CLOUD]),
        effect in select(vec![Effect::Read, Effect::Compute, Effect::Write, Effect::Outward, Effect::Process]),
        requires in select(vec![None, LOCAL]),
        essential: bool,
        approval: bool,
    ) -> Route {
        Route { requires, essential, approval, ..row(preferred_env, fallback_env, effect) }
    }
}

prop_compose! {
    fn any_conditions()(
        mode in select(vec![Mode::Local, Mode::Cloud, Mode::Hybrid]),
        class in select(vec![ActionClass::Api, ActionClass::Compute]),
        force_env in select(vec![None, LOCAL, CLOUD]),
        budget in select(vec![BudgetLevel::Open, BudgetLevel::Soft, BudgetLevel::Exceeded]),
        (is_stopped, is_offline, is_failed, is_cloud_terminal, can_queue, is_approved) in any::<(bool, bool, bool, bool, bool, bool)>(),
    ) -> Conditions {
        let seen = Conditions::new(mode, class);
        Conditions { force_env, is_stopped, is_offline, is_failed, budget, is_cloud_terminal, can_queue, is_approved, ..seen }
    }
}

proptest! {
    #[test]
    fn a_forced_outward_call_never_falls_back(route in any_route(), conditions in any_conditions()) {
        let decision = decide(&route, &conditions, &mut |_, _, _| {});
        if conditions.force_env.is_some() && !route.effect.is_repeatable() {
            prop_assert_eq!(decision.fallback, None);
            prop_assert!(!decision.is_fallback);
        }
    }

    #[test]
    fn the_stop_switch_refuses_everything_but_reads(route in any_route(), conditions in any_conditions()) {
        let decision = decide(&route, &conditions, &mut |_, _, _| {});
        let is_refused = decision.target == Target::Refuse(ErrorKind::Stopped);
        prop_assert_eq!(is_refused, conditions.is_stopped && route.effect != Effect::Read);
    }

    #[test]
    fn at_the_cap_only_essential_calls_reach_the_cloud(route in any_route(), mut conditions in any_conditions()) {
        conditions.budget = BudgetLevel::Exceeded;
        let decision = decide(&route, &conditions, &mut |_, _, _| {});
        let reaches = decision.target == Target::Run(Side::Cloud) || decision.fallback == CLOUD;
        prop_assert!(!reaches || route.essential, "{:?}", decision);
        prop_assert!(!reaches || conditions.mode != Mode::Hybrid || conditions.is_cloud_terminal, "{:?}", decision);
    }

    #[test]
    fn the_last_rule_heard_is_the_one_that_settled_it(route in any_route(), conditions in any_conditions()) {
        let mut heard = Vec::new();
        let decision = decide(&route, &conditions, &mut |rule, verdict, _| heard.push((rule, verdict)));
        let (last, before) = heard.split_last().expect("something is heard");
        prop_assert_eq!(last.0, decision.rule);
        prop_assert_ne!(last.1, Verdict::Pass);
        prop_assert!(before.iter().all(|(_, verdict)| *verdict == Verdict::Pass), "{:?}", heard);
        prop_assert_eq!(last.1 == Verdict::Refuse, matches!(decision.target, Target::Refuse(_)));
    }

    #[test]
    fn nothing_falls_back_to_where_it_was_and_nothing_moves_in_one_sided_modes(
        route in any_route(), conditions in any_conditions()
    ) {
        let decision = decide(&route, &conditions, &mut |_, _, _| {});
        if let (Target::Run(side), Some(other)) = (decision.target, decision.fallback) {
            prop_assert_ne!(side, other);
            prop_assert_eq!(conditions.mode, Mode::Hybrid);
            prop_assert!(!conditions.is_cloud_terminal);
        }
    }
}
