//! The health score: 0 to 100, from availability, latency and errors, with caps.

use std::time::Duration;

use serde::Serialize;

/// Latency up to this is as good as it gets.
const FAST: f64 = 0.250;
/// Latency from this on is as bad as it gets.
const SLOW: f64 = 2.0;
/// Availability from this down is as bad as it gets.
const LEAST_AVAILABLE: f64 = 0.90;
/// An error rate from this up is as bad as it gets.
const MOST_ERRORS: f64 = 0.20;
/// Good answers that are assumed before there are any, so that one failure of three is no disaster.
const ASSUMED: f64 = 10.0;
const WEIGHT_AVAILABILITY: f64 = 0.40;
const WEIGHT_LATENCY: f64 = 0.25;
const WEIGHT_ERRORS: f64 = 0.35;

/// What a score is made of.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct ScoreInput {
    /// The share of the time that it should have been ready in which it was, 0 to 1.
    pub availability: Option<f64>,
    /// The latency that 95 of 100 answers stay below.
    pub p95: Option<Duration>,
    /// Probes and calls that failed.
    pub failed: u64,
    /// All probes and calls.
    pub total: u64,
    /// What holds the score down.
    pub condition: Condition,
}

/// What holds a score down, whatever the figures are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact that stands or does not, in any combination")]
pub struct Condition {
    /// It does not run.
    pub is_down: bool,
    /// It starts for the first time: nothing can be said.
    pub is_new: bool,
    /// Three probes in a row failed.
    pub is_failing: bool,
    /// Its circuit is open.
    pub is_open: bool,
    /// It sends heartbeats, and none came for three intervals.
    pub is_silent: bool,
    /// It was started again within the last minute.
    pub is_fresh: bool,
}

/// A limit that a score was held below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[non_exhaustive]
pub struct Cap {
    /// Why.
    pub name: &'static str,
    /// The highest score with it.
    pub at_most: u8,
}

/// The parts of a score, each from 0 to 1; none where there is nothing to read it from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Components {
    /// How much of the time it was ready: 90 % and less is 0.
    pub availability: Option<f64>,
    /// How fast it answers: 250 ms and less is 1, 2 s and more is 0, on a logarithmic scale.
    pub latency: Option<f64>,
    /// How many answers were errors: 20 % and more is 0.
    pub errors: Option<f64>,
}

/// A score with what it was made of.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Score {
    /// 0 to 100; none while nothing can be said.
    pub score: Option<u8>,
    /// Its parts.
    pub components: Components,
    /// What held it down.
    pub caps: Vec<Cap>,
}

/// The score: `100 × (0.40 U + 0.25 L + 0.35 E)`, the weights spread anew where a part is missing, and held below the caps.
///
/// | cap | when | at most |
/// |---|---|---|
/// | `not_running` | it does not run | 0 |
/// | `probes_failing` | three probes in a row failed | 20 |
/// | `circuit_open` | its circuit is open | 30 |
/// | `heartbeat_overdue` | no heartbeat for three intervals | 40 |
/// | `component_zero` | a part is 0 | 49 |
/// | `restarted` | started again less than a minute ago | 70 |
///
/// ```
/// use everreach_core::supervisor::{ScoreInput, score};
/// use std::time::Duration;
/// let mut input = ScoreInput::default();
/// input.availability = Some(1.0);
/// input.p95 = Some(Duration::from_millis(900));
/// (input.failed, input.total) = (2, 360);
/// assert_eq!(score(&input).score, Some(84));
/// ```
#[must_use]
pub fn score(input: &ScoreInput) -> Score {
    let components = components(input);
    let caps = caps(&input.condition, &components);
    if input.condition.is_new && !input.condition.is_down {
        return Score { score: None, components, caps };
    }
    let weighted = [
        (WEIGHT_AVAILABILITY, components.availability),
        (WEIGHT_LATENCY, components.latency),
        (WEIGHT_ERRORS, components.errors),
    ];
    let present = weighted.iter().filter_map(|(weight, part)| part.map(|part| (*weight, part)));
    let (weights, sum) = present.fold((0.0, 0.0), |(weights, sum), (weight, part)| (weights + weight, sum + weight * part));
    // Nothing speaks against an agent of which only the caps know something.
    let base = if weights > 0.0 { 100.0 * sum / weights } else { 100.0 };
    let ceiling = caps.iter().map(|cap| cap.at_most).min().unwrap_or(100);
    Score { score: Some(whole(base).min(ceiling)), components, caps }
}

