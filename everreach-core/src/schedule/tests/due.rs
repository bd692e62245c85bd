//! Which slots are due, case by case.

use std::time::Duration;

use chrono::TimeDelta;

use crate::Timestamp;
use crate::schedule::{
    Due, FiresOn, Job, KnownSlot, KnownSlots, Mark, Missed, MissedRuns, Overlap, Part, SlotStatus, Timing, due,
};

fn at(text: &str) -> Timestamp {
    format!("2026-11-{text}:00Z").parse().expect("a time")
}

fn job(schedule: &str) -> Job {
    let timing = Timing::parse(schedule, chrono_tz::UTC).expect("a schedule");
    Job::new("mine".parse().expect("a name"), timing, "dm.stats".parse().expect("a name"))
}

fn known(rows: &[(&str, SlotStatus)]) -> KnownSlots {
    let row = |(slot, status): &(&str, SlotStatus)| KnownSlot { slot: at(slot), written_at: at(slot), status: *status };
    KnownSlots { rows: rows.iter().map(row).collect(), ..KnownSlots::default() }
}

fn since(text: &str) -> Mark {
    Mark::starting(at(text))
}

const SIX_HOURS: Missed = Missed::TooOld { within: Duration::from_secs(6 * 3_600) };

#[test]
fn what_was_due_before_the_first_start_is_left_alone() {
    let plan = due(&job("0 6 * * *"), &since("20T09:00"), &KnownSlots::default(), at("20T10:00"), Part::Fires);
    assert_eq!((plan.due, plan.look_again), (vec![], Some(at("21T06:00"))));
}

#[test]
fn after_a_night_asleep_the_latest_slot_is_fired_and_the_others_are_logged() {
    let plan = due(&job("0 */2 * * *"), &since("20T01:00"), &KnownSlots::default(), at("20T09:30"), Part::Fires);
    let by = at("20T08:00");
    let missed = ["20T02:00", "20T04:00", "20T06:00"].map(|slot| (at(slot), Missed::Superseded { by }));
    let mut expected: Vec<_> = missed.into_iter().map(|(slot, why)| Due::Miss(slot, why)).collect();
    expected[0] = Due::Miss(at("20T02:00"), SIX_HOURS);
    expected.push(Due::Fire(by));
    assert_eq!(plan.due, expected);
    assert_eq!(plan.settled_until, at("20T09:30"));
}

#[test]
fn a_slot_of_six_hours_ago_is_fired_and_an_older_one_is_not() {
    let job = job("0 6 * * *");
    let plan = due(&job, &since("19T12:00"), &KnownSlots::default(), at("20T12:00"), Part::Fires);
    assert_eq!(plan.due, [Due::Fire(at("20T06:00"))]);
    let plan = due(&job, &since("19T12:00"), &KnownSlots::default(), at("20T12:01"), Part::Fires);
    assert_eq!(plan.due, [Due::Miss(at("20T06:00"), SIX_HOURS)]);
}

#[test]
fn a_job_that_skips_fires_on_time_only() {
    let mut job = job("0 * * * *");
    job.missed = MissedRuns::Skip;
    let plan = due(&job, &since("20T05:30"), &KnownSlots::default(), at("20T06:01"), Part::Fires);
    assert_eq!(plan.due, [Due::Fire(at("20T06:00"))]);
    let plan = due(&job, &since("20T05:30"), &KnownSlots::default(), at("20T07:02"), Part::Fires);
    let late = |seconds| Missed::NotOnTime { late: Duration::from_secs(seconds) };
    assert_eq!(plan.due, [Due::Miss(at("20T06:00"), late(3_720)), Due::Miss(at("20T07:00"), late(120))]);
}

