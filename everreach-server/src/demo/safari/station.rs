//! One service of the double: what it remembers and how it is to behave, beyond the life of its process.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use everreach_core::safari::{ActiveHours, Service};
use everreach_core::{Result, SharedClock, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::config::{Hours, OwnLimits};
use super::effect::Effect;
use super::memory::Memory;
use super::press::PressLog;
use super::process::Process;
use super::scenario::Scenario;
use super::tabs::TabBoard;

/// What the services of one double share: one Mac, one log.
#[derive(Debug)]
pub(super) struct Mac {
    pub(super) clock: SharedClock,
    pub(super) hours: Hours,
    pub(super) limits: OwnLimits,
    pub(super) tokens: BTreeMap<Service, String>,
    pub(super) log: PressLog,
    pub(super) tabs: Mutex<TabBoard>,
    pub(super) processes: OnceLock<Vec<Weak<Process>>>,
    pub(super) busy: AtomicUsize,
    pub(super) busiest: AtomicUsize,
}

impl Mac {
    pub(super) fn tabs(&self) -> MutexGuard<'_, TabBoard> {
        self.tabs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a service behaves now.
#[derive(Debug)]
struct Behaviour {
    scenario: Scenario,
    effect: Effect,
    dice: StdRng,
    left: Option<u32>,
}

/// What one action meets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Drawn {
    pub(super) effect: Effect,
    pub(super) delay: Duration,
    pub(super) linger: Duration,
}

/// One service.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) service: Service,
    pub(super) mac: std::sync::Arc<Mac>,
    port: AtomicU16,
    memory: Mutex<Memory>,
    behaviour: Mutex<Behaviour>,
}

impl Station {
    pub(super) fn new(service: Service, mac: std::sync::Arc<Mac>) -> Self {
        let memory = Mutex::new(Memory::new(service, mac.clock.now()));
        let behaviour = Behaviour { scenario: Scenario::ok(), effect: Effect::Works, dice: StdRng::seed_from_u64(0), left: None };
        Self { service, mac, port: AtomicU16::new(0), memory, behaviour: Mutex::new(behaviour) }
    }

    pub(super) fn name(&self) -> &'static str {
        self.service.as_str()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.mac.clock.now()
    }

    pub(super) fn port(&self) -> u16 {
        self.port.load(Ordering::SeqCst)
    }

    pub(super) fn listens_on(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behaviour(&self) -> MutexGuard<'_, Behaviour> {
        self.behaviour.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether its hours allow sending now.
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.is_within(self.service.profile().active_hours.unwrap_or(ActiveHours::ALWAYS), now)
    }

    pub(super) fn is_within(&self, hours: ActiveHours, now: Timestamp) -> bool {
        match self.mac.hours {
            Hours::Kept(zone) => hours.contains(now, zone),
            Hours::Ignored => true,
        }
    }

    pub(super) fn keeps_limits(&self) -> bool {
        self.mac.limits == OwnLimits::Kept
    }

    pub(super) fn set(&self, scenario: Scenario) -> Result<Effect> {
        let effect = scenario.row(self.service)?.effect;
        let (dice, left) = (StdRng::seed_from_u64(scenario.seed), scenario.times);
        *self.behaviour() = Behaviour { scenario, effect, dice, left };
        Ok(effect)
    }

    pub(super) fn scenario(&self) -> Scenario {
        self.behaviour().scenario.clone()
    }

    /// What stands outside of any action: at the door, on `/health`, in the status.
    pub(super) fn standing(&self) -> Effect {
        self.behaviour().effect
    }

    /// What the next action meets.
    pub(super) fn draw(&self) -> Drawn {
        let mut behaviour = self.behaviour();
        let rate = behaviour.scenario.rate;
        let is_hit = rate >= 1.0 || behaviour.dice.random_bool(rate);
        let effect = match behaviour.left {
            Some(0) => Effect::Works,
            _ if !is_hit => Effect::Works,
            left => {
                behaviour.left = left.map(|left| left.saturating_sub(1));
                behaviour.effect
            }
        };
        Drawn { effect, delay: behaviour.scenario.delay, linger: behaviour.scenario.linger }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use everreach_core::SystemClock;

    use super::*;

    pub(in super::super) fn station(service: Service) -> Station {
        let mac = Mac {
            clock: SystemClock::shared(),
            hours: Hours::Ignored,
            limits: OwnLimits::Kept,
            tokens: super::super::DoubleConfig::default().tokens,
            log: PressLog::open(None).expect("a log"),
            tabs: Mutex::default(),
            processes: OnceLock::new(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        };
        Station::new(service, Arc::new(mac))
    }

    #[test]
    fn a_scenario_for_two_actions_ends_after_two() {
        let station = station(Service::TwitterDm);
        station.set("reset,times=2".parse().expect("a scenario")).expect("it knows it");
        let effects: Vec<_> = (0..3).map(|_| station.draw().effect == Effect::Works).collect();
        assert_eq!(effects, [false, false, true]);
    }

    #[test]
    fn the_same_seed_draws_the_same_lots() {
        let lots = |seed: u64| {
            let station = station(Service::TwitterDm);
            station.set(format!("reset,fail_rate=0.5,seed={seed}").parse().expect("a scenario")).expect("it knows it");
            (0..64).map(|_| station.draw().effect == Effect::Works).collect::<Vec<_>>()
        };
        assert_eq!(lots(1), lots(1));
        assert_ne!(lots(1), lots(2));
        assert!(lots(1).contains(&true) && lots(1).contains(&false));
    }
}
