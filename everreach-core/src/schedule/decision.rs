//! Which slots of a job are due, and what becomes of each.

use std::time::Duration;

use chrono::TimeDelta;

use super::slot::Entry;
use super::{Job, KnownSlots, Missed, MissedRuns, Overlap, Part};
use crate::Timestamp;

/// How late a slot may be and still count as on time.
pub(super) const ON_TIME: Duration = Duration::from_secs(60);
/// How far back is looked again after the clock went back.
const LOOK_BACK: TimeDelta = TimeDelta::hours(24);
/// How many slots are decided at once.
pub(super) const BATCH: usize = 500;
/// How soon is looked again when a slot waits for the end of an earlier one.
const WAIT: TimeDelta = TimeDelta::seconds(15);

/// How far a job's slots are settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "two moments that only mean something together")]
pub struct Mark {
    /// When the job was first looked after with this timing. Catch-up reaches back to here.
    pub first_start: Timestamp,
    /// Every slot until here is settled.
    pub settled_until: Timestamp,
}

impl Mark {
    /// The mark of a job that is looked after from now on.
    #[must_use]
    pub const fn starting(now: Timestamp) -> Self {
        Self { first_start: now, settled_until: now }
    }

    /// From where slots are to be looked at. A mark later than now was left by a clock that went wrong: a day is looked at again.
    #[must_use]
    pub fn from(&self, now: Timestamp) -> Timestamp {
        let settled = if self.settled_until <= now { self.settled_until } else { now - LOOK_BACK };
        settled.max(self.first_start)
    }
}

/// What is to be written about one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a slot is fired or it is not")]
pub enum Due {
    /// It is fired.
    Fire(Timestamp),
    /// It is logged as missed.
    Miss(Timestamp, Missed),
}

/// What is to be done about a job now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs, reason = "the answer of a function")]
pub struct Plan {
    /// What is to be written, earliest slot first.
    pub due: Vec<Due>,
    /// How far the job is settled once that is written.
    pub settled_until: Timestamp,
    /// When to look again; never when there is no further slot.
    pub look_again: Option<Timestamp>,
}

/// Decides on the slots of a job from what the log holds.
///
/// ```
/// use everreach_core::Timestamp;
/// use everreach_core::schedule::{Due, Job, KnownSlots, Mark, Part, Timing, due};
/// let job = Job::new("heartbeat".parse()?, Timing::parse("0 6 * * *", chrono_tz::UTC)?, "system.heartbeat".parse()?);
/// let start: Timestamp = "2026-11-19T12:00:00Z".parse().expect("a time");
/// let woken: Timestamp = "2026-11-20T08:30:00Z".parse().expect("a time");
/// let plan = due(&job, &Mark::starting(start), &KnownSlots::default(), woken, Part::Fires);
/// assert_eq!(plan.due, [Due::Fire("2026-11-20T06:00:00Z".parse().expect("a time"))]);
/// assert_eq!(plan.settled_until, woken);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[must_use]
pub fn due(job: &Job, mark: &Mark, known: &KnownSlots, now: Timestamp, part: Part) -> Plan {
    let from = mark.from(now);
    let grace = if part == Part::Mirrors { job.mirror_after } else { Duration::ZERO };
    let next = |after: Timestamp| job.timing.after(after).map(|slot| slot + grace);
    if part == Part::Stays {
        return Plan { due: Vec::new(), settled_until: from, look_again: None };
    }
    let slots = job.timing.between(from, now, BATCH);
    let is_whole = slots.len() < BATCH;
    let until = if is_whole { now } else { slots.last().copied().unwrap_or(now) };
    let is_open = |at: usize, slot: Timestamp| {
        let end = slots.get(at + 1).copied().or_else(|| job.timing.after(slot));
        known.entry(slot, end, now) == Entry::Open
    };
    let open: Vec<_> = slots.iter().enumerate().filter(|(at, slot)| is_open(*at, **slot)).map(|(_, slot)| *slot).collect();
    let latest = slots.last().copied();
    let case = Case { job, now, grace, running: known.running, latest: latest.filter(|_| is_whole) };
    let mut plan = Plan { due: Vec::new(), settled_until: until.max(from), look_again: next(until.max(from)) };
    let mut is_firing = false;
    for (at, slot) in open.iter().enumerate() {
        match case.verdict(*slot, open.len() - at, is_firing) {
            Verdict::Write(due) => {
                is_firing |= matches!(due, Due::Fire(_));
                plan.due.push(due);
            }
            Verdict::Wait(until) => {
                plan.settled_until = plan.settled_until.min(*slot - TimeDelta::microseconds(1));
                plan.look_again = Some(plan.look_again.map_or(until, |again| again.min(until)));
            }
        }
    }
    plan
}

/// What holds for every slot of one look.
struct Case<'a> {
    job: &'a Job,
    now: Timestamp,
    grace: Duration,
    running: Option<Timestamp>,
    /// The last slot that is due; none when there are more than were looked at.
    latest: Option<Timestamp>,
}

enum Verdict {
    Write(Due),
    Wait(Timestamp),
}

impl Case<'_> {
    fn later_than(&self, slot: Timestamp) -> Timestamp {
        self.latest.or_else(|| self.job.timing.after(slot)).unwrap_or(self.now)
    }

    /// What becomes of an open slot, the `from_end`-th counted from the last one.
    fn verdict(&self, slot: Timestamp, from_end: usize, is_firing: bool) -> Verdict {
        let age = (self.now - slot).to_std().unwrap_or_default();
        let miss = |why| Verdict::Write(Due::Miss(slot, why));
        let is_latest = self.latest.is_none_or(|latest| latest == slot) && self.latest.is_some();
        let is_ripe = age >= self.grace;
        match self.job.missed {
            MissedRuns::Skip if is_latest && !is_ripe => Verdict::Wait(slot + self.grace),
            MissedRuns::Skip if age > ON_TIME + self.grace || !is_latest => miss(Missed::NotOnTime { late: age }),
            MissedRuns::Once { within } if age > within => miss(Missed::TooOld { within }),
            MissedRuns::Once { .. } if !is_latest => miss(Missed::Superseded { by: self.later_than(slot) }),
            MissedRuns::Once { .. } if !is_ripe => Verdict::Wait(slot + self.grace),
            MissedRuns::Skip | MissedRuns::Once { .. } => match self.running {
                Some(running) if self.job.overlap == Overlap::Forbid => miss(Missed::Overlap { running }),
                _ => Verdict::Write(Due::Fire(slot)),
            },
            MissedRuns::All { within, .. } if age > within => miss(Missed::TooOld { within }),
            MissedRuns::All { max, .. } if from_end > usize::from(max) => miss(Missed::TooMany { max }),
            MissedRuns::All { .. } if !is_ripe => Verdict::Wait(slot + self.grace),
            MissedRuns::All { .. } => {
                let is_taken = self.running.is_some() || is_firing;
                let waits = self.latest.is_none() || (is_taken && self.job.overlap == Overlap::Forbid);
                if waits { Verdict::Wait(self.now + WAIT) } else { Verdict::Write(Due::Fire(slot)) }
            }
        }
    }
}