#[test]
fn a_job_that_catches_up_fires_one_after_the_other() {
    let mut job = job("0 * * * *");
    job.missed = MissedRuns::All { max: 2, within: Duration::from_secs(4 * 3_600) };
    let now = at("20T09:30");
    let plan = due(&job, &since("20T04:30"), &KnownSlots::default(), now, Part::Fires);
    let too_many = Missed::TooMany { max: 2 };
    let mut expected = vec![Due::Miss(at("20T05:00"), Missed::TooOld { within: Duration::from_secs(4 * 3_600) })];
    expected.extend([Due::Miss(at("20T06:00"), too_many), Due::Miss(at("20T07:00"), too_many), Due::Fire(at("20T08:00"))]);
    assert_eq!(plan.due, expected);
    assert!(plan.settled_until < at("20T09:00"), "the last one waits for the one before");
    assert_eq!(plan.look_again, Some(now + TimeDelta::seconds(15)));
    let mut known = known(&[("20T08:00", SlotStatus::Running)]);
    known.running = Some(at("20T08:00"));
    let mark = Mark { settled_until: plan.settled_until, ..since("20T04:30") };
    assert!(due(&job, &mark, &known, now, Part::Fires).due.is_empty());
    known.running = None;
    assert_eq!(due(&job, &mark, &known, now, Part::Fires).due, [Due::Fire(at("20T09:00"))]);
    job.overlap = Overlap::Allow;
    let plan = due(&job, &since("20T07:30"), &KnownSlots::default(), now, Part::Fires);
    assert_eq!(plan.due, [Due::Fire(at("20T08:00")), Due::Fire(at("20T09:00"))]);
}

#[test]
fn a_slot_whose_earlier_one_still_runs_is_logged_with_that_reason() {
    let mut known = known(&[("20T06:00", SlotStatus::Running)]);
    known.running = Some(at("20T06:00"));
    let mut job = job("0 * * * *");
    let plan = due(&job, &since("20T05:30"), &known, at("20T07:00"), Part::Fires);
    assert_eq!(plan.due, [Due::Miss(at("20T07:00"), Missed::Overlap { running: at("20T06:00") })]);
    job.overlap = Overlap::Allow;
    let plan = due(&job, &since("20T05:30"), &known, at("20T07:00"), Part::Fires);
    assert_eq!(plan.due, [Due::Fire(at("20T07:00"))]);
}

#[test]
fn a_slot_that_has_a_row_is_settled_whatever_the_row_says() {
    for status in [SlotStatus::Running, SlotStatus::Ok, SlotStatus::Failed, SlotStatus::Missed, SlotStatus::Abandoned] {
        let plan = due(&job("0 6 * * *"), &since("20T00:00"), &known(&[("20T06:00", status)]), at("20T06:05"), Part::Fires);
        assert_eq!(plan.due, [], "{status}");
    }
}

#[test]
fn a_row_of_another_program_stands_for_the_slot_it_was_written_in() {
    let job = job("0 */2 * * *");
    let mut known = KnownSlots { foreign: vec![at("20T06:03")], ..KnownSlots::default() };
    assert_eq!(due(&job, &since("20T05:00"), &known, at("20T07:00"), Part::Fires).due, []);
    assert_eq!(due(&job, &since("20T05:00"), &known, at("20T08:00"), Part::Fires).due, [Due::Fire(at("20T08:00"))]);
    known.foreign = vec![at("20T05:59")];
    assert_eq!(due(&job, &since("20T05:00"), &known, at("20T07:00"), Part::Fires).due, [Due::Fire(at("20T06:00"))]);
}

#[test]
fn a_mirror_fires_what_is_still_open_after_the_grace() {
    let mut job = job("0 6 * * *");
    job.fires_on = FiresOn::Cloud;
    let plan = due(&job, &since("20T00:00"), &KnownSlots::default(), at("20T06:04"), Part::Mirrors);
    assert_eq!((plan.due, plan.look_again), (vec![], Some(at("20T06:05"))));
    assert!(plan.settled_until < at("20T06:00"), "it stays open");
    let plan = due(&job, &since("20T00:00"), &KnownSlots::default(), at("20T06:05"), Part::Mirrors);
    assert_eq!((plan.due, plan.look_again), (vec![Due::Fire(at("20T06:00"))], Some(at("21T06:05"))));
    let fired = known(&[("20T06:00", SlotStatus::Running)]);
    assert_eq!(due(&job, &since("20T00:00"), &fired, at("20T06:05"), Part::Mirrors).due, []);
    assert_eq!(due(&job, &since("20T00:00"), &KnownSlots::default(), at("20T07:00"), Part::Stays).due, []);
}

