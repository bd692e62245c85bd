use std::collections::HashMap;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Candidate, Exclusion, TaskRequest, choose};
use crate::breaker::CircuitState;
use crate::supervisor::agent::AgentStatus;
use crate::{Error, ErrorKind};

fn candidate(id: &str) -> Candidate {
    Candidate::new(id.parse().expect("an id"), ["content.generate".parse().expect("a capability")])
}

fn task() -> TaskRequest {
    TaskRequest::new("content.generate".parse().expect("a capability"))
}

#[test]
fn content_generate_goes_to_the_content_agent() {
    let able =
        |id: &str, capability: &str| Candidate::new(id.parse().expect("an id"), [capability.parse().expect("a capability")]);
    let all = [able("orchestrator", "orchestrator.plan"), able("content-agent", "content.generate")];
    assert_eq!(choose(&task(), &all, [0.9, 0.9]).expect("it can").agent_id.as_str(), "content-agent");
}

#[test]
fn when_nobody_is_free_the_answer_says_of_each_why() {
    let mut all = ["a", "b", "c", "d", "e", "f"].map(candidate);
    all[0].status = AgentStatus::Stopped;
    all[1].is_ready = false;
    (all[2].status, all[2].circuit) = (AgentStatus::Open, CircuitState::Open);
    (all[3].in_flight, all[3].max_in_flight) = (2, 2);
    all[4].status = AgentStatus::Backoff;
    all[5].circuit = CircuitState::HalfOpen;
    let none = choose(&task(), &all, [0.0, 0.0]).expect_err("nobody");
    let reasons: Vec<_> = none.excluded.iter().map(|excluded| excluded.reason).collect();
    assert_eq!(
        reasons,
        [
            Exclusion::NotRunning,
            Exclusion::NotReady,
            Exclusion::CircuitOpen,
            Exclusion::Busy,
            Exclusion::ComesUp,
            Exclusion::OnTrial
        ]
    );
    let error = Error::from(none);
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("a not_running, b not_ready, c circuit_open"), "{error}");
}

#[test]
fn a_capability_that_nobody_has_is_not_found() {
    let unknown = TaskRequest::new("coffee.make".parse().expect("a capability"));
    let none = choose(&unknown, &[candidate("a")], [0.0, 0.0]).expect_err("nobody");
    assert_eq!(Error::from(none).kind(), ErrorKind::NotFound);
}

#[test]
fn the_burdened_and_the_sickly_of_two_give_way() {
    let (mut busy, free) = (candidate("a"), candidate("b"));
    busy.in_flight = 5;
    assert_eq!(choose(&task(), &[busy, free.clone()], [0.0, 0.0]).expect("one").agent_id.as_str(), "b");
    let mut sickly = candidate("a");
    sickly.score = Some(50);
    assert_eq!(choose(&task(), &[sickly, free], [0.0, 0.0]).expect("one").agent_id.as_str(), "b");
}

#[test]
fn tasks_with_one_key_stay_together_and_only_those_of_a_lost_agent_move() {
    let all: Vec<_> = ["a", "b", "c", "d"].map(candidate).into();
    let key = |number: u32| task().with_sticky(format!("lead-{number}"));
    let place = |number, all: &[Candidate]| choose(&key(number), all, [0.0, 0.0]).expect("one").agent_id;
    let before: HashMap<_, _> = (0..200).map(|number| (number, place(number, &all))).collect();
    let without: Vec<_> = all.iter().filter(|candidate| candidate.agent_id.as_str() != "b").cloned().collect();
    for (number, agent) in before {
        assert_eq!(place(number, &all), agent);
        assert!(agent.as_str() == "b" || place(number, &without) == agent, "lead-{number} moved for nothing");
    }
}

proptest! {
    #[test]
    fn whoever_is_chosen_can_and_is_free(
        facts in proptest::collection::vec((0_usize..11, proptest::bool::ANY, 0_u32..4, 0_u8..=100, proptest::bool::ANY), 0..12),
        random in [0.0..=1.0_f64, 0.0..=1.0_f64], is_sticky in proptest::bool::ANY,
    ) {
        let make = |(index, (status, is_ready, in_flight, score, can)): (usize, (usize, bool, u32, u8, bool))| {
            let mut candidate = candidate(&format!("agent-{index}"));
            candidate.status = AgentStatus::ALL[status];
            (candidate.is_ready, candidate.in_flight, candidate.max_in_flight) = (is_ready, in_flight, 3);
            candidate.score = Some(score);
            if !can {
                candidate.capabilities.clear();
            }
            candidate
        };
        let all: Vec<_> = facts.into_iter().enumerate().map(make).collect();
        let task = if is_sticky { task().with_sticky("k") } else { task() };
        let able = all.iter().filter(|candidate| !candidate.capabilities.is_empty()).count();
        match choose(&task, &all, random) {
            Ok(chosen) => {
                let found = all.iter().find(|candidate| candidate.agent_id == chosen.agent_id).expect("one of them");
                prop_assert!(found.exclusion().is_none() && !found.capabilities.is_empty());
            }
            Err(none) => prop_assert_eq!(none.excluded.len(), able),
        }
    }
}
