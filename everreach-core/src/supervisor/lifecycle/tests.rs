use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop_assert, prop_oneof, proptest};
use serde_json::json;

use super::{Lifecycle, LifecycleConfig, Order, Phase, Wanted};
use crate::breaker::CircuitState;
use crate::supervisor::agent::{AgentDefinition, AgentStatus};
use crate::supervisor::diagnosis::Reason;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn plain() -> Lifecycle {
    agent(json!({"agent_id": "a", "entry_point": "a.py"}))
}

fn probed() -> Lifecycle {
    agent(json!({"agent_id": "a", "entry_point": "a.py", "health_url": "http://localhost:1/health"}))
}

fn agent(definition: serde_json::Value) -> Lifecycle {
    Lifecycle::new(&AgentDefinition::from_json(definition).expect("a definition"))
}

fn running(mut agent: Lifecycle, now: Duration) -> Lifecycle {
    agent.want_running(now);
    assert_eq!(agent.begin(now, &LifecycleConfig::default()), Some(Order::Spawn));
    agent.started(now);
    agent
}

/// Lets an agent run for `life` again and again over an hour; the times of its starts.
fn starts_in_an_hour(mut agent: Lifecycle, life: Duration, reason: Reason) -> Vec<Duration> {
    let config = LifecycleConfig::default();
    let (mut now, mut starts) = (at(0), Vec::new());
    agent.want_running(now);
    while now < at(3_600) {
        agent.tick(now, 0.5, &config);
        if agent.begin(now, &config).is_some() {
            starts.push(now);
            agent.started(now);
            now += life;
            agent.ended(reason, now, 0.5, &config);
            continue;
        }
        match agent.next_look(now, &config) {
            Some(next) => now = next.max(now + Duration::from_millis(1)),
            None => break,
        }
    }
    starts
}

#[test]
fn one_that_dies_at_once_is_started_five_times_in_fifteen_seconds_and_twelve_times_in_an_hour_at_most() {
    let starts = starts_in_an_hour(plain(), Duration::from_millis(10), Reason::ExitCode);
    assert!(starts[4] <= at(15), "{starts:?}");
    assert!(starts[5] >= at(240), "the sixth is a trial: {starts:?}");
    assert!((6..=12).contains(&starts.len()), "{starts:?}");
}

#[test]
fn the_first_restart_comes_within_a_second_and_a_half() {
    let config = LifecycleConfig::default();
    for random in [0.0, 0.5, 1.0] {
        let mut agent = running(plain(), at(0));
        agent.ended(Reason::CrashSignal, at(100), random, &config);
        assert!(agent.is_due(at(101)), "at {random}");
        assert!(!agent.is_due(at(100) + Duration::from_millis(499)), "at {random}");
    }
}

#[test]
fn a_wrong_set_up_is_tried_once_and_then_rests() {
    let starts = starts_in_an_hour(plain(), Duration::from_millis(10), Reason::ConfigError);
    assert!(starts.len() <= 6 && starts[1] >= at(240), "{starts:?}");
}

#[test]
fn a_stop_that_comes_while_it_waits_cancels_the_start() {
    let config = LifecycleConfig::default();
    let mut agent = running(plain(), at(0));
    agent.ended(Reason::ExitCode, at(10), 1.0, &config);
    assert_eq!((agent.want_stopped(), agent.status(at(10))), (None, AgentStatus::Stopped));
    assert_eq!((agent.begin(at(60), &config), agent.next_look(at(60), &config)), (None, None));
}

#[test]
fn a_stop_that_comes_while_it_starts_stops_it_and_it_stays_down() {
    let config = LifecycleConfig::default();
    let mut agent = plain();
    agent.want_running(at(0));
    agent.begin(at(0), &config);
    assert_eq!(agent.want_stopped(), Some(Order::Stop(Reason::Requested)));
    assert_eq!(agent.status(at(1)), AgentStatus::Stopping);
    agent.started(at(1));
    assert_eq!(agent.status(at(1)), AgentStatus::Stopping, "a process that came late does not bring it back");
    agent.ended(Reason::Requested, at(2), 0.5, &config);
    assert_eq!((agent.status(at(2)), agent.is_due(at(999))), (AgentStatus::Stopped, false));
}

#[test]
fn a_request_to_run_that_comes_while_it_stops_is_kept() {
    let config = LifecycleConfig::default();
    let mut agent = running(plain(), at(0));
    agent.want_stopped();
    agent.want_running(at(1));
    agent.ended(Reason::Requested, at(2), 1.0, &config);
    assert!(agent.is_due(at(3)));
}

