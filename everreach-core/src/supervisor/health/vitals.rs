//! The signs of life of one agent: probes and heartbeats, and what they say together.

use std::time::Duration;

use super::{HealthConfig, HealthWindow, Score, ScoreInput, SteadyBand, score};
use crate::supervisor::health::Band;
use crate::supervisor::health::score::Condition;

/// For how long a score is held down after a start.
const FRESH: Duration = Duration::from_secs(60);

/// A change in the signs of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever acts has to answer each of them")]
pub enum Sign {
    /// Its health is good: tasks may go to it.
    Ready,
    /// Its health is bad: no task goes to it.
    Unready,
    /// It lives and does nothing: it may be ended.
    Hung,
}

/// The signs of life of one agent. Times are monotonic.
///
/// ```
/// use everreach_core::supervisor::{HealthConfig, Sign, Vitals};
/// use std::time::Duration;
/// let (config, at) = (HealthConfig::default(), Duration::from_secs);
/// let mut vitals = Vitals::default();
/// vitals.begun(at(0));
/// assert_eq!(vitals.good_probe(Duration::from_millis(20), at(1), &config), Some(Sign::Ready));
/// for second in [10, 20] {
///     assert_eq!(vitals.bad_probe(at(second), &config), None, "slow once or twice");
/// }
/// assert_eq!(vitals.bad_probe(at(30), &config), Some(Sign::Unready));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Vitals {
    window: HealthWindow,
    band: SteadyBand,
    good: u32,
    bad: u32,
    is_ready: bool,
    /// Whether it has been ready since its process began.
    was_ready: bool,
    begun_at: Option<Duration>,
    /// How often it was begun.
    begun: u32,
    beat_at: Option<Duration>,
}

impl Vitals {
    /// A process of it begins. Heartbeats and probes of an earlier one say nothing about it.
    pub fn begun(&mut self, now: Duration) {
        // Until it is ready for the first time it is not missed.
        if self.begun > 0 {
            self.window.should_run(true, now);
        }
        self.forget_process();
        self.begun_at = Some(now);
        self.begun = self.begun.saturating_add(1);
    }

    /// A process of it that began earlier is taken over. Whether it sends heartbeats shows with the next one.
    pub fn adopted(&mut self, now: Duration) {
        self.begun(now);
        self.become_ready(now);
    }

    /// It is only looked at.
    pub fn observed(&mut self, now: Duration) {
        self.window.should_run(true, now);
        self.begun_at.get_or_insert(now);
    }

    /// Its process ended; whether it should run all the same.
    pub fn ended(&mut self, should_run: bool, now: Duration) {
        self.forget_process();
        self.window.ready(false, now);
        self.window.should_run(should_run, now);
        self.begun_at = None;
    }

    /// There is nothing to ask it: it is ready with its start.
    pub fn ready_by_itself(&mut self, now: Duration) {
        self.become_ready(now);
    }

    /// A look found all well.
    pub fn good_probe(&mut self, latency: Duration, now: Duration, config: &HealthConfig) -> Option<Sign> {
        self.window.answered(latency, now);
        self.bad = 0;
        self.good = self.good.saturating_add(1);
        // The first answer after a start needs no second: nothing was wrong before.
        let needed = if self.was_ready { config.rise } else { 1 };
        if self.is_ready || self.good < needed {
            return None;
        }
        self.become_ready(now);
        Some(Sign::Ready)
    }

    /// A look found something wrong. Before it was ready for the first time that is how starts are.
    pub fn bad_probe(&mut self, now: Duration, config: &HealthConfig) -> Option<Sign> {
        self.good = 0;
        if !self.was_ready && self.begun_at.is_some() && self.begun > 0 {
            return None;
        }
        self.window.failed(now);
        self.bad = self.bad.saturating_add(1);
        if self.bad >= config.hung_after && self.is_silent_or_mute(now, config) {
            return Some(Sign::Hung);
        }
        if self.bad < config.fall || !self.is_ready {
            return None;
        }
        self.is_ready = false;
        self.window.ready(false, now);
        Some(Sign::Unready)
    }

    /// A heartbeat of its running process came.
    pub const fn beat(&mut self, now: Duration) {
        self.beat_at = Some(now);
    }

    /// A task that was routed to it went well.
    pub fn call_succeeded(&mut self, latency: Duration, now: Duration) {
        self.window.answered(latency, now);
    }

    /// A task that was routed to it failed.
    pub fn call_failed(&mut self, now: Duration) {
        self.window.failed(now);
    }

    /// This process itself was away: nothing that was missed meanwhile is held against an agent.
    pub const fn forgive(&mut self, now: Duration) {
        self.bad = 0;
        if self.beat_at.is_some() {
            self.beat_at = Some(now);
        }
    }

    /// Whether tasks may go to it.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether it sent heartbeats and none came for too long.
    #[must_use]
    pub fn is_silent(&self, now: Duration, config: &HealthConfig) -> bool {
        self.beat_at.is_some_and(|beat| now.saturating_sub(beat) > config.silence())
    }

