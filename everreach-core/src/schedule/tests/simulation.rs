//! Ninety days of two sides that fail at random: each slot is fired once, or logged as missed by policy.

use std::time::Duration;

use chrono::TimeDelta;

use super::world::{Actor, Table};
use crate::schedule::{FiresOn, Job, Missed, MissedRuns, Part, SlotStatus, Timing};
use crate::testing::Dice;
use crate::{Side, Timestamp};

const DAYS: i64 = 90;
const SEEDS: u64 = 100;

fn job(name: &str, schedule: &str, zone: chrono_tz::Tz, fires_on: FiresOn, missed: MissedRuns) -> Job {
    let timing = Timing::parse(schedule, zone).expect("a schedule");
    let mut job = Job::new(name.parse().expect("a name"), timing, "dm.stats".parse().expect("a name"));
    (job.fires_on, job.missed) = (fires_on, missed);
    job
}

/// One of each kind; the ninety days hold the end of summer time in New York.
fn jobs() -> Vec<Job> {
    let within = Duration::from_secs(12 * 3_600);
    vec![
        job("daily", "0 6 * * *", chrono_tz::UTC, FiresOn::Cloud, MissedRuns::default()),
        job("night", "30 1 * * *", chrono_tz::America::New_York, FiresOn::Local, MissedRuns::default()),
        job("often", "30 */4 * * *", chrono_tz::UTC, FiresOn::Cloud, MissedRuns::Skip),
        job("every", "0 */6 * * *", chrono_tz::UTC, FiresOn::Either, MissedRuns::All { max: 3, within }),
    ]
}

/// What may go wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trouble {
    None,
    Outages,
    OutagesAndClocks,
}

#[derive(Default)]
struct Totals {
    slots: usize,
    fired: usize,
    missed: usize,
    abandoned: usize,
    refused: usize,
}

struct Simulation {
    dice: Dice,
    trouble: Trouble,
    table: Table,
    sides: [Actor; 2],
    /// When each side comes back.
    back_at: [Option<Timestamp>; 2],
    /// When a lease that nobody renews is free.
    free_at: Option<Timestamp>,
}

impl Simulation {
    /// Sides go away and come back, clocks are set wrong and right.
    fn disturb(&mut self, truth: Timestamp, is_over: bool) {
        for side in 0..2 {
            if self.back_at[side].is_some_and(|back| back <= truth || is_over) {
                self.back_at[side] = None;
                self.sides[side].restart();
                // One that was only paused still believes what it believed.
                if self.dice.roll(2) == 0 {
                    self.sides[side].leads = None;
                }
            }
            if is_over || self.trouble == Trouble::None {
                self.sides[side].off_by = TimeDelta::zero();
                continue;
            }
            if self.sides[side].is_up && self.dice.roll(60) == 0 {
                self.sides[side].is_up = false;
                let longest = if self.dice.roll(4) == 0 { 3_000 } else { 240 };
                let minutes = 5 + self.dice.roll(longest);
                self.back_at[side] = Some(truth + TimeDelta::minutes(minutes));
                self.table.cut_off(self.sides[side].side, truth);
                if self.table.holder == Some(self.sides[side].side) {
                    self.free_at = Some(truth + TimeDelta::seconds(30));
                }
            }
            if self.trouble == Trouble::OutagesAndClocks && self.dice.roll(200) == 0 {
                let wrong = match self.dice.roll(6) {
                    0 | 1 => 0,
                    2 => self.dice.roll(120) - 60,
                    3 => self.dice.roll(7_200) - 3_600,
                    4 => -self.dice.roll(86_400),
                    _ => self.dice.roll(5 * 86_400),
                };
                self.sides[side].off_by = TimeDelta::seconds(wrong);
            }
        }
    }

    /// The cloud leads when it can; the local side three minutes after nobody does.
    fn elect(&mut self, truth: Timestamp) {
        let [cloud, local] = &self.sides;
        let is_free = self.table.holder.is_none() || self.free_at.is_some_and(|free| free <= truth);
        let long_free = self.free_at.is_none_or(|free| free + TimeDelta::minutes(3) <= truth);
        let heir = match self.table.holder {
            _ if is_free && cloud.is_up => Some(Side::Cloud),
            _ if is_free && local.is_up && long_free => Some(Side::Local),
            Some(Side::Local) if cloud.is_up && self.dice.roll(4) == 0 => Some(Side::Cloud),
            _ => None,
        };
        if let Some(heir) = heir {
            (self.table.holder, self.free_at) = (Some(heir), None);
            self.table.epoch += 1;
            let side = usize::from(heir == Side::Local);
            self.sides[side].leads = Some(self.table.epoch);
            // Whoever led and is there gives it back, mostly before it does anything more.
            if self.sides[1 - side].is_up && self.dice.roll(3) > 0 {
                self.sides[1 - side].leads = None;
            }
        }
    }

