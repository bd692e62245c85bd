//! A clock that runs from a moment the test chooses, so that leases lapse between two processes without anybody waiting for them.

use everreach_core::{Clock, SharedClock, SystemClock, Timestamp};

#[derive(Debug)]
struct SteppedClock {
    began_at: Timestamp,
    system: SystemClock,
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        let micros = i64::try_from(self.system.monotonic().as_micros()).expect("a test is short");
        self.began_at + chrono::TimeDelta::microseconds(micros)
    }

    fn monotonic(&self) -> std::time::Duration {
        self.system.monotonic()
    }
}

/// A clock that shows this time now and runs on from it.
pub(super) fn from(began_at: Timestamp) -> SharedClock {
    std::sync::Arc::new(SteppedClock { began_at, system: SystemClock::new() })
}
