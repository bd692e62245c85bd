use std::time::Duration;

use proptest::prelude::{Just, Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{AgentCircuit, AgentCircuitConfig, Start};
use crate::Timestamp;
use crate::breaker::CircuitState;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn opened(now: Duration) -> AgentCircuit {
    let mut circuit = AgentCircuit::default();
    for _ in 0..5 {
        circuit.failed(now, 0.5, &AgentCircuitConfig::default());
    }
    circuit
}

/// An agent that dies each time after living this long, restarted after `pause`; when its circuit opened.
fn dies_every(life: u64, pause: u64, starts: u32) -> Option<u32> {
    let config = AgentCircuitConfig::default();
    let (mut circuit, mut now) = (AgentCircuit::default(), at(0));
    for number in 1..=starts {
        circuit.started(now, at(90));
        if life >= 300 {
            circuit.stable();
        }
        now += at(life);
        circuit.failed(now, 0.5, &config);
        if circuit.state(now) == CircuitState::Open {
            return Some(number);
        }
        now += at(pause);
    }
    None
}

#[test]
fn it_opens_at_the_fifth_failure_in_a_row() {
    let config = AgentCircuitConfig::default();
    let mut circuit = AgentCircuit::default();
    for number in 1..=5 {
        assert_eq!(circuit.state(at(number)), CircuitState::Closed, "before failure {number}");
        circuit.failed(at(number), 0.5, &config);
    }
    assert_eq!((circuit.state(at(5)), circuit.failures()), (CircuitState::Open, 5));
}

#[test]
fn an_agent_that_lives_four_minutes_each_time_opens_it_at_the_fifth_end() {
    assert_eq!(dies_every(240, 1, 20), Some(5));
}

#[test]
fn an_agent_that_lives_six_minutes_each_time_opens_it_at_the_ninth_end_within_the_hour() {
    assert_eq!(dies_every(360, 1, 20), Some(9));
}

#[test]
fn an_agent_that_lives_an_hour_each_time_never_opens_it() {
    assert_eq!(dies_every(3_600, 1, 200), None);
}

#[test]
fn exactly_one_trial_is_let_through_and_its_success_closes() {
    let mut circuit = opened(at(0));
    assert_eq!(circuit.may_start(at(299)), Start::NotBefore(at(300)));
    assert_eq!(circuit.may_start(at(300)), Start::Trial);
    circuit.started(at(300), at(90));
    assert_eq!(circuit.state(at(300)), CircuitState::HalfOpen);
    assert_eq!(circuit.may_start(at(301)), Start::NotBefore(at(390)), "a second trial");
    circuit.succeeded();
    assert_eq!((circuit.state(at(310)), circuit.failures()), (CircuitState::Closed, 0));
}

#[test]
fn each_trial_that_fails_doubles_the_rest_up_to_its_longest_and_at_last_a_person_is_needed() {
    let config = AgentCircuitConfig::default();
    let (mut circuit, mut now, mut rests) = (opened(at(0)), at(0), Vec::new());
    while let Some(next) = circuit.next_trial() {
        rests.push((next - now).as_secs());
        now = next;
        circuit.started(now, at(90));
        circuit.failed(now, 0.5, &config);
    }
    assert_eq!(rests, [300, 600, 900, 900, 900, 900]);
    assert_eq!((circuit.may_start(now + at(86_400)), circuit.state(now)), (Start::Never, CircuitState::Open));
    circuit.reset();
    assert_eq!(circuit.may_start(now), Start::Freely);
}

#[test]
fn a_trial_without_a_verdict_has_failed_at_its_end() {
    let config = AgentCircuitConfig::default();
    let mut circuit = opened(at(0));
    circuit.started(at(300), at(90));
    assert!(!circuit.tick(at(389), 0.5, &config));
    assert!(circuit.tick(at(390), 0.5, &config));
    assert_eq!(circuit.may_start(at(390)), Start::NotBefore(at(990)));
}

#[test]
fn after_a_good_trial_the_next_rest_stays_long_until_it_was_stable() {
    let config = AgentCircuitConfig::default();
    let mut circuit = opened(at(0));
    circuit.started(at(300), at(90));
    circuit.succeeded();
    let mut relapsed = circuit.clone();
    relapsed.trip(at(400), 0.5, &config);
    assert_eq!(relapsed.next_trial(), Some(at(1_000)));
    circuit.stable();
    circuit.trip(at(700), 0.5, &config);
    assert_eq!(circuit.next_trial(), Some(at(1_000)));
}

#[test]
fn what_is_written_down_reads_back_and_forgives_no_loop() {
    let config = AgentCircuitConfig::default();
    let wall: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    let circuit = opened(at(1_000));
    let stored = circuit.store(at(1_100), wall);
    assert_eq!(stored.next_try_at, Some(wall + at(200)));
    // The next process counts from its own beginning.
    let restored = AgentCircuit::restore(&stored, at(3), wall + at(50), &config);
    assert_eq!((restored.failures(), restored.may_start(at(3))), (5, Start::NotBefore(at(153))));
    let set_back = AgentCircuit::restore(&stored, at(3), wall - at(86_400), &config);
    let longest = at(3 + 1_080);
    assert!(matches!(set_back.may_start(at(3)), Start::NotBefore(until) if until <= longest));
}

#[test]
fn a_trial_that_was_on_when_the_process_ended_is_made_again() {
    let config = AgentCircuitConfig::default();
    let wall: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    let mut circuit = opened(at(0));
    circuit.started(at(300), at(90));
    let restored = AgentCircuit::restore(&circuit.store(at(310), wall), at(0), wall, &config);
    assert_eq!(restored.may_start(at(0)), Start::Trial);
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Start,
    Fail(f64),
    Trip(f64),
    Succeed,
    Stable,
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(Step::Start),
        (0.0..=1.0).prop_map(Step::Fail),
        (0.0..=1.0).prop_map(Step::Trip),
        Just(Step::Succeed),
        Just(Step::Stable),
        (0_u64..1_200).prop_map(Step::Pass),
    ];
    proptest::collection::vec(step, 0..120)
}

