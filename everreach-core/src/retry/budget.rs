//! The retry budget: repeats stay a share of first tries, so that a struggling side is not drowned.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::SharedClock;

const SLOTS: u64 = 10;
const MILLI: i64 = 1000;

/// What first tries pay in and how long it counts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BudgetConfig {
    /// What one call pays in, in thousandths of a repeat: 200 allows one repeat in five calls.
    pub deposit_milli: u32,
    /// How many repeats are there in every window even when nothing was paid in.
    pub reserve: u32,
    /// How long a deposit and a withdrawal count.
    pub window: Duration,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self { deposit_milli: 200, reserve: 10, window: Duration::from_secs(10) }
    }
}

/// A token bucket over a sliding window: each call pays in 0.2 repeats, each repeat costs 1, ten are always there.
///
/// ```
/// use everreach_core::{SystemClock, retry::{BudgetConfig, RetryBudget}};
/// let budget = RetryBudget::new(SystemClock::shared(), BudgetConfig::default());
/// budget.deposit();
/// assert!(budget.try_withdraw());
/// ```
#[derive(Debug)]
pub struct RetryBudget {
    clock: SharedClock,
    config: BudgetConfig,
    window: Mutex<Window>,
}

/// The last `SLOTS` tenths of the window, each with its balance; older ones are forgotten.
#[derive(Debug, Default)]
struct Window {
    newest: u64,
    slots: [i64; 10],
}

impl RetryBudget {
    /// A budget with nothing paid in.
    #[must_use]
    pub fn new(clock: SharedClock, config: BudgetConfig) -> Self {
        Self { clock, config, window: Mutex::default() }
    }

    /// A call begins; call once per call, not per try.
    pub fn deposit(&self) {
        self.with_current(|window, slot, _| window.slots[slot] += i64::from(self.config.deposit_milli));
    }

    /// Takes one repeat out; `false` when there is none left, and the call then stops where it is.
    #[must_use]
    pub fn try_withdraw(&self) -> bool {
        self.with_current(|window, slot, balance| {
            let affordable = balance >= MILLI;
            if affordable {
                window.slots[slot] -= MILLI;
            }
            affordable
        })
    }

    /// How many repeats are there at the moment.
    #[must_use]
    pub fn available(&self) -> u32 {
        self.with_current(|_, _, balance| u32::try_from(balance.max(0) / MILLI).unwrap_or(u32::MAX))
    }

    fn with_current<T>(&self, act: impl FnOnce(&mut Window, usize, i64) -> T) -> T {
        let width = self.config.window.as_nanos().max(u128::from(SLOTS)) / u128::from(SLOTS);
        let now = u64::try_from(self.clock.monotonic().as_nanos() / width).unwrap_or(u64::MAX);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.advance(now);
        let balance = i64::from(self.config.reserve) * MILLI + window.slots.iter().sum::<i64>();
        let slot = slot_of(window.newest);
        act(&mut window, slot, balance)
    }
}

impl Window {
    fn advance(&mut self, now: u64) {
        let passed = now.saturating_sub(self.newest).min(SLOTS);
        for step in 0..passed {
            self.slots[slot_of(now - step)] = 0;
        }
        self.newest = self.newest.max(now);
    }
}

fn slot_of(tenth: u64) -> usize {
    usize::try_from(tenth % SLOTS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::ManualClock;

    fn budget() -> (Arc<ManualClock>, RetryBudget) {
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        (clock.clone(), RetryBudget::new(clock, BudgetConfig::default()))
    }

    #[test]
    fn five_calls_buy_one_repeat_beyond_the_reserve() {
        let (_, budget) = budget();
        for _ in 0..5 {
            budget.deposit();
        }
        assert_eq!((0..20).filter(|_| budget.try_withdraw()).count(), 11);
    }

    #[test]
    fn deposits_and_withdrawals_expire_after_the_window() {
        let (clock, budget) = budget();
        for _ in 0..1000 {
            budget.deposit();
        }
        assert_eq!(budget.available(), 210);
        clock.advance(Duration::from_secs(9));
        assert_eq!(budget.available(), 210);
        clock.advance(Duration::from_secs(1));
        assert_eq!(budget.available(), 10);
        while budget.try_withdraw() {}
        clock.advance(Duration::from_secs(3600));
        assert_eq!(budget.available(), 10);
    }

    #[test]
    fn many_threads_together_never_take_more_than_there_is() {
        let (_, budget) = budget();
        let taken: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4).map(|_| scope.spawn(|| (0..50).filter(|_| budget.try_withdraw()).count())).collect();
            takers.into_iter().map(|taker| taker.join().expect("a count")).sum()
        });
        assert_eq!(taken, 10);
    }
}