    /// The score, and the band that holds.
    pub fn score(&mut self, facts: Standing, now: Duration, config: &HealthConfig) -> (Score, Option<Band>) {
        let (failed, total) = self.window.errors(now);
        let uptime = self.begun_at.map(|since| now.saturating_sub(since));
        let condition = Condition {
            is_down: facts == Standing::Down || facts == Standing::DownAndOpen,
            is_open: facts == Standing::DownAndOpen || facts == Standing::OnTrial,
            is_new: !self.was_ready && self.begun <= 1 && self.bad == 0,
            is_failing: self.bad >= config.fall,
            is_silent: self.is_silent(now, config),
            is_fresh: self.begun > 1 && uptime.is_some_and(|uptime| uptime < FRESH),
        };
        let input =
            ScoreInput { availability: self.window.availability(now), p95: self.window.p95(now), failed, total, condition };
        let score = score(&input);
        let band = score.score.map(|score| self.band.observe(score, now)).or_else(|| self.band.current());
        (score, band)
    }

    /// Whether there is no sign of life beside the probes: no heartbeats at all, or none for too long.
    fn is_silent_or_mute(&self, now: Duration, config: &HealthConfig) -> bool {
        self.beat_at.is_none() || self.is_silent(now, config)
    }

    fn become_ready(&mut self, now: Duration) {
        self.is_ready = true;
        self.was_ready = true;
        self.window.should_run(true, now);
        self.window.ready(true, now);
    }

    const fn forget_process(&mut self) {
        self.good = 0;
        self.bad = 0;
        self.is_ready = false;
        self.was_ready = false;
        self.beat_at = None;
    }
}

/// What the life of an agent says about its score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever scores has to say one of them")]
pub enum Standing {
    /// It runs, or is only looked at.
    Up,
    /// It runs on trial.
    OnTrial,
    /// It does not run.
    Down,
    /// It does not run, and its circuit is open.
    DownAndOpen,
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const FAST: Duration = Duration::from_millis(20);

    fn ready() -> (Vitals, HealthConfig) {
        let (mut vitals, config) = (Vitals::default(), HealthConfig::default());
        vitals.begun(at(0));
        vitals.good_probe(FAST, at(1), &config);
        (vitals, config)
    }

    #[test]
    fn failures_before_the_first_good_probe_are_no_failures() {
        let (mut vitals, config) = (Vitals::default(), HealthConfig::default());
        vitals.begun(at(0));
        for second in 1..30 {
            assert_eq!(vitals.bad_probe(at(second), &config), None);
        }
        assert_eq!(vitals.score(Standing::Up, at(30), &config).0.score, None, "it starts for the first time");
        assert_eq!(vitals.good_probe(FAST, at(31), &config), Some(Sign::Ready));
        assert_eq!(vitals.score(Standing::Up, at(40), &config).0.score, Some(100), "its start is no outage");
    }

    #[test]
    fn three_bad_probes_in_a_row_make_it_unready_and_two_good_ones_ready_again() {
        let (mut vitals, config) = ready();
        let signs: Vec<_> = (1..=4).map(|n| vitals.bad_probe(at(n * 10), &config)).collect();
        assert_eq!(signs, [None, None, Some(Sign::Unready), None]);
        assert_eq!(vitals.score(Standing::Up, at(41), &config).0.score, Some(20));
        assert_eq!(vitals.good_probe(FAST, at(50), &config), None);
        assert_eq!(vitals.good_probe(FAST, at(60), &config), Some(Sign::Ready));
    }

    #[test]
    fn one_that_still_sends_heartbeats_is_never_taken_for_hung() {
        let (mut vitals, config) = ready();
        for second in 1..60 {
            vitals.beat(at(second * 10));
            assert_ne!(vitals.bad_probe(at(second * 10 + 1), &config), Some(Sign::Hung));
        }
        assert!(!vitals.is_ready(), "but nothing is routed to it");
    }

    #[test]
    fn one_that_answers_no_more_and_is_silent_is_hung_at_the_sixth_bad_probe() {
        let (mut vitals, config) = ready();
        vitals.beat(at(2));
        let signs: Vec<_> = (1..=6).map(|n| vitals.bad_probe(at(n * 10), &config)).collect();
        assert_eq!(signs[5], Some(Sign::Hung), "{signs:?}");
        assert!(!signs[..5].contains(&Some(Sign::Hung)));
    }

    #[test]
    fn what_was_missed_while_the_supervisor_was_away_is_forgiven() {
        let (mut vitals, config) = ready();
        vitals.beat(at(2));
        for second in [3, 4] {
            vitals.bad_probe(at(second), &config);
        }
        vitals.forgive(at(3_600));
        assert_eq!((vitals.bad_probe(at(3_601), &config), vitals.is_silent(at(3_601), &config)), (None, false));
    }

    #[test]
    fn a_new_process_is_not_judged_by_the_last_ones_silence() {
        let (mut vitals, config) = ready();
        vitals.beat(at(2));
        vitals.ended(true, at(100));
        vitals.begun(at(101));
        assert!(!vitals.is_silent(at(500), &config));
        let (score, _) = vitals.score(Standing::Up, at(102), &config);
        assert!(score.caps.iter().any(|cap| cap.name == "restarted"), "{score:?}");
    }

    #[test]
    fn one_that_does_not_run_has_nothing_left() {
        let (mut vitals, config) = ready();
        vitals.ended(true, at(100));
        assert_eq!(vitals.score(Standing::Down, at(101), &config), {
            let (score, band) = vitals.clone().score(Standing::DownAndOpen, at(101), &config);
            (Score { caps: score.caps.iter().copied().filter(|cap| cap.name != "circuit_open").collect(), ..score }, band)
        });
        assert_eq!(vitals.score(Standing::Down, at(101), &config).0.score, Some(0));
    }
}
