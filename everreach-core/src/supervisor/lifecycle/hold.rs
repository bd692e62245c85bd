//! Holding starts back for a cause that several agents share, instead of storming.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::supervisor::agent::AgentId;

/// When several failures are one, and how their cause is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HoldConfig {
    /// So many agents that fail for want of the same peer are held together.
    pub agents: usize,
    /// Within this time.
    pub within: Duration,
    /// How long a cause is left alone before one of the held is tried, and between two tries.
    pub try_every: Duration,
}

impl Default for HoldConfig {
    fn default() -> Self {
        Self { agents: 3, within: Duration::from_secs(60), try_every: Duration::from_secs(30) }
    }
}

/// What keeps agents from being started.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum HoldCause {
    /// They need this, and it does not answer.
    Dependency(String),
    /// The machine has no room.
    Host,
}

impl fmt::Display for HoldCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dependency(peer) => write!(f, "{peer} does not answer"),
            Self::Host => f.write_str("the machine has no room"),
        }
    }
}

/// Which agents are held, and for what. One of them is tried from time to time; when it proves itself the others follow.
///
/// ```
/// use everreach_core::supervisor::{Hold, HoldCause, HoldConfig};
/// use std::time::Duration;
/// let (config, now) = (HoldConfig::default(), Duration::from_secs(100));
/// let mut hold = Hold::default();
/// assert_eq!(hold.failed(&"a".parse()?, "db:5432", now, &config), None);
/// assert_eq!(hold.failed(&"b".parse()?, "db:5432", now, &config), None);
/// let cause = hold.failed(&"c".parse()?, "db:5432", now, &config);
/// assert_eq!(cause, Some(HoldCause::Dependency("db:5432".to_owned())));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Hold {
    /// Who failed lately for want of what.
    recent: VecDeque<(Duration, AgentId, String)>,
    causes: BTreeMap<HoldCause, Held>,
    /// Whether the machine itself says that it has no room.
    has_pressure: bool,
}

#[derive(Debug, Clone, Default)]
struct Held {
    agents: BTreeSet<AgentId>,
    /// The one that is tried.
    on_trial: Option<AgentId>,
    next_try: Duration,
}

impl Hold {
    /// An agent failed for want of a peer. Answers with the cause when it is not its own any more: enough others failed for the same, or
    /// they are held already. Whoever is told a cause calls [`Hold::hold`].
    pub fn failed(&mut self, agent: &AgentId, peer: &str, now: Duration, config: &HoldConfig) -> Option<HoldCause> {
        while self.recent.front().is_some_and(|(at, ..)| now.saturating_sub(*at) > config.within) {
            self.recent.pop_front();
        }
        self.recent.retain(|(_, other, _)| other != agent);
        self.recent.push_back((now, agent.clone(), peer.to_owned()));
        let cause = HoldCause::Dependency(peer.to_owned());
        let alike = self.recent.iter().filter(|(.., other)| other == peer).count();
        (alike >= config.agents.max(1) || self.causes.contains_key(&cause)).then_some(cause)
    }

    /// Holds an agent for a cause. Says whether the cause is new.
    pub fn hold(&mut self, agent: AgentId, cause: HoldCause, now: Duration, config: &HoldConfig) -> bool {
        let is_new = !self.causes.contains_key(&cause);
        let held = self.causes.entry(cause).or_default();
        if is_new || held.on_trial.as_ref() == Some(&agent) {
            held.on_trial = None;
            held.next_try = now + config.try_every;
        }
        held.agents.insert(agent);
        is_new
    }

    /// Takes in whether the machine says that it has no room. While it does nothing is started.
    pub const fn pressure(&mut self, is_there: bool) {
        self.has_pressure = is_there;
    }

    /// Whether nothing at all is to be started.
    #[must_use]
    pub const fn has_pressure(&self) -> bool {
        self.has_pressure
    }

    /// The agents of which one is to be tried now, each of another cause.
    pub fn due(&mut self, now: Duration, config: &HoldConfig) -> Vec<AgentId> {
        if self.has_pressure {
            return Vec::new();
        }
        let mut due = Vec::new();
        for held in self.causes.values_mut().filter(|held| now >= held.next_try) {
            // One that never came to a verdict is tried again, or another in its place.
            let next = held.agents.iter().find(|agent| Some(*agent) > held.on_trial.as_ref()).or_else(|| held.agents.first());
            if let Some(agent) = next.cloned() {
                held.on_trial = Some(agent.clone());
                held.next_try = now + config.try_every;
                due.push(agent);
            }
        }
        due
    }

