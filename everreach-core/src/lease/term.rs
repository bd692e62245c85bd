//! A right to act that ends by itself.

use std::time::Duration;

use crate::SharedClock;

/// A right to act until a monotonic time, with the clock that says when that is. It cannot be proven to anybody else: whoever has it
/// stops by itself.
#[derive(Debug, Clone)]
pub struct Term {
    until: Duration,
    clock: SharedClock,
}

impl Term {
    pub(super) const fn new(until: Duration, clock: SharedClock) -> Self {
        Self { until, clock }
    }

    /// What is left of it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.until.saturating_sub(self.clock.monotonic())
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left().is_zero()
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        self.until == other.until
    }
}

impl Eq for Term {}
