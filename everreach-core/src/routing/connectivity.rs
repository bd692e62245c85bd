//! Connectivity: whether the cloud counts as reachable, as data that probes move.

/// How many probes in a row it takes to change the verdict.
///
/// ```
/// use everreach_core::routing::ConnectivityConfig;
/// assert_eq!(ConnectivityConfig::default().failures, 3);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ConnectivityConfig {
    /// Failed ones before it counts as offline.
    pub failures: u32,
    /// Good ones before it counts as online again.
    pub successes: u32,
}

impl Default for ConnectivityConfig {
    fn default() -> Self {
        Self { failures: 3, successes: 3 }
    }
}

/// A change of the verdict: what alerts and events are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edge {
    /// From now on it counts as offline.
    WentOffline,
    /// From now on it counts as online.
    CameOnline,
}

/// Whether another side counts as reachable. Starts online; only probes move it, and an operator's word is absolute.
///
/// ```
/// use everreach_core::routing::{Connectivity, ConnectivityConfig, Edge};
/// let mut cloud = Connectivity::new(ConnectivityConfig::default());
/// assert_eq!((cloud.probe_failed(), cloud.probe_failed()), (None, None));
/// assert_eq!(cloud.probe_failed(), Some(Edge::WentOffline));
/// assert!(!cloud.is_online());
/// ```
#[derive(Debug, Clone)]
pub struct Connectivity {
    config: ConnectivityConfig,
    reachable: bool,
    forced_offline: bool,
    /// How many probes in a row spoke against the verdict.
    against: u32,
}

impl Connectivity {
    /// Online until probes say otherwise.
    #[must_use]
    pub const fn new(config: ConnectivityConfig) -> Self {
        Self { config, reachable: true, forced_offline: false, against: 0 }
    }

    /// Whether calls may go there.
    #[must_use]
    pub const fn is_online(&self) -> bool {
        self.reachable && !self.forced_offline
    }

    /// Whether an operator set it offline; nobody should probe then either.
    #[must_use]
    pub const fn is_forced_offline(&self) -> bool {
        self.forced_offline
    }

    /// A probe was answered well.
    pub fn probe_succeeded(&mut self) -> Option<Edge> {
        if self.reachable { self.confirm() } else { self.contradict(self.config.successes, Edge::CameOnline) }
    }

    /// A probe was not answered, or badly.
    pub fn probe_failed(&mut self) -> Option<Edge> {
        if self.reachable { self.contradict(self.config.failures, Edge::WentOffline) } else { self.confirm() }
    }

    /// Sets it offline, whatever probes say, until [`Connectivity::release`].
    pub fn force_offline(&mut self) -> Option<Edge> {
        let was_online = self.is_online();
        self.forced_offline = true;
        self.against = 0;
        was_online.then_some(Edge::WentOffline)
    }

    /// Takes an operator's word back; what the probes said before holds again.
    pub fn release(&mut self) -> Option<Edge> {
        let was_online = self.is_online();
        self.forced_offline = false;
        (!was_online && self.is_online()).then_some(Edge::CameOnline)
    }

    const fn confirm(&mut self) -> Option<Edge> {
        self.against = 0;
        None
    }

    fn contradict(&mut self, needed: u32, edge: Edge) -> Option<Edge> {
        if self.forced_offline {
            return None;
        }
        self.against += 1;
        if self.against < needed {
            return None;
        }
        self.against = 0;
        self.reachable = edge == Edge::CameOnline;
        Some(edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offline() -> Connectivity {
        let mut cloud = Connectivity::new(ConnectivityConfig::default());
        while cloud.probe_failed().is_none() {}
        cloud
    }

    #[test]
    fn a_good_probe_between_failures_starts_the_count_again() {
        let mut cloud = Connectivity::new(ConnectivityConfig::default());
        for _ in 0..5 {
            assert_eq!([cloud.probe_failed(), cloud.probe_failed(), cloud.probe_succeeded()], [None; 3]);
        }
        assert!(cloud.is_online());
    }

    #[test]
    fn it_takes_three_good_probes_in_a_row_to_come_back_and_each_change_is_told_once() {
        let mut cloud = offline();
        assert_eq!([cloud.probe_failed(), cloud.probe_failed(), cloud.probe_failed(), cloud.probe_failed()], [None; 4]);
        assert_eq!([cloud.probe_succeeded(), cloud.probe_succeeded(), cloud.probe_failed()], [None; 3]);
        assert_eq!(
            [cloud.probe_succeeded(), cloud.probe_succeeded(), cloud.probe_succeeded()],
            [None, None, Some(Edge::CameOnline)]
        );
        assert_eq!(cloud.probe_succeeded(), None);
    }

    #[test]
    fn an_operators_word_is_absolute_until_it_is_taken_back() {
        let mut cloud = Connectivity::new(ConnectivityConfig::default());
        assert_eq!(cloud.force_offline(), Some(Edge::WentOffline));
        assert_eq!(cloud.force_offline(), None);
        for _ in 0..10 {
            assert_eq!((cloud.probe_succeeded(), cloud.is_online()), (None, false));
            assert_eq!(cloud.probe_failed(), None);
        }
        assert_eq!(cloud.release(), Some(Edge::CameOnline));
    }

    #[test]
    fn releasing_a_side_that_was_unreachable_anyway_changes_nothing() {
        let mut cloud = offline();
        assert_eq!(cloud.force_offline(), None);
        assert_eq!(cloud.release(), None);
        assert!(!cloud.is_online());
    }
}