    fn act(&mut self, jobs: &[Job], truth: Timestamp) {
        self.table.let_pass(truth);
        for (at, job) in jobs.iter().enumerate() {
            // Both read before either writes.
            let mut plans = Vec::new();
            for side in 0..2 {
                let actor = &mut self.sides[side];
                if actor.is_up
                    && let Some(plan) = actor.plan(&mut self.table, jobs, at, truth)
                {
                    plans.push((side, plan));
                }
            }
            if self.dice.roll(2) == 0 {
                plans.reverse();
            }
            let mut is_seen =
                self.sides.iter().any(|actor| actor.is_up && actor.part(job) != Part::Stays && self.table.obeys(actor, job));
            for (side, plan) in plans {
                let is_written = self.table.write(&mut self.sides[side], (at, job), plan, truth, &mut self.dice);
                is_seen &= is_written || !self.table.obeys(&self.sides[side], job);
                if !is_written && job.fires_on != FiresOn::Local && self.sides[side].leads != Some(self.table.epoch) {
                    self.sides[side].leads = None;
                }
            }
            if let Some(seen) = self.table.seen.as_mut().filter(|_| is_seen) {
                seen[at] = truth;
            }
        }
    }
}

fn simulate(seed: u64, trouble: Trouble, jobs: &[Job], moments: &[Timestamp]) -> Totals {
    let start: Timestamp = "2026-09-15T00:10:00Z".parse().expect("a time");
    let end = start + TimeDelta::days(DAYS);
    let mut simulation = Simulation {
        dice: Dice::new(seed * 0x9E37_79B9 + 1),
        trouble,
        table: Table::new(jobs.len()),
        sides: [Actor::new(Side::Cloud), Actor::new(Side::Local)],
        back_at: [None; 2],
        free_at: None,
    };
    simulation.table.seen = (trouble != Trouble::OutagesAndClocks).then(|| vec![start; jobs.len()]);
    let (mut truth, mut next) = (start, 0);
    while truth < end {
        // Both begin well: what was due before the first look is nobody's.
        if truth > start {
            simulation.disturb(truth, truth > end - TimeDelta::days(2));
        }
        simulation.elect(truth);
        simulation.act(jobs, truth);
        let wait = truth + TimeDelta::seconds(300 + simulation.dice.roll(7_200));
        while next < moments.len() && moments[next] <= truth {
            next += 1;
        }
        truth = moments.get(next).map_or(wait, |moment| wait.min(*moment + TimeDelta::seconds(simulation.dice.roll(3))));
    }
    simulation.table.let_pass(truth + TimeDelta::hours(1));
    judge(&simulation, jobs, start, end, seed)
}

/// Every slot since the start has one row that says what became of it.
fn judge(simulation: &Simulation, jobs: &[Job], start: Timestamp, end: Timestamp, seed: u64) -> Totals {
    let (table, mut totals) = (&simulation.table, Totals { refused: simulation.table.refused, ..Totals::default() });
    for (at, job) in jobs.iter().enumerate() {
        for slot in job.timing.between(start, end - TimeDelta::days(1), 10_000) {
            let row = table.rows[at].get(&slot).unwrap_or_else(|| panic!("seed {seed}: {} {slot} has no row", job.name));
            totals.slots += 1;
            match row.status {
                SlotStatus::Missed => totals.missed += 1,
                SlotStatus::Abandoned => totals.abandoned += 1,
                _ => totals.fired += 1,
            }
            let is_logged = row.status == SlotStatus::Missed && row.missed.is_some();
            assert!(is_logged || row.missed.is_none(), "seed {seed}: {} {slot}", job.name);
            if simulation.trouble == Trouble::None {
                let is_overlap = matches!(row.missed, Some(Missed::Overlap { .. }));
                assert!(row.status == SlotStatus::Ok || is_overlap, "seed {seed}: {} {slot} is {}", job.name, row.status);
            }
        }
        let unscheduled = table.rows[at].keys().filter(|slot| job.timing.latest(**slot) != Some(**slot)).count();
        assert_eq!(unscheduled, 0, "seed {seed}: a row of {} is no slot", job.name);
    }
    let rows_of_runs = table.rows.iter().flat_map(|rows| rows.values()).filter(|row| row.missed.is_none()).count();
    assert_eq!(table.fired, rows_of_runs, "seed {seed}: a slot was fired twice");
    totals
}

#[test]
fn each_slot_of_ninety_days_is_fired_once_or_logged_as_missed() {
    let jobs = jobs();
    let start: Timestamp = "2026-09-15T00:10:00Z".parse().expect("a time");
    let until = start + TimeDelta::days(DAYS + 1);
    let slots = jobs.iter().flat_map(|job| job.timing.between(start, until, 10_000).into_iter().map(move |slot| (job, slot)));
    let mut moments: Vec<_> = slots.flat_map(|(job, slot)| [slot, slot + job.mirror_after]).collect();
    moments.sort_unstable();
    for trouble in [Trouble::None, Trouble::Outages, Trouble::OutagesAndClocks] {
        let seeds = if trouble == Trouble::OutagesAndClocks { SEEDS } else { 10 };
        let mut sum = Totals::default();
        for seed in 1..=seeds {
            let totals = simulate(seed, trouble, &jobs, &moments);
            sum.slots += totals.slots;
            sum.fired += totals.fired;
            sum.missed += totals.missed;
            sum.abandoned += totals.abandoned;
            sum.refused += totals.refused;
        }
        println!(
            "{trouble:?}: {seeds} seeds, {} slots: {} fired, {} missed by policy, {} cut off; {} plans fenced off",
            sum.slots, sum.fired, sum.missed, sum.abandoned, sum.refused
        );
        assert_eq!(sum.slots, sum.fired + sum.missed + sum.abandoned);
        assert!(trouble == Trouble::None || (sum.missed > 0 && sum.abandoned > 0), "there was trouble");
        assert!(trouble != Trouble::OutagesAndClocks || sum.refused > 0, "the fence was tried");
    }
}
