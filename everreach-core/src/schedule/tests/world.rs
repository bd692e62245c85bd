//! Two sides and the table they share, for the simulation: the rules of the store, in memory.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;

use crate::schedule::decision::ON_TIME;
use crate::schedule::{Due, FiresOn, Job, KnownSlot, KnownSlots, Mark, Missed, MissedRuns, Overlap, Part, Plan, SlotStatus, due};
use crate::testing::Dice;
use crate::{Side, Timestamp};

/// After this a runner that says nothing is taken for dead.
const RUN_LEASE: TimeDelta = TimeDelta::seconds(120);

pub(super) struct Row {
    pub(super) status: SlotStatus,
    pub(super) missed: Option<Missed>,
    written_at: Timestamp,
    by: Side,
    /// When the run ends, and until when its runner says that it lives: both in true time.
    ends_at: Timestamp,
    lives_until: Timestamp,
}

/// The log, the marks and the lease.
pub(super) struct Table {
    pub(super) rows: Vec<BTreeMap<Timestamp, Row>>,
    marks: Vec<Option<Mark>>,
    pub(super) epoch: u64,
    pub(super) holder: Option<Side>,
    pub(super) fired: usize,
    pub(super) refused: usize,
    /// When somebody who might fire a job last looked after it, while every clock is right.
    pub(super) seen: Option<Vec<Timestamp>>,
}

/// One side, with a clock of its own.
pub(super) struct Actor {
    pub(super) side: Side,
    pub(super) is_up: bool,
    /// What its clock shows too much.
    pub(super) off_by: TimeDelta,
    /// The fencing number that it believes in.
    pub(super) leads: Option<u64>,
    looks: BTreeMap<usize, (Part, Timestamp, Option<Timestamp>)>,
}

impl Actor {
    pub(super) fn new(side: Side) -> Self {
        Self { side, is_up: true, off_by: TimeDelta::zero(), leads: None, looks: BTreeMap::new() }
    }

    /// A process that starts anew remembers nothing.
    pub(super) fn restart(&mut self) {
        self.is_up = true;
        self.looks.clear();
    }

    pub(super) fn part(&self, job: &Job) -> Part {
        match (job.fires_on, self.side, self.leads.is_some()) {
            (FiresOn::Local, Side::Local, _) | (FiresOn::Either, _, true) | (FiresOn::Cloud, Side::Cloud, true) => Part::Fires,
            (FiresOn::Cloud, Side::Local, true) => Part::Mirrors,
            _ => Part::Stays,
        }
    }

    /// What it would write about a job, from what it reads now.
    pub(super) fn plan(&mut self, table: &mut Table, jobs: &[Job], at: usize, truth: Timestamp) -> Option<(Mark, Plan)> {
        let (job, part, now) = (&jobs[at], self.part(&jobs[at]), truth + self.off_by);
        let quiet = self
            .looks
            .get(&at)
            .is_some_and(|(as_part, since, again)| *as_part == part && *since <= now && again.is_none_or(|again| now < again));
        if part == Part::Stays || quiet {
            return None;
        }
        let mark = *table.marks[at].get_or_insert_with(|| Mark::starting(now));
        let mark = if mark.first_start > now { Mark::starting(now) } else { mark };
        let plan = due(job, &mark, &table.known(at, mark.from(now)), now, part);
        self.looks.insert(at, (part, now, plan.look_again));
        Some((mark, plan))
    }
}

impl Table {
    pub(super) fn new(jobs: usize) -> Self {
        let rows = (0..jobs).map(|_| BTreeMap::new()).collect();
        Self { rows, marks: vec![None; jobs], epoch: 0, holder: None, fired: 0, refused: 0, seen: None }
    }

    /// Ends the runs whose time has come, and marks those whose runner is gone.
    pub(super) fn let_pass(&mut self, truth: Timestamp) {
        for row in self.rows.iter_mut().flat_map(BTreeMap::values_mut).filter(|row| row.status == SlotStatus::Running) {
            if row.ends_at <= truth && row.ends_at <= row.lives_until {
                row.status = SlotStatus::Ok;
            } else if row.lives_until + RUN_LEASE <= truth {
                row.status = SlotStatus::Abandoned;
            }
        }
    }

    /// The runs of this side end with it.
    pub(super) fn cut_off(&mut self, side: Side, truth: Timestamp) {
        let running = |row: &&mut Row| row.status == SlotStatus::Running && row.by == side && row.lives_until > truth;
        for row in self.rows.iter_mut().flat_map(BTreeMap::values_mut).filter(running) {
            row.lives_until = truth;
        }
    }

