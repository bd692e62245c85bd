//! What was seen of an agent in the last hour.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back is looked.
const WINDOW: Duration = Duration::from_secs(3_600);
/// How many answers are remembered: an hour of probes every 10 s. Of more, the newest count.
const MOST_ANSWERS: usize = 360;
/// How many spans are remembered; an agent that changes more often is judged by the newest.
const MOST_SPANS: usize = 64;

/// The answers of an agent and the times in which it was ready, over the last hour. All of it takes a few kilobytes.
///
/// ```
/// use everreach_core::supervisor::HealthWindow;
/// use std::time::Duration;
/// let (mut window, at) = (HealthWindow::default(), Duration::from_secs);
/// window.should_run(true, at(0));
/// window.ready(true, at(10));
/// window.answered(Duration::from_millis(40), at(20));
/// window.failed(at(30));
/// assert_eq!(window.availability(at(100)), Some(0.9));
/// assert_eq!(window.errors(at(100)), (1, 2));
/// assert_eq!(window.p95(at(100)), Some(Duration::from_millis(40)));
/// ```
#[derive(Debug, Clone, Default)]
pub struct HealthWindow {
    answers: VecDeque<Answer>,
    spans: VecDeque<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    at: Duration,
    /// None of one that failed.
    latency_ms: Option<u32>,
}

/// A time in which nothing changed; it lasts until the next begins.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: Duration,
    should_run: bool,
    is_ready: bool,
}

impl HealthWindow {
    /// A probe or a call was answered well after this long.
    pub fn answered(&mut self, latency: Duration, now: Duration) {
        self.push(Answer { at: now, latency_ms: Some(u32::try_from(latency.as_millis()).unwrap_or(u32::MAX)) });
    }

    /// A probe or a call failed.
    pub fn failed(&mut self, now: Duration) {
        self.push(Answer { at: now, latency_ms: None });
    }

    /// From now on it should run, or need not.
    pub fn should_run(&mut self, should_run: bool, now: Duration) {
        let is_ready = self.spans.back().is_some_and(|span| span.is_ready);
        self.change(Span { from: now, should_run, is_ready });
    }

    /// From now on it is ready, or is not.
    pub fn ready(&mut self, is_ready: bool, now: Duration) {
        let should_run = self.spans.back().is_some_and(|span| span.should_run);
        self.change(Span { from: now, should_run, is_ready });
    }

    /// The share of the time that it should have run in which it was ready; nothing when it never should have.
    #[must_use]
    pub fn availability(&self, now: Duration) -> Option<f64> {
        let from = now.saturating_sub(WINDOW);
        let ends = self.spans.iter().skip(1).map(|span| span.from).chain([now]);
        let (mut wanted, mut ready) = (Duration::ZERO, Duration::ZERO);
        for (span, end) in self.spans.iter().zip(ends).filter(|(span, _)| span.should_run) {
            let length = end.saturating_sub(span.from.max(from));
            wanted += length;
            ready += if span.is_ready { length } else { Duration::ZERO };
        }
        (!wanted.is_zero()).then(|| ready.as_secs_f64() / wanted.as_secs_f64())
    }

    /// How many of the answers failed, and how many there were.
    #[must_use]
    pub fn errors(&self, now: Duration) -> (u64, u64) {
        self.within(now).fold((0, 0), |(failed, all), answer| (failed + u64::from(answer.latency_ms.is_none()), all + 1))
    }

    /// The latency that 95 of 100 good answers stay below; nothing without one.
    #[must_use]
    pub fn p95(&self, now: Duration) -> Option<Duration> {
        let mut latencies: Vec<u32> = self.within(now).filter_map(|answer| answer.latency_ms).collect();
        let rank = (latencies.len() * 95).div_ceil(100).checked_sub(1)?;
        let (_, latency, _) = latencies.select_nth_unstable(rank);
        Some(Duration::from_millis(u64::from(*latency)))
    }

    fn within(&self, now: Duration) -> impl Iterator<Item = &Answer> {
        let from = now.saturating_sub(WINDOW);
        self.answers.iter().filter(move |answer| answer.at >= from)
    }

    fn push(&mut self, answer: Answer) {
        if self.answers.len() >= MOST_ANSWERS {
            self.answers.pop_front();
        }
        self.answers.push_back(answer);
    }

    fn change(&mut self, span: Span) {
        let is_same = |last: &Span| (last.should_run, last.is_ready) == (span.should_run, span.is_ready);
        if self.spans.back().is_some_and(is_same) {
            return;
        }
        let from = span.from.saturating_sub(WINDOW);
        while self.spans.len() >= MOST_SPANS || self.spans.get(1).is_some_and(|second| second.from <= from) {
            self.spans.pop_front();
        }
        self.spans.push_back(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_in_which_it_need_not_run_counts_neither_way() {
        let mut window = HealthWindow::default();
        assert_eq!(window.availability(at(10)), None);
        window.should_run(true, at(0));
        window.ready(true, at(0));
        window.ready(false, at(30));
        window.should_run(false, at(40));
        assert_eq!(window.availability(at(3_000)), Some(0.75));
    }

    #[test]
    fn what_is_older_than_an_hour_is_forgotten() {
        let mut window = HealthWindow::default();
        window.should_run(true, at(0));
        window.ready(false, at(0));
        window.failed(at(10));
        window.ready(true, at(1_000));
        window.answered(Duration::from_millis(5), at(2_000));
        assert!(window.availability(at(2_000)).expect("a share") < 0.6);
        assert_eq!(window.errors(at(2_000)), (1, 2));
        assert_eq!((window.availability(at(5_000)), window.errors(at(5_000))), (Some(1.0), (0, 1)));
    }

    #[test]
    fn it_stays_small_whatever_happens() {
        let mut window = HealthWindow::default();
        for second in 0..20_000 {
            window.answered(Duration::from_millis(second), at(second));
            window.ready(second % 2 == 0, at(second));
            window.should_run(true, at(second));
        }
        assert!(window.answers.len() <= MOST_ANSWERS && window.spans.len() <= MOST_SPANS);
    }
}
