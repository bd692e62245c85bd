//! Connectivity: whether the cloud can be used, as data that readings move.

use std::time::Duration;

use super::{FailoverConfig, Reading};

/// A change of the verdict: what alerts and events are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edge {
    /// Calls are kept away from it from now on: `OFFLINE_MODE`.
    WentOffline,
    /// It has been away so long that its work is taken over, where that is safe: `CLOUD_FAILED`.
    Failed,
    /// It counts as reachable again, and had only been offline.
    CameOnline,
    /// It counts as reachable again, and had failed.
    Recovered,
}

/// How the cloud stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum Reachability {
    /// It can be used.
    Online,
    /// Calls are kept away from it.
    Offline,
    /// It has been away for so long that it counts as failed.
    Failed,
}

/// Whether the cloud can be used. Starts online; only readings move it, and an operator's word is absolute.
///
/// Two thresholds: [`FailoverConfig::failures`] looks in a row that did not find it make it offline, and when they also span
/// [`FailoverConfig::failed_after`] it has failed. [`FailoverConfig::successes`] good ones bring it back from either. A look taken while this
/// machine's own network is down says nothing about the cloud: it makes it offline, since it cannot be used, and never failed.
///
/// ```
/// use everreach_core::failover::{Connectivity, Edge, FailoverConfig, ProbeFailure, Reading};
/// use std::time::Duration;
/// let mut cloud = Connectivity::new(&FailoverConfig::default());
/// let bad = Reading::Bad(ProbeFailure::Timeout);
/// let mut edges = Vec::new();
/// for second in [0, 30, 60, 90, 120] {
///     edges.push(cloud.observe(bad, Duration::from_secs(second)));
/// }
/// assert_eq!(edges, [None, None, Some(Edge::WentOffline), None, Some(Edge::Failed)]);
/// ```
#[derive(Debug, Clone)]
pub struct Connectivity {
    failures: u32,
    successes: u32,
    failed_after: Duration,
    reachability: Reachability,
    is_forced_offline: bool,
    /// Looks that did not find it, whoever was to blame.
    missed: Run,
    /// Those among them that are the cloud's.
    bad: Run,
    good: Run,
}

/// Readings of one kind in a row.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    count: u32,
    since: Duration,
}

impl Run {
    fn add(&mut self, at: Duration) {
        if self.count == 0 {
            self.since = at;
        }
        self.count = self.count.saturating_add(1);
    }

    const fn end(&mut self) {
        self.count = 0;
    }

    fn lasts(&self, at: Duration) -> Duration {
        if self.count == 0 { Duration::ZERO } else { at.saturating_sub(self.since) }
    }
}

impl Connectivity {
    /// Online until readings say otherwise.
    #[must_use]
    pub const fn new(config: &FailoverConfig) -> Self {
        let none = Run { count: 0, since: Duration::ZERO };
        Self {
            failures: config.failures,
            successes: config.successes,
            failed_after: config.failed_after,
            reachability: Reachability::Online,
            is_forced_offline: false,
            missed: none,
            bad: none,
            good: none,
        }
    }

    /// How it stands; an operator's word counts as offline, never as failed.
    #[must_use]
    pub fn reachability(&self) -> Reachability {
        if self.is_forced_offline && self.reachability == Reachability::Online {
            Reachability::Offline
        } else {
            self.reachability
        }
    }

    /// Whether calls may go there.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.reachability() == Reachability::Online
    }

    /// Whether good looks have established that it can be used; at the start that is only assumed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.is_online() && self.good.count >= self.successes
    }

    /// Whether an operator set it offline; nobody should probe then.
    #[must_use]
    pub const fn is_forced_offline(&self) -> bool {
        self.is_forced_offline
    }

    /// Looks in a row until now that did not find it.
    #[must_use]
    pub const fn failures_in_a_row(&self) -> u32 {
        self.missed.count
    }

    /// For how long it has answered well without a break, at this monotonic time.
    #[must_use]
    pub fn good_for(&self, at: Duration) -> Duration {
        self.good.lasts(at)
    }

    /// Takes in one reading, made at this monotonic time; says so when it changed the verdict.
    pub fn observe(&mut self, reading: Reading, at: Duration) -> Option<Edge> {
        match reading {
            _ if self.is_forced_offline => None,
            Reading::Good => {
                self.missed.end();
                self.bad.end();
                self.good.add(at);
                if self.good.count < self.successes {
                    return None;
                }
                match self.reachability {
                    Reachability::Online => None,
                    Reachability::Offline => Some(self.turn(Reachability::Online, Edge::CameOnline)),
                    Reachability::Failed => Some(self.turn(Reachability::Online, Edge::Recovered)),
                }
            }
            Reading::Bad(_) => {
                self.bad.add(at);
                self.miss(at)
            }
            Reading::OwnNetworkDown => {
                // What was seen before an outage of one's own is too old to be counted after it.
                self.bad.end();
                self.miss(at)
            }
        }
    }

    fn miss(&mut self, at: Duration) -> Option<Edge> {
        self.good.end();
        self.missed.add(at);
        let has_failed = self.bad.count >= self.failures && self.bad.lasts(at) >= self.failed_after;
        match self.reachability {
            Reachability::Failed => None,
            _ if has_failed => Some(self.turn(Reachability::Failed, Edge::Failed)),
            Reachability::Online if self.missed.count >= self.failures => {
                Some(self.turn(Reachability::Offline, Edge::WentOffline))
            }
            Reachability::Online | Reachability::Offline => None,
        }
    }

    /// Sets it offline, whatever readings say, until [`Connectivity::release`].
    pub fn force_offline(&mut self) -> Option<Edge> {
        let was_online = self.is_online();
        self.is_forced_offline = true;
        self.missed.end();
        self.bad.end();
        self.good.end();
        was_online.then_some(Edge::WentOffline)
    }

    /// Takes an operator's word back; what the readings said before holds again.
    pub fn release(&mut self) -> Option<Edge> {
        let was_online = self.is_online();
        self.is_forced_offline = false;
        (!was_online && self.is_online()).then_some(Edge::CameOnline)
    }

    const fn turn(&mut self, reachability: Reachability, edge: Edge) -> Edge {
        self.reachability = reachability;
        edge
    }
}