    fn known(&self, at: usize, from: Timestamp) -> KnownSlots {
        let rows = self.rows[at].range(from..);
        let rows = rows.map(|(slot, row)| KnownSlot { slot: *slot, written_at: row.written_at, status: row.status }).collect();
        KnownSlots { rows, foreign: Vec::new(), running: self.running(at) }
    }

    fn running(&self, at: usize) -> Option<Timestamp> {
        self.rows[at].iter().find(|(_, row)| row.status == SlotStatus::Running).map(|(slot, _)| *slot)
    }

    /// Whether this side may write about the job.
    pub(super) fn obeys(&self, actor: &Actor, job: &Job) -> bool {
        job.fires_on == FiresOn::Local || (actor.leads == Some(self.epoch) && self.holder == Some(actor.side))
    }

    /// A slot that grew too old was seen by nobody who might have fired it in time.
    fn check_in_time(&self, at: usize, job: &Job, due: Due) {
        if let (Due::Miss(slot, Missed::TooOld { .. }), MissedRuns::Once { .. }, Some(seen)) = (due, job.missed, &self.seen) {
            assert!(seen[at] < slot + job.mirror_after, "{} {slot} was seen at {} and not fired", job.name, seen[at]);
        }
    }

    /// Writes a plan, as the store's transaction does; says whether it was written.
    pub(super) fn write(
        &mut self,
        actor: &mut Actor,
        (at, job): (usize, &Job),
        (mark, plan): (Mark, Plan),
        truth: Timestamp,
        dice: &mut Dice,
    ) -> bool {
        if !self.obeys(actor, job) {
            self.refused += usize::from(!plan.due.is_empty());
            actor.looks.remove(&at);
            return false;
        }
        let fires = plan.due.iter().any(|due| matches!(due, Due::Fire(_)));
        if fires && job.overlap == Overlap::Forbid && self.running(at).is_some() {
            actor.looks.remove(&at);
            return false;
        }
        let now = truth + actor.off_by;
        for due in &plan.due {
            check(job, *due, now, self.running(at));
            self.check_in_time(at, job, *due);
            let slot = match due {
                Due::Fire(slot) | Due::Miss(slot, _) => *slot,
            };
            let may = self.rows[at].get(&slot).is_none_or(|row| row.status == SlotStatus::Missed && row.written_at > now);
            if !may {
                continue;
            }
            let (status, missed) = match due {
                Due::Fire(_) => (SlotStatus::Running, None),
                Due::Miss(_, why) => (SlotStatus::Missed, Some(*why)),
            };
            self.fired += usize::from(missed.is_none());
            let ends_at = truth + TimeDelta::seconds(5 + dice.roll(1_500));
            let row =
                Row { status, missed, written_at: now, by: actor.side, ends_at, lives_until: Timestamp::MAX_UTC - RUN_LEASE };
            self.rows[at].insert(slot, row);
        }
        self.marks[at] = Some(Mark { settled_until: plan.settled_until, ..mark });
        true
    }
}

/// Whether what is written is what the job's policy says, by the clock of whoever writes it.
fn check(job: &Job, due: Due, now: Timestamp, running: Option<Timestamp>) {
    let age = |slot: Timestamp| (now - slot).to_std().expect("no slot is fired before its time");
    match (due, job.missed) {
        (Due::Fire(slot), MissedRuns::Once { within } | MissedRuns::All { within, .. }) => assert!(age(slot) <= within),
        (Due::Fire(slot), MissedRuns::Skip) => assert!(age(slot) <= ON_TIME + job.mirror_after),
        (Due::Miss(slot, Missed::TooOld { .. }), MissedRuns::Once { within } | MissedRuns::All { within, .. }) => {
            assert!(age(slot) > within);
        }
        (Due::Miss(slot, Missed::Superseded { by }), MissedRuns::Once { .. }) => assert!(by > slot && by <= now),
        (Due::Miss(slot, Missed::NotOnTime { .. }), MissedRuns::Skip) => assert!(age(slot) > Duration::ZERO),
        (Due::Miss(_, Missed::TooMany { .. }), MissedRuns::All { .. }) => {}
        (Due::Miss(_, Missed::Overlap { running: earlier }), _) => {
            assert!(job.overlap == Overlap::Forbid && running == Some(earlier));
        }
        (due, policy) => panic!("{due:?} is not of {policy:?}"),
    }
}