    /// When [`Hold::due`] has an answer next.
    #[must_use]
    pub fn next_look(&self) -> Option<Duration> {
        self.causes.values().map(|held| held.next_try).min()
    }

    /// An agent proved itself: what it was held for is over. Answers with that cause, and with those that may follow.
    pub fn proven(&mut self, agent: &AgentId) -> Option<(HoldCause, Vec<AgentId>)> {
        let cause = self.causes.iter().find(|(_, held)| held.agents.contains(agent)).map(|(cause, _)| cause.clone())?;
        let held = self.causes.remove(&cause)?;
        if let HoldCause::Dependency(peer) = &cause {
            self.recent.retain(|(.., other)| other != peer);
        }
        Some((cause, held.agents.into_iter().filter(|other| other != agent).collect()))
    }

    /// An agent is of no interest any more: somebody stopped it, or it failed for another reason.
    pub fn forget(&mut self, agent: &AgentId) {
        self.recent.retain(|(_, other, _)| other != agent);
        self.causes.retain(|_, held| {
            held.agents.remove(agent);
            if held.on_trial.as_ref() == Some(agent) {
                held.on_trial = None;
            }
            !held.agents.is_empty()
        });
    }

    /// What this agent is held for.
    #[must_use]
    pub fn cause_of(&self, agent: &AgentId) -> Option<&HoldCause> {
        self.causes.iter().find(|(_, held)| held.agents.contains(agent)).map(|(cause, _)| cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn id(text: &str) -> AgentId {
        text.parse().expect("an id")
    }

    fn five_held(config: &HoldConfig) -> Hold {
        let mut hold = Hold::default();
        for name in ["a", "b", "c", "d", "e"] {
            if let Some(cause) = hold.failed(&id(name), "db:5432", at(10), config) {
                hold.hold(id(name), cause, at(10), config);
            }
        }
        hold
    }

    #[test]
    fn the_third_that_fails_for_the_same_is_held_and_those_after_it_too() {
        let hold = five_held(&HoldConfig::default());
        let held: Vec<_> = ["a", "b", "c", "d", "e"].map(id).into_iter().filter(|agent| hold.cause_of(agent).is_some()).collect();
        assert_eq!(held, ["c", "d", "e"].map(id));
    }

    #[test]
    fn one_agent_that_fails_again_and_again_is_no_group() {
        let (config, mut hold) = (HoldConfig::default(), Hold::default());
        for second in 0..20 {
            assert_eq!(hold.failed(&id("a"), "db:5432", at(second), &config), None);
        }
        assert_eq!(hold.failed(&id("b"), "crm:3000", at(20), &config), None);
        assert_eq!(hold.failed(&id("c"), "db:5432", at(20), &config), None);
    }

    #[test]
    fn one_is_tried_every_half_minute_and_when_it_proves_itself_the_others_follow() {
        let config = HoldConfig::default();
        let mut hold = five_held(&config);
        assert!(hold.due(at(39), &config).is_empty());
        assert_eq!(hold.due(at(40), &config), [id("c")]);
        assert!(hold.due(at(41), &config).is_empty(), "one at a time");
        let again = hold.failed(&id("c"), "db:5432", at(45), &config).expect("still away");
        assert!(!hold.hold(id("c"), again, at(45), &config), "no new cause");
        assert_eq!(hold.due(at(75), &config), [id("c")]);
        assert_eq!(hold.due(at(105), &config), [id("d")], "one without a verdict keeps nobody waiting");
        let (cause, others) = hold.proven(&id("d")).expect("it was held");
        assert_eq!((cause.to_string().as_str(), others), ("db:5432 does not answer", vec![id("c"), id("e")]));
        assert_eq!(hold.next_look(), None);
    }

    #[test]
    fn while_the_machine_has_no_room_nobody_is_tried() {
        let config = HoldConfig::default();
        let mut hold = Hold::default();
        assert!(hold.hold(id("a"), HoldCause::Host, at(0), &config));
        hold.pressure(true);
        assert!(hold.due(at(600), &config).is_empty());
        hold.pressure(false);
        assert_eq!(hold.due(at(601), &config), [id("a")]);
    }

    #[test]
    fn the_last_that_is_stopped_by_hand_ends_the_cause() {
        let mut hold = five_held(&HoldConfig::default());
        for name in ["c", "d", "e"] {
            hold.forget(&id(name));
        }
        assert_eq!((hold.next_look(), hold.cause_of(&id("c"))), (None, None));
    }
}