#[test]
fn a_start_is_proven_by_three_good_probes_in_a_row_or_by_ten_seconds_of_life() {
    let config = LifecycleConfig::default();
    let mut agent = running(probed(), at(0));
    assert_eq!(agent.status(at(0)), AgentStatus::Starting);
    assert_eq!(agent.probed_well(at(1), &config), None);
    agent.ready(at(1));
    agent.probed_badly();
    assert_eq!((agent.probed_well(at(2), &config), agent.probed_well(at(3), &config)), (None, None));
    assert_eq!(agent.probed_well(at(4), &config), Some(Order::Verified(at(4))));
    assert_eq!(agent.probed_well(at(5), &config), None, "once");

    let mut agent = running(plain(), at(0));
    assert_eq!(agent.tick(at(9), 0.5, &config), []);
    assert_eq!(agent.tick(at(10), 0.5, &config), [Order::Verified(at(10))]);
}

#[test]
fn a_start_that_fails_before_it_is_proven_is_told_and_one_after_it_is_not() {
    let config = LifecycleConfig::default();
    let mut agent = running(plain(), at(0));
    assert_eq!(agent.ended(Reason::ExitCode, at(3), 0.5, &config), Some(Order::NotVerified));
    let mut agent = running(plain(), at(0));
    agent.tick(at(10), 0.5, &config);
    assert_eq!(agent.ended(Reason::ExitCode, at(11), 0.5, &config), None);
}

#[test]
fn one_that_never_gets_ready_is_stopped_at_its_deadline_and_started_again() {
    let config = LifecycleConfig::default();
    let mut agent = running(probed(), at(0));
    assert_eq!(agent.next_look(at(0), &config), Some(at(60)));
    assert_eq!(agent.tick(at(60), 0.5, &config), [Order::Stop(Reason::StartTimeout)]);
    agent.ended(Reason::StartTimeout, at(61), 0.5, &config);
    assert_eq!((agent.status(at(61)), agent.circuit().failures()), (AgentStatus::Backoff, 1));
}

#[test]
fn a_supervisor_that_was_away_holds_the_time_against_no_start() {
    let config = LifecycleConfig::default();
    let mut agent = running(probed(), at(0));
    agent.forgive(at(3_600));
    assert_eq!(agent.tick(at(3_659), 0.5, &config), []);
    assert_eq!(agent.tick(at(3_660), 0.5, &config), [Order::Stop(Reason::StartTimeout)]);
}

#[test]
fn bad_health_alone_ends_nothing() {
    let config = LifecycleConfig::default();
    let mut agent = running(probed(), at(0));
    agent.ready(at(1));
    agent.unready();
    assert_eq!(agent.status(at(2)), AgentStatus::Degraded);
    assert_eq!(agent.tick(at(9_999), 0.5, &config), []);
    agent.ready(at(10_000));
    assert_eq!(agent.status(at(10_000)), AgentStatus::Running);
}

#[test]
fn a_good_trial_closes_the_circuit_and_a_trial_that_hangs_opens_it_again() {
    let config = LifecycleConfig::default();
    for is_good in [true, false] {
        let mut agent = running(probed(), at(0));
        for second in 1..=5 {
            agent.ended(Reason::ExitCode, at(second * 100), 0.5, &config);
            let next = agent.next_look(at(second * 100), &config).expect("it waits");
            assert!(agent.begin(next, &config).is_some(), "start after failure {second}");
            agent.started(next);
        }
        let now = at(800);
        assert_eq!(agent.circuit().state(now), CircuitState::HalfOpen);
        if is_good {
            for _ in 0..3 {
                agent.probed_well(now, &config);
            }
            assert_eq!(agent.circuit().state(now), CircuitState::Closed);
        } else {
            let end = agent.next_look(now, &config).expect("a deadline");
            assert_eq!(agent.tick(end, 0.5, &config), [Order::Stop(Reason::StartTimeout)]);
            agent.ended(Reason::StartTimeout, end, 0.5, &config);
            assert_eq!((agent.circuit().state(end), agent.status(end)), (CircuitState::Open, AgentStatus::Open));
        }
    }
}

#[test]
fn one_that_is_well_for_five_minutes_starts_from_the_shortest_wait_again() {
    let config = LifecycleConfig::default();
    let mut agent = running(plain(), at(0));
    agent.ended(Reason::ExitCode, at(5), 0.0, &config);
    agent.begin(at(6), &config);
    agent.started(at(6));
    assert_eq!(agent.circuit().failures(), 1);
    agent.tick(at(306), 0.5, &config);
    assert_eq!(agent.circuit().failures(), 0);
}