proptest! {
    #[test]
    fn whatever_happens_no_rest_is_out_of_bounds_and_none_lasts_for_ever(steps in steps()) {
        let config = AgentCircuitConfig::default();
        let (mut circuit, mut now, mut trials) = (AgentCircuit::default(), at(1), 0_u32);
        for step in steps {
            let before = circuit.state(now);
            match step {
                Step::Start => {
                    let may = circuit.may_start(now);
                    circuit.started(now, at(90));
                    trials += u32::from(may == Start::Trial);
                }
                Step::Fail(random) => circuit.failed(now, random, &config),
                Step::Trip(random) => circuit.trip(now, random, &config),
                Step::Succeed => circuit.succeeded(),
                Step::Stable => circuit.stable(),
                Step::Pass(seconds) => {
                    now += at(seconds);
                    circuit.tick(now, 0.5, &config);
                }
            }
            if before == CircuitState::Closed && circuit.state(now) != CircuitState::Closed {
                trials = 0;
            }
            prop_assert!(circuit.failures() < config.threshold || circuit.state(now) != CircuitState::Closed);
            if let Some(until) = circuit.next_trial() {
                prop_assert!(until <= now + Duration::from_secs(1_080));
            }
            prop_assert!(trials <= config.most_rests + 1, "{trials} trials without a success");
        }
        if !circuit.is_exhausted() {
            circuit.tick(now + at(90), 0.5, &config);
            let later = now + at(90) + at(1_080);
            prop_assert!(matches!(circuit.may_start(later), Start::Freely | Start::Trial | Start::Never));
        }
        let wall: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let stored = circuit.store(now, wall);
        let restored = AgentCircuit::restore(&stored, now, wall, &config);
        prop_assert_eq!(restored.failures(), circuit.failures());
        prop_assert_eq!(restored.state(now), circuit.state(now));
    }
}