#[test]
fn a_mirror_of_a_job_that_skips_waits_and_is_on_time_after_the_grace() {
    let mut job = job("0 * * * *");
    job.missed = MissedRuns::Skip;
    let plan = due(&job, &since("20T05:30"), &KnownSlots::default(), at("20T06:03"), Part::Mirrors);
    assert_eq!(plan.due, []);
    let plan = due(&job, &since("20T05:30"), &KnownSlots::default(), at("20T06:06"), Part::Mirrors);
    assert_eq!(plan.due, [Due::Fire(at("20T06:00"))]);
}

#[test]
fn a_clock_that_goes_back_repeats_nothing() {
    let job = job("0 6 * * *");
    let mark = Mark { settled_until: at("20T06:30"), ..since("19T00:00") };
    let done = known(&[("19T06:00", SlotStatus::Ok), ("20T06:00", SlotStatus::Ok)]);
    for now in ["20T05:00", "20T06:00", "20T06:29"] {
        assert_eq!(due(&job, &mark, &done, at(now), Part::Fires).due, [], "{now}");
    }
}

#[test]
fn what_a_clock_that_was_ahead_logged_as_missed_is_open_when_its_time_comes() {
    // At a wrong 25T12:00 every slot until then was logged as missed; then the clock was set right.
    let job = job("0 6 * * *");
    let written_at = at("25T12:00");
    let row = |day: u32| KnownSlot { slot: at(&format!("{day}T06:00")), written_at, status: SlotStatus::Missed };
    let known = KnownSlots { rows: (21..=25).map(row).collect(), ..KnownSlots::default() };
    let mark = Mark { settled_until: written_at, ..since("19T00:00") };
    let plan = due(&job, &mark, &known, at("21T05:00"), Part::Fires);
    assert!(plan.due.iter().all(|due| !matches!(due, Due::Fire(_))));
    assert_eq!((plan.settled_until, plan.look_again), (at("21T05:00"), Some(at("21T06:00"))), "the mark is set right");
    let mark = Mark { settled_until: plan.settled_until, ..mark };
    assert_eq!(due(&job, &mark, &known, at("21T06:00"), Part::Fires).due, [Due::Fire(at("21T06:00"))]);
}

#[test]
fn a_long_absence_is_settled_in_pieces() {
    let job = job("*/15 * * * *");
    let now = at("28T00:00");
    let (mut mark, mut fired, mut missed, mut pieces) = (since("01T00:00"), 0, 0, 0);
    while mark.settled_until < now {
        let plan = due(&job, &mark, &KnownSlots::default(), now, Part::Fires);
        assert!(plan.due.len() <= 500 && plan.settled_until > mark.settled_until);
        fired += plan.due.iter().filter(|due| matches!(due, Due::Fire(_))).count();
        missed += plan.due.iter().filter(|due| matches!(due, Due::Miss(..))).count();
        mark.settled_until = plan.settled_until;
        pieces += 1;
    }
    assert_eq!((fired, missed), (1, 27 * 96 - 1));
    assert!(pieces > 3);
}

#[test]
fn summer_time_neither_loses_nor_doubles_a_day() {
    let zone = chrono_tz::America::New_York;
    let mut job = job("30 1 * * *");
    job.timing = Timing::parse("30 1 * * *", zone).expect("a schedule");
    let (mut mark, mut fired) = (Mark::starting("2026-01-01T00:00:00Z".parse().expect("a time")), 0);
    let mut now = mark.first_start;
    let end: Timestamp = "2027-01-01T00:00:00Z".parse().expect("a time");
    let mut days = std::collections::BTreeSet::new();
    while now < end {
        now += TimeDelta::minutes(17);
        let plan = due(&job, &mark, &KnownSlots::default(), now, Part::Fires);
        for due in plan.due {
            let Due::Fire(slot) = due else { panic!("{due:?}") };
            fired += 1;
            days.insert(slot.with_timezone(&zone).date_naive());
        }
        mark.settled_until = plan.settled_until;
    }
    assert_eq!((fired, days.len()), (365, 365));
}