#[test]
fn one_that_is_held_waits_for_its_cause_to_pass_and_counts_no_failure() {
    let config = LifecycleConfig::default();
    let mut agent = running(plain(), at(0));
    agent.ended(Reason::DependencyDown, at(5), 0.5, &config);
    assert_eq!((agent.status(at(5)), agent.circuit().failures()), (AgentStatus::Held, 0));
    assert_eq!(agent.begin(at(999), &config), None);
    agent.release(at(1_000));
    assert!(agent.begin(at(1_000), &config).is_some());
}

#[test]
fn a_reset_brings_one_back_that_was_given_up() {
    let mut agent = plain();
    agent.want_running(at(0));
    for second in 1..=5 {
        agent.circuit_mut().failed(at(second), 0.5, &LifecycleConfig::default().circuit);
    }
    assert_eq!(agent.status(at(6)), AgentStatus::Open);
    agent.circuit_reset(at(6));
    assert!(agent.is_due(at(6)));
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Want,
    Stop,
    Restart,
    Begin,
    Started,
    Ended(Reason),
    Ready,
    Unready,
    Probe(bool),
    Reset,
    Hold,
    Release,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let reason = proptest::sample::select(Reason::ALL.to_vec());
    let step = prop_oneof![
        1 => Just(Step::Want),
        1 => Just(Step::Stop),
        1 => Just(Step::Restart),
        3 => Just(Step::Begin),
        3 => Just(Step::Started),
        3 => reason.prop_map(Step::Ended),
        1 => Just(Step::Ready),
        1 => Just(Step::Unready),
        1 => proptest::bool::ANY.prop_map(Step::Probe),
        1 => Just(Step::Reset),
        1 => Just(Step::Hold),
        1 => Just(Step::Release),
        3 => (0_u64..400).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..150)
}

proptest! {
    #[test]
    fn there_is_never_a_second_process_and_never_a_start_after_a_stop(steps in steps(), is_probed in proptest::bool::ANY) {
        let config = LifecycleConfig::default();
        let mut agent = if is_probed { probed() } else { plain() };
        let (mut now, mut processes) = (at(1), 0_i32);
        for step in steps {
            let mut orders = Vec::new();
            match step {
                Step::Want => agent.want_running(now),
                Step::Stop => orders.extend(agent.want_stopped()),
                Step::Restart => orders.extend(agent.restart(Reason::Requested, now)),
                Step::Begin => {
                    let wanted = agent.wanted();
                    let order = agent.begin(now, &config);
                    prop_assert!(order.is_none() || wanted == Wanted::Running);
                    orders.extend(order);
                }
                Step::Started => agent.started(now),
                Step::Ended(reason) if processes > 0 => {
                    processes -= 1;
                    orders.extend(agent.ended(reason, now, 0.5, &config));
                }
                Step::Ended(_) => {}
                Step::Ready => agent.ready(now),
                Step::Unready => agent.unready(),
                Step::Probe(true) => orders.extend(agent.probed_well(now, &config)),
                Step::Probe(false) => agent.probed_badly(),
                Step::Reset => agent.circuit_reset(now),
                Step::Hold => agent.hold(),
                Step::Release => agent.release(now),
                Step::Pass(seconds) => now += at(seconds),
            }
            orders.extend(agent.tick(now, 0.5, &config));
            for order in orders {
                match order {
                    Order::Spawn => processes += 1,
                    Order::Stop(_) => prop_assert!(processes == 1, "a stop without a process"),
                    Order::Verified(_) | Order::NotVerified => {}
                }
            }
            prop_assert!((0..=1).contains(&processes), "{processes} processes");
            let has_process =
                matches!(agent.phase(), Phase::Starting { .. } | Phase::Running { .. } | Phase::Stopping { .. });
            prop_assert!(has_process == (processes == 1), "{:?} with {processes} processes", agent.phase());
            if agent.wanted() == Wanted::Stopped {
                prop_assert!(!agent.is_due(now + at(100_000)));
            }
            // Nothing that is wanted is forgotten: it runs, waits for a time, is held, or has been given up.
            if agent.wanted() == Wanted::Running && processes == 0 {
                let is_kept = agent.next_look(now, &config).is_some()
                    || matches!(agent.status(now), AgentStatus::Held | AgentStatus::Failed | AgentStatus::Stopped);
                prop_assert!(is_kept, "forgotten: {:?}", agent.phase());
            }
        }
    }
}
