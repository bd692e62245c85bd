//! Many circuits, one per key, and permits that cannot be lost.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{BreakerConfig, Circuit, CircuitOpen, CircuitState, Ticket, counts};
use crate::{ActionName, Error, SharedClock};

/// A circuit per key: an action, an agent. Cheap to clone; clones share the circuits.
///
/// ```
/// use everreach_core::{ActionName, SystemClock, breaker::{BreakerConfig, CircuitSet}};
/// let circuits = CircuitSet::new(BreakerConfig::actions(), SystemClock::shared());
/// let action: ActionName = "dm.send".parse()?;
/// circuits.permit(&action)?.succeeded();
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub struct CircuitSet<K = ActionName> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    config: BreakerConfig,
    clock: SharedClock,
    /// Only keys that failed at least once are here, so that an unknown name costs no memory.
    circuits: Mutex<HashMap<K, Circuit>>,
}

impl<K: Eq + Hash + Clone> CircuitSet<K> {
    /// A set in which everything is closed.
    #[must_use]
    pub fn new(config: BreakerConfig, clock: SharedClock) -> Self {
        Self { shared: Arc::new(Shared { config, clock, circuits: Mutex::default() }) }
    }

    /// Asks for a try.
    ///
    /// # Errors
    /// [`CircuitOpen`] while the key's circuit rests or another trial is on its way.
    pub fn permit(&self, key: &K) -> Result<Permit<K>, CircuitOpen> {
        let ticket = {
            let mut circuits = self.shared.lock();
            match circuits.get_mut(key) {
                Some(circuit) => circuit.permit(self.shared.clock.monotonic(), &self.shared.config)?,
                None => Circuit::new().permit(self.shared.clock.monotonic(), &self.shared.config)?,
            }
        };
        Ok(Permit { shared: self.shared.clone(), key: key.clone(), ticket: Some(ticket) })
    }

    /// How the key's circuit stands.
    #[must_use]
    pub fn state<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> CircuitState
    where
        K: Borrow<Q>,
    {
        let now = self.shared.clock.monotonic();
        self.shared.lock().get(key).map_or(CircuitState::Closed, |circuit| circuit.state(now, &self.shared.config))
    }

    /// The keys whose circuits are not closed.
    #[must_use]
    pub fn unwell(&self) -> Vec<(K, CircuitState)> {
        let now = self.shared.clock.monotonic();
        let circuits = self.shared.lock();
        let states = circuits.iter().map(|(key, circuit)| (key.clone(), circuit.state(now, &self.shared.config)));
        states.filter(|(_, state)| *state != CircuitState::Closed).collect()
    }
}

impl<K> Clone for CircuitSet<K> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<K> fmt::Debug for CircuitSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitSet").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl<K> Shared<K> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Circuit>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one try. Dropped without a verdict it counts neither way, and a trial's place is free again.
#[must_use = "a permit that is dropped at once says nothing about the try"]
pub struct Permit<K: Eq + Hash + Clone = ActionName> {
    shared: Arc<Shared<K>>,
    key: K,
    ticket: Option<Ticket>,
}

impl<K: Eq + Hash + Clone> Permit<K> {
    /// The try went well.
    pub fn succeeded(mut self) {
        self.settle(|circuit, ticket| circuit.succeeded(ticket));
    }

    /// The try failed in a way that [`counts`].
    pub fn failed(mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let now = self.shared.clock.monotonic();
        let mut circuits = self.shared.lock();
        circuits.entry(self.key.clone()).or_default().failed(ticket, now, &self.shared.config);
    }

    /// The try ended like this: a success, a failure, or an error that does not count.
    pub fn record<T>(self, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.succeeded(),
            Err(error) if counts(error.kind()) => self.failed(),
            Err(_) => drop(self),
        }
    }

    fn settle(&mut self, verdict: impl FnOnce(&mut Circuit, Ticket)) {
        if let Some(ticket) = self.ticket.take()
            && let Some(circuit) = self.shared.lock().get_mut(&self.key)
        {
            verdict(circuit, ticket);
        }
    }
}

impl<K: Eq + Hash + Clone> Drop for Permit<K> {
    fn drop(&mut self) {
        self.settle(|circuit, ticket| circuit.abandoned(ticket));
    }
}

impl<K: Eq + Hash + Clone> fmt::Debug for Permit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("ticket", &self.ticket).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ErrorKind;
    use crate::testing::ManualClock;

    fn set() -> (Arc<ManualClock>, CircuitSet<&'static str>) {
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        (clock.clone(), CircuitSet::new(BreakerConfig::actions(), clock))
    }

    fn fail(circuits: &CircuitSet<&'static str>, times: usize) {
        for _ in 0..times {
            circuits.permit(&"dm.send").expect("closed").failed();
        }
    }

    #[test]
    fn one_action_rests_and_its_neighbour_does_not() {
        let (_, circuits) = set();
        fail(&circuits, 3);
        assert!(circuits.permit(&"dm.send").is_err());
        assert!(circuits.permit(&"dm.stats").is_ok());
        assert_eq!(circuits.unwell(), [("dm.send", CircuitState::Open)]);
    }

    #[test]
    fn a_dropped_trial_permit_does_not_leak() {
        let (clock, circuits) = set();
        fail(&circuits, 3);
        clock.advance(Duration::from_secs(60));
        for _ in 0..3 {
            let trial = circuits.permit(&"dm.send").expect("a trial");
            assert!(circuits.permit(&"dm.send").is_err(), "two trials at once");
            drop(trial);
        }
        circuits.permit(&"dm.send").expect("a trial").succeeded();
        assert_eq!(circuits.state("dm.send"), CircuitState::Closed);
    }

    #[test]
    fn rate_limits_and_cancelled_calls_never_open_it() {
        let (_, circuits) = set();
        for _ in 0..10 {
            let limited: Result<(), _> = Err(Error::new(ErrorKind::RateLimited, "slow down"));
            circuits.permit(&"dm.send").expect("closed").record(&limited);
            drop(circuits.permit(&"dm.send").expect("closed"));
        }
        fail(&circuits, 2);
        assert_eq!(circuits.state("dm.send"), CircuitState::Closed);
    }
}
