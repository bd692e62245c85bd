//! How many agents are started at a time, so that a machine that comes up is not trampled down.

use std::time::Duration;

/// How many agents are started at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThrottleConfig {
    /// Starts in a second.
    pub per_second: u32,
    /// Agents that are starting at the same time.
    pub at_once: usize,
    /// An agent that takes longer than this to become ready no longer keeps others waiting.
    pub patience: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self { per_second: 20, at_once: 8, patience: Duration::from_secs(5) }
    }
}

/// Lets starts through one after the other.
///
/// ```
/// use everreach_core::supervisor::{StartThrottle, ThrottleConfig};
/// use std::time::Duration;
/// let (config, now) = (ThrottleConfig::default(), Duration::from_secs(10));
/// let mut throttle = StartThrottle::default();
/// assert_eq!(throttle.permit(now, 0, &config), Ok(()));
/// assert_eq!(throttle.permit(now, 0, &config), Err(now + Duration::from_millis(50)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct StartThrottle {
    /// Before this, none.
    next: Duration,
}

impl StartThrottle {
    /// Asks for one start while `starting` agents are starting.
    ///
    /// # Errors
    /// When to ask again.
    pub fn permit(&mut self, now: Duration, starting: usize, config: &ThrottleConfig) -> Result<(), Duration> {
        let gap = Duration::from_secs(1) / config.per_second.max(1);
        if starting >= config.at_once.max(1) {
            return Err(now + gap);
        }
        if now < self.next {
            return Err(self.next);
        }
        self.next = now + gap;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_twenty_start_in_any_second_and_eight_are_starting() {
        let config = ThrottleConfig::default();
        let (mut throttle, mut now, mut starts) = (StartThrottle::default(), Duration::from_secs(1), Vec::new());
        while now < Duration::from_secs(6) {
            match throttle.permit(now, 0, &config) {
                Ok(()) => starts.push(now),
                Err(again) => now = again,
            }
        }
        for (index, start) in starts.iter().enumerate() {
            let within = starts[index..].iter().take_while(|later| **later < *start + Duration::from_secs(1)).count();
            assert!(within <= 20, "{within} starts in a second");
        }
        assert_eq!(starts.len(), 100, "and no fewer");
        assert!(throttle.permit(now, 8, &config).is_err(), "a ninth at once");
    }
}
