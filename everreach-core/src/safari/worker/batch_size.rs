//! How many commands are claimed at a time.

use std::time::Duration;

/// A batch is as large as what can be carried out in this time, so that nothing waits long with a worker that is slow.
const AIM: Duration = Duration::from_millis(250);
/// How fast it grows.
const GROWTH: u32 = 8;

/// How many commands the next batch holds, when the last one of so many took this long from its claim to its last start.
pub(super) fn next_size(carried_out: u32, took: Duration, least: u32, most: u32) -> u32 {
    let in_time = u128::from(carried_out) * AIM.as_micros() / took.as_micros().max(1);
    let in_time = u32::try_from(in_time).unwrap_or(u32::MAX);
    in_time.min(carried_out.saturating_mul(GROWTH)).clamp(least.max(1), most.max(least).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_while_commands_are_quick_and_never_over_the_bound() {
        let quick = Duration::from_micros(100);
        assert_eq!(next_size(8, quick, 8, 1_000), 64);
        assert_eq!(next_size(64, quick, 8, 1_000), 512);
        assert_eq!(next_size(512, quick, 8, 1_000), 1_000);
        assert_eq!(next_size(1_000, Duration::ZERO, 8, 1_000), 1_000);
    }

    #[test]
    fn slow_commands_are_not_claimed_ahead() {
        assert_eq!(next_size(1_000, Duration::from_secs(25), 8, 1_000), 10);
        assert_eq!(next_size(8, Duration::from_secs(60), 8, 1_000), 8);
        assert_eq!(next_size(0, Duration::from_secs(60), 8, 1_000), 8);
        assert_eq!(next_size(5, Duration::ZERO, 8, 2), 8, "as many as run side by side in any case");
    }
}