fn components(input: &ScoreInput) -> Components {
    let unit = |value: f64| value.clamp(0.0, 1.0);
    // A rounding error must not tell 0.1 from 0.1.
    let availability = input.availability.map(|share| unit((share - LEAST_AVAILABLE) / (1.0 - LEAST_AVAILABLE)));
    let latency = input.p95.map(|p95| unit(1.0 - (p95.as_secs_f64().max(FAST) / FAST).ln() / (SLOW / FAST).ln()));
    #[allow(clippy::cast_precision_loss, reason = "counts of an hour are far below 2^52")]
    let errors = (input.total > 0).then(|| unit(1.0 - input.failed as f64 / (input.total as f64 + ASSUMED) / MOST_ERRORS));
    Components { availability, latency, errors }
}

fn caps(condition: &Condition, components: &Components) -> Vec<Cap> {
    let parts = [components.availability, components.latency, components.errors];
    let has_zero = parts.into_iter().flatten().any(|part| part <= 0.0);
    let all = [
        (condition.is_down, "not_running", 0),
        (condition.is_failing, "probes_failing", 20),
        (condition.is_open, "circuit_open", 30),
        (condition.is_silent, "heartbeat_overdue", 40),
        (has_zero, "component_zero", 49),
        (condition.is_fresh, "restarted", 70),
    ];
    all.into_iter().filter(|(applies, ..)| *applies).map(|(_, name, at_most)| Cap { name, at_most }).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is within 0 and 100")]
fn whole(base: f64) -> u8 {
    base.clamp(0.0, 100.0).round() as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use super::*;

    fn figures(availability: f64, p95_ms: Option<u64>, failed: u64, total: u64) -> ScoreInput {
        ScoreInput {
            availability: Some(availability),
            p95: p95_ms.map(Duration::from_millis),
            failed,
            total,
            condition: Condition::default(),
        }
    }

    fn with(input: ScoreInput, condition: Condition) -> ScoreInput {
        ScoreInput { condition, ..input }
    }

    #[test]
    fn the_worked_table_holds_row_by_row() {
        let failing = Condition { is_failing: true, ..Condition::default() };
        let open = Condition { is_open: true, ..Condition::default() };
        let fresh = Condition { is_fresh: true, ..Condition::default() };
        let table = [
            ("A always up, 120 ms, no failures", figures(1.0, Some(120), 0, 360), 100),
            ("B 900 ms, 2 of 360 failed", figures(1.0, Some(900), 2, 360), 84),
            ("C 99.5 % up, 300 ms, 36 of 360", figures(0.995, Some(300), 36, 360), 79),
            ("D four minutes away in the hour, 24 of 340", figures(56.0 / 60.0, Some(120), 24, 340), 61),
            ("E new, 1 of 3 probes failed", figures(1.0, Some(120), 1, 3), 87),
            ("F three failures in a row", with(figures(0.99, Some(120), 3, 360), failing), 20),
            ("G no health URL, 0 of 360 calls failed", figures(1.0, None, 0, 360), 100),
            ("H 30 % errors", figures(1.0, Some(120), 108, 360), 49),
            ("I circuit open", with(figures(0.97, Some(400), 20, 300), open), 30),
            ("J started again 20 s ago", with(figures(0.995, Some(120), 2, 350), fresh), 70),
            ("K answers take 2.5 s", figures(1.0, Some(2_500), 0, 360), 49),
        ];
        for (name, input, wanted) in table {
            assert_eq!(score(&input).score, Some(wanted), "{name}: {:?}", score(&input));
        }
    }

    #[test]
    fn an_agent_that_starts_for_the_first_time_has_no_score_and_one_that_is_down_has_none_left() {
        let new = Condition { is_new: true, ..Condition::default() };
        assert_eq!(score(&with(ScoreInput::default(), new)).score, None);
        let down = Condition { is_down: true, is_new: true, ..Condition::default() };
        assert_eq!(score(&with(ScoreInput::default(), down)).score, Some(0));
    }

    #[test]
    fn the_caps_that_hold_are_named() {
        let condition = Condition { is_open: true, is_down: true, ..Condition::default() };
        let names: Vec<_> = score(&with(figures(1.0, None, 0, 10), condition)).caps.iter().map(|cap| cap.name).collect();
        assert_eq!(names, ["not_running", "circuit_open"]);
    }

    proptest! {
        #[test]
        fn it_is_within_bounds_and_falls_when_anything_gets_worse(
            availability in 0.0..=1.0_f64, p95 in 0_u64..10_000, failed in 0_u64..400, more in 0_u64..400
        ) {
            let base = score(&figures(availability, Some(p95), failed, 400)).score.expect("a score");
            let slower = score(&figures(availability, Some(p95 + more), failed, 400)).score.expect("a score");
            let wronger = score(&figures(availability, Some(p95), (failed + more).min(400), 400)).score.expect("a score");
            let rarer = score(&figures(availability / 2.0, Some(p95), failed, 400)).score.expect("a score");
            prop_assert!(base <= 100 && slower <= base && wronger <= base && rarer <= base);
        }
    }
}
