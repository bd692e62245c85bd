//! What becomes of slots where the other side's log cannot be read.

use super::decision::BATCH;
use super::slot::Entry;
use super::{Due, Job, KnownSlots, Mark, Missed, Part, Plan, due};
use crate::Timestamp;
use crate::lease::Apart;

/// Decides on the slots of a job as [`due`] does, except on those that the other side may have fired: they are never fired here. Those
/// until it was last seen are in its log; the later ones are logged here as missed.
pub(super) fn due_apart(job: &Job, mark: &Mark, known: &KnownSlots, now: Timestamp, part: Part, apart: &Apart) -> Plan {
    let mut from = mark.from(now).max(apart.seen_until.unwrap_or(mark.first_start));
    let bound = apart.from.min(now);
    if from < bound && part != Part::Stays {
        let slots = job.timing.between(from, bound, BATCH);
        let is_open = |slot: &&Timestamp| known.entry(**slot, job.timing.after(**slot), now) == Entry::Open;
        let missed: Vec<_> = slots.iter().filter(is_open).map(|slot| Due::Miss(*slot, Missed::Elsewhere)).collect();
        let is_whole = slots.len() < BATCH;
        if !missed.is_empty() || !is_whole {
            let settled_until = if is_whole { bound } else { slots.last().copied().unwrap_or(bound) };
            return Plan { due: missed, settled_until, look_again: Some(now) };
        }
        from = bound;
    }
    due(job, &Mark { first_start: from, settled_until: from }, known, now, part)
}
