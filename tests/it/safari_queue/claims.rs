//! What is claimed, and in which order.

use everreach_core::safari::CommandStatus;

use super::*;

on_both! {
async fn the_lowest_number_goes_first_then_the_oldest(bench: Bench) {
    let mut ids = Vec::new();
    for priority in [5, 3, 5, 1] {
        ids.push(bench.enqueue(bench.score().with_priority(priority)).await);
        bench.clock.advance(SECOND);
    }
    let order: Vec<_> = bench.claim(10).await.iter().map(|claimed| claimed.command().id).collect();
    assert_eq!(order, [ids[3], ids[1], ids[0], ids[2]]);
}

async fn the_order_holds_over_all_platforms_too(bench: Bench) {
    let late = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.clock.advance(SECOND);
    let urgent = bench.enqueue(bench.dm(Platform::Tiktok, "bob").with_priority(1)).await;
    let later = bench.enqueue(bench.dm(Platform::Instagram, "cyd")).await;
    for id in [urgent, late, later] {
        assert_eq!(bench.work(sent()).await, id);
    }
}

async fn nothing_goes_before_its_time(bench: Bench) {
    let at = bench.now() + 60 * SECOND;
    let score = bench.enqueue(bench.score().at(at)).await;
    let dm = bench.enqueue(bench.dm(Platform::Twitter, "bob").at(at)).await;
    assert!(bench.claim(10).await.is_empty());
    assert!(bench.get(dm).await.entry.why.starts_with("schedule: "), "{}", bench.get(dm).await.entry.why);
    bench.clock.advance(60 * SECOND);
    let claimed: Vec<_> = bench.claim(10).await.iter().map(|claimed| claimed.command().id).collect();
    assert_eq!(claimed, [dm, score]);
}

async fn a_time_that_another_program_moves_to_later_is_kept(bench: Bench) {
    bench.enqueue(bench.score()).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.execute("UPDATE safari_command_queue SET scheduled_for = '2026-11-20T12:01:00Z'").await;
    assert!(bench.claim(10).await.is_empty());
    bench.clock.advance(60 * SECOND);
    assert_eq!(bench.claim(10).await.len(), 2);
}

async fn one_command_drives_safari_and_the_others_go_beside_it(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.enqueue(NewCommand::new(Command::research(Platform::Tiktok, "ai", 5, bench.now()))).await;
    bench.enqueue(bench.score()).await;
    bench.enqueue(bench.score()).await;
    let first = bench.claim(10).await;
    assert_eq!(first.iter().filter(|claimed| claimed.has_browser()).count(), 1);
    assert_eq!(first.len(), 3);
    assert!(bench.queue.claim("mac-2", 10, &bench.conditions).await.expect("a claim").is_empty());
    let driving = first.into_iter().find(Claimed::has_browser).expect("one");
    bench.dispatch(&driving).await;
    bench.finish(driving, sent()).await;
    assert_eq!(bench.queue.claim("mac-2", 10, &bench.conditions).await.expect("a claim").len(), 1);
}

async fn never_more_are_claimed_than_wanted(bench: Bench) {
    bench.queue.enqueue((0..20).map(|_| bench.score()).collect()).await.expect("written");
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    assert!(bench.claim(0).await.is_empty());
    assert_eq!(bench.claim(7).await.len(), 7);
    assert_eq!(bench.claim(100).await.len(), 14);
}

async fn nothing_is_claimed_while_the_stop_switch_is_set(bench: Bench) {
    let mut bench = bench;
    let id = bench.enqueue(bench.score()).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.conditions.is_stopped = true;
    assert!(bench.claim(10).await.is_empty());
    assert!(bench.get(id).await.entry.why.starts_with("stop_switch: "));
    bench.conditions.is_stopped = false;
    assert_eq!(bench.claim(10).await.len(), 2);
}

async fn a_service_that_is_down_holds_its_own_commands_only(bench: Bench) {
    let mut bench = bench;
    let down = ServiceHealth::new(Service::TwitterDm, HealthStatus::Down, "refused", bench.now());
    bench.conditions.health.insert(Service::TwitterDm, down);
    let waits = bench.enqueue(bench.dm(Platform::Twitter, "ann").with_priority(1)).await;
    let goes = bench.enqueue(bench.dm(Platform::Tiktok, "bob")).await;
    assert_eq!(bench.work(sent()).await, goes);
    assert!(bench.claim(10).await.is_empty());
    assert!(bench.get(waits).await.entry.why.starts_with("health: "));
}

async fn outward_commands_wait_for_the_hours_and_others_do_not(bench: Bench) {
    let mut bench = bench;
    bench.conditions.active_hours = "13-21".parse().expect("hours");
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let search = bench.enqueue(NewCommand::new(Command::research(Platform::Tiktok, "ai", 5, bench.now()))).await;
    assert_eq!(bench.work(DispatchOutcome::done("found")).await, search);
    assert!(bench.claim(10).await.is_empty());
    bench.clock.advance(3_600 * SECOND);
    assert_eq!(bench.claim(10).await.len(), 1);
}

async fn sends_of_one_account_are_spaced(bench: Bench) {
    let mut bench = bench;
    bench.conditions.pacing.min_delay = Some(120 * SECOND);
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let other = bench.enqueue(bench.dm(Platform::Tiktok, "cyd").with_priority(9)).await;
    bench.work(sent()).await;
    bench.clock.advance(59 * SECOND);
    assert!(bench.claim(10).await.is_empty(), "a minute lies between any two");
    bench.clock.advance(SECOND);
    assert_eq!(bench.work(sent()).await, other, "another account waits no longer");
    bench.clock.advance(59 * SECOND);
    assert!(bench.claim(10).await.is_empty());
    bench.clock.advance(SECOND);
    bench.work(sent()).await;
}

async fn a_row_that_another_program_moves_to_another_platform_follows_the_rules_of_that_one(bench: Bench) {
    let mut bench = bench;
    let down = ServiceHealth::new(Service::TiktokDm, HealthStatus::Down, "refused", bench.now());
    bench.conditions.health.insert(Service::TiktokDm, down);
    let moved = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.execute("UPDATE safari_command_queue SET platform = 'tiktok'").await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    assert_eq!(bench.claim_one().await.command().params["username"], "bob");
    assert!(bench.get(moved).await.entry.why.starts_with("health: tiktok-dm"));
}

async fn a_claimed_row_says_so_in_the_words_of_the_table(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let claimed = bench.claim_one().await;
    assert_eq!((claimed.number(), claimed.worker_id()), (1, "mac-1"));
    let detail = bench.get(id).await;
    assert_eq!(detail.entry.command.status, CommandStatus::Running);
    assert_eq!(detail.entry.command.worker_id.as_deref(), Some("mac-1"));
    assert_eq!(detail.entry.why, "mac-1 works on it");
}
}
