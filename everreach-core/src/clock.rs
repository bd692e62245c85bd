//! Time comes in through a [`Clock`], so that tests can move it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};

/// A point in time: UTC, microseconds.
pub type Timestamp = DateTime<Utc>;

/// Where the time comes from.
///
/// # Law
/// [`Clock::now`] is wall-clock time in UTC, cut to microseconds (what both databases keep), and may step. [`Clock::monotonic`]
/// never goes back and is only good for differences.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Wall-clock time, UTC, whole microseconds.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment of this clock; only differences mean anything. The time a machine sleeps counts, so that a lease that ran
    /// out meanwhile is known to be over when it wakes.
    fn monotonic(&self) -> Duration;
}

/// A clock that can be shared.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
///
/// ```
/// use everreach_core::{Clock, SystemClock};
/// let clock = SystemClock::new();
/// assert!(clock.monotonic() <= clock.monotonic());
/// ```
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Duration,
}

impl SystemClock {
    /// A clock whose monotonic side starts at zero now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: since_boot() }
    }

    /// The same, ready to share.
    #[must_use]
    pub fn shared() -> SharedClock {
        Arc::new(Self::new())
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine for the time")]
        Utc::now().trunc_subsecs(6)
    }

    fn monotonic(&self) -> Duration {
        since_boot().saturating_sub(self.start)
    }
}

/// Time since the machine was started, its sleep included: `Instant` stands still meanwhile.
fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const SLEEPLESS: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const SLEEPLESS: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(SLEEPLESS);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(any(test, feature = "mock"))]
pub use manual::ManualClock;

#[cfg(any(test, feature = "mock"))]
mod manual {
    use std::sync::Mutex;

    use super::{Clock, Duration, SubsecRound, Timestamp};

    /// A clock that stands still until it is moved.
    ///
    /// ```
    /// # #[cfg(feature = "mock")] {
    /// use everreach_core::{Clock, testing::ManualClock};
    /// use std::time::Duration;
    /// let clock = ManualClock::at("2026-11-30T23:59:59Z".parse().expect("a time"));
    /// clock.advance(Duration::from_secs(2));
    /// assert_eq!(clock.now().to_rfc3339(), "2026-12-01T00:00:01+00:00");
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct ManualClock {
        state: Mutex<State>,
    }

    #[derive(Debug)]
    struct State {
        now: Timestamp,
        monotonic: Duration,
    }

    impl ManualClock {
        /// A clock that shows this time.
        #[must_use]
        pub fn at(now: Timestamp) -> Self {
            Self { state: Mutex::new(State { now: now.trunc_subsecs(6), monotonic: Duration::ZERO }) }
        }

        /// Lets time pass, on both sides of the clock.
        pub fn advance(&self, by: Duration) {
            let mut state = self.lock();
            state.now += by;
            state.monotonic += by;
        }

        /// Steps the wall clock, as an operator or a time server might; the monotonic side does not notice.
        pub fn step_to(&self, now: Timestamp) {
            self.lock().now = now.trunc_subsecs(6);
        }

        fn lock(&self) -> std::sync::MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            self.lock().now
        }

        fn monotonic(&self) -> Duration {
            self.lock().monotonic
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_keeps_whole_microseconds() {
        assert_eq!(SystemClock::new().now().timestamp_subsec_nanos() % 1_000, 0);
    }

    #[test]
    fn stepping_the_wall_clock_leaves_monotonic_time_alone() {
        let clock = ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time"));
        clock.step_to("2026-11-20T11:00:00Z".parse().expect("a time"));
        assert_eq!(clock.monotonic(), Duration::ZERO);
    }
}
