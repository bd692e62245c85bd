//! Ninety days on a real database: two processes, one of them away now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use everreach_core::schedule::SlotStatus;
use everreach_core::testing::Dice;
use everreach_core::{Clock, Timestamp};
use serde_json::json;

use super::{World, rows};
use crate::support;

#[tokio::test(flavor = "multi_thread")]
async fn each_slot_of_ninety_days_is_fired_once_or_logged_by_two_processes_on_one_database() {
    let jobs = json!({
        "daily": { "schedule": "0 6 * * *", "chain": ["dm.stats"] },
        "night": { "schedule": "30 1 * * *", "timezone": "America/New_York", "chain": ["dm.stats"] },
        "often": { "schedule": "30 */8 * * *", "missed": "skip", "chain": ["dm.stats"] },
        "every": { "schedule": "0 */12 * * *", "missed": { "all": { "max": 2, "within_s": 86_400 } }, "chain": ["dm.stats"] },
    });
    let world = World::new(support::store::sqlite().await, "15T00:10", &jobs);
    let start = world.clock.now();
    let end = start + chrono::TimeDelta::days(90);
    let processes = [world.alone().await, world.alone().await];
    let mut dice = Dice::new(0x5EED);
    let mut back_at: [Option<Timestamp>; 2] = [None; 2];
    let mut newest = start;
    while world.clock.now() < end {
        let now = world.clock.now();
        newest = newest.max(now);
        let is_over = now > end - chrono::TimeDelta::days(2);
        for back in &mut back_at {
            let is_back = back.is_none_or(|at| at <= now) || is_over;
            *back = match (is_back, dice.roll(40)) {
                (true, 0) if !is_over => Some(now + Duration::from_secs(600 + dice.roll(200_000))),
                (true, _) => None,
                _ => *back,
            };
        }
        let up = processes.iter().zip(&back_at).filter(|(_, back)| back.is_none());
        let rounds = up.map(|(process, _)| process.schedule().round());
        for round in futures_util::future::join_all(rounds).await {
            round.expect("a round");
        }
        for process in &processes {
            process.schedule().finish().await;
        }
        if dice.roll(50) == 0 && !is_over {
            world.clock.step_to(now - Duration::from_secs(dice.roll(7_200)));
        }
        // To the next half hour, or a while beyond it.
        let second = world.clock.now().timestamp().rem_euclid(1_800).unsigned_abs();
        let beyond = if dice.roll(5) == 0 { dice.roll(9_000) } else { dice.roll(3) };
        world.clock.advance(Duration::from_secs(1_800 - second + beyond));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut runs = 0;
    for job in processes[0].schedule().jobs().iter().filter(|job| job.enabled) {
        let rows = rows(&processes[0], job.name.as_str()).await;
        let logged: BTreeMap<_, _> = rows.iter().map(|row| (row.slot.expect("a slot"), row.status.clone())).collect();
        assert_eq!(logged.len(), rows.len(), "a slot has one row");
        for slot in job.timing.between(start, end - chrono::TimeDelta::days(1), 10_000) {
            let status = logged.get(&slot).unwrap_or_else(|| panic!("{} {slot} has no row", job.name));
            assert!(["ok", "missed"].contains(&status.as_str()), "{} {slot} is {status}", job.name);
        }
        runs += rows.iter().filter(|row| row.status == SlotStatus::Ok.as_str()).count();
        for row in rows {
            *counts.entry(row.status).or_default() += 1;
        }
    }
    println!("ninety days until {newest}: {counts:?}");
    assert_eq!(world.ran().len(), runs, "each slot that was fired ran once");
    assert!(counts["missed"] > 0 && counts["ok"] > 400);
}