#[cfg(test)]
mod tests {
    use super::super::ProbeFailure;
    use super::*;

    const BAD: Reading = Reading::Bad(ProbeFailure::Unreachable);

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn failed() -> Connectivity {
        let mut cloud = Connectivity::new(&FailoverConfig::default());
        for second in [0, 60, 120] {
            let _edge = cloud.observe(BAD, at(second));
        }
        assert_eq!(cloud.reachability(), Reachability::Failed);
        cloud
    }

    #[test]
    fn a_good_reading_between_failures_starts_the_count_again() {
        let mut cloud = Connectivity::new(&FailoverConfig::default());
        for round in 0..5 {
            let readings = [BAD, BAD, Reading::Good].map(|reading| cloud.observe(reading, at(round * 90)));
            assert_eq!(readings, [None; 3]);
        }
        assert!(cloud.is_online());
    }

    #[test]
    fn it_takes_three_good_readings_in_a_row_to_come_back_and_each_change_is_told_once() {
        let mut cloud = failed();
        assert_eq!([BAD, BAD, Reading::Good, Reading::Good, BAD].map(|reading| cloud.observe(reading, at(150))), [None; 5]);
        let back = [Reading::Good; 3].map(|reading| cloud.observe(reading, at(300)));
        assert_eq!(back, [None, None, Some(Edge::Recovered)]);
        assert_eq!(cloud.observe(Reading::Good, at(330)), None);
    }

    #[test]
    fn three_failures_a_minute_apart_go_straight_to_failed_and_with_a_fast_profile_so_do_three_in_a_row() {
        let mut cloud = Connectivity::new(&FailoverConfig::default());
        let edges = [0, 60, 120].map(|second| cloud.observe(BAD, at(second)));
        assert_eq!(edges, [None, None, Some(Edge::Failed)]);
        let mut cloud = Connectivity::new(&FailoverConfig::fast());
        assert_eq!([10, 12, 14].map(|second| cloud.observe(BAD, at(second))), [None, None, Some(Edge::Failed)]);
    }

    #[test]
    fn while_the_own_network_is_down_the_cloud_is_offline_and_never_failed() {
        let mut cloud = Connectivity::new(&FailoverConfig::fast());
        assert_eq!([0, 1].map(|second| cloud.observe(BAD, at(second))), [None; 2]);
        assert_eq!(cloud.observe(Reading::OwnNetworkDown, at(2)), Some(Edge::WentOffline));
        for second in 3..100 {
            assert_eq!(cloud.observe(Reading::OwnNetworkDown, at(second)), None);
        }
        assert_eq!([100, 101].map(|second| cloud.observe(BAD, at(second))), [None; 2], "what was seen before is too old");
        assert_eq!(cloud.observe(BAD, at(102)), Some(Edge::Failed));
        let back = [Reading::Good; 3].map(|reading| cloud.observe(reading, at(103)));
        assert_eq!(back, [None, None, Some(Edge::Recovered)]);
    }

    #[test]
    fn an_operators_word_is_absolute_until_it_is_taken_back() {
        let mut cloud = Connectivity::new(&FailoverConfig::default());
        assert_eq!(cloud.force_offline(), Some(Edge::WentOffline));
        assert_eq!(cloud.force_offline(), None);
        for second in 0..10 {
            assert_eq!((cloud.observe(Reading::Good, at(second)), cloud.is_online()), (None, false));
            assert_eq!(cloud.observe(BAD, at(second)), None);
        }
        assert_eq!((cloud.reachability(), cloud.release()), (Reachability::Offline, Some(Edge::CameOnline)));
    }

    #[test]
    fn releasing_a_side_that_was_unreachable_anyway_changes_nothing() {
        let mut cloud = failed();
        assert_eq!((cloud.force_offline(), cloud.release()), (None, None));
        assert_eq!(cloud.reachability(), Reachability::Failed);
    }
}
