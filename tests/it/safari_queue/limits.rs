//! Limits, taken with the claim.

use everreach_core::safari::limits::LimitTable;
use everreach_core::safari::queue::LimitUsage;
use everreach_core::safari::{CommandStatus, HaltCause, LimitedAction};

use super::*;

fn limits(text: &str) -> LimitTable {
    text.parse().expect("limits")
}

on_both! {
async fn no_more_are_claimed_a_day_than_the_limit(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 2}}"#);
    for handle in ["ann", "bob", "cyd", "dan", "eve"] {
        bench.enqueue(bench.dm(Platform::Twitter, handle)).await;
    }
    for _ in 0..2 {
        bench.work(sent()).await;
    }
    assert!(bench.claim(10).await.is_empty());
    bench.clock.step_to("2026-11-20T23:59:59.999999Z".parse().expect("a time"));
    assert!(bench.claim(10).await.is_empty());
    bench.clock.step_to("2026-11-21T00:00:00Z".parse().expect("a time"));
    bench.work(sent()).await;
    bench.clock.step_to("2026-11-20T23:00:00Z".parse().expect("a time"));
    assert!(bench.claim(10).await.is_empty(), "a clock that steps back finds what was counted");
}

async fn the_stricter_limit_of_an_hour_counts_too(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 9, "dm_hour": 1}}"#);
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let second = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(sent()).await;
    assert!(bench.claim(10).await.is_empty());
    assert!(bench.get(second).await.entry.why.starts_with("limit: "));
    bench.clock.advance(3_600 * SECOND);
    assert_eq!(bench.work(sent()).await, second);
}

async fn an_exhausted_account_does_not_stop_another(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 1}}"#);
    bench.queue.enqueue((0..10).map(|n| bench.dm(Platform::Twitter, &format!("bob{n}")).with_priority(1)).collect()).await.expect("written");
    let other = bench.enqueue(bench.dm(Platform::Tiktok, "ann").with_priority(9)).await;
    bench.work(sent()).await;
    assert_eq!(bench.work(sent()).await, other);
}

async fn what_certainly_did_not_happen_is_given_back_and_what_may_have_is_not(bench: Bench) {
    for (handle, outcome, used) in [("ann", refused(), 0), ("bob", unknown(), 1), ("cyd", sent(), 2)] {
        let id = bench.enqueue(bench.dm(Platform::Twitter, handle)).await;
        bench.work(outcome).await;
        assert_eq!(bench.used("twitter").await, used, "{handle}");
        if bench.get(id).await.entry.command.status == CommandStatus::Pending {
            bench.queue.cancel(id).await.expect("it waits");
        }
    }
}

async fn a_limit_of_zero_refuses(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 0}}"#);
    let id = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    assert!(bench.claim(10).await.is_empty());
    let detail = bench.get(id).await.entry;
    assert_eq!((detail.command.status, detail.outcome.as_deref()), (CommandStatus::Failed, Some("refused")));
    assert_eq!(detail.command.result.expect("a result")["reason"], "limit");
}

async fn a_limit_that_is_lowered_counts_from_the_next_claim_on(bench: Bench) {
    let mut bench = bench;
    for handle in ["ann", "bob", "cyd"] {
        bench.enqueue(bench.dm(Platform::Twitter, handle)).await;
    }
    bench.work(sent()).await;
    bench.work(sent()).await;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 1}}"#);
    assert!(bench.claim(10).await.is_empty());
}

async fn threads_and_instagram_are_counted_together(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"instagram": {"comment": 1}, "threads": {"comment": 1}}"#);
    let post = |platform, url: &str| NewCommand::new(Command::comment(platform, url, "nice", bench.now()));
    bench.enqueue(post(Platform::Threads, "https://www.threads.net/@ann/post/C1")).await;
    bench.enqueue(post(Platform::Instagram, "https://www.instagram.com/p/C2/")).await;
    bench.work(sent()).await;
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.used("instagram").await, 1);
}

async fn a_captcha_stops_the_account_until_a_person_resumes_it(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let next = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let other = bench.enqueue(bench.dm(Platform::Tiktok, "cyd").with_priority(9)).await;
    bench.work(DispatchOutcome::refused(Repeat::Free, Reason::Captcha, "a captcha")).await;
    assert_eq!(bench.work(sent()).await, other);
    bench.clock.advance(30 * DAY);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.queue.halts().await.expect("stops")[0].cause, HaltCause::Captcha);
    assert!(bench.get(next).await.entry.why.starts_with("halt: "));
    assert_eq!(bench.queue.lift_halts(Platform::Twitter, None).await.expect("lifted"), 1);
    bench.claim_one().await;
}

async fn an_action_block_rests_that_action_for_a_day(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.work(DispatchOutcome::refused(Repeat::Never, Reason::ActionBlocked, "blocked")).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let comment = Command::comment(Platform::Twitter, "https://x.com/cyd/status/1", "nice", bench.now());
    let comment = bench.enqueue(NewCommand::new(comment)).await;
    assert_eq!(bench.work(sent()).await, comment);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.queue.halts().await.expect("stops")[0].action, Some(LimitedAction::Dm));
    bench.clock.advance(DAY);
    bench.claim_one().await;
}

async fn all_accounts_together_have_a_limit_of_their_own(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"all": {"hour": 2}}"#);
    for platform in [Platform::Twitter, Platform::Tiktok, Platform::Instagram] {
        bench.enqueue(bench.dm(platform, "ann")).await;
    }
    bench.work(unknown()).await;
    bench.clock.advance(300 * SECOND);
    bench.work(refused()).await;
    assert_eq!(bench.used("all").await, 1, "what certainly did not happen is given back");
    bench.work(sent()).await;
    assert!(bench.claim(10).await.is_empty());
    let waiting = "SELECT CAST(id AS TEXT) FROM safari_command_queue WHERE status = 'pending'";
    let waiting = store::texts(&bench.store, waiting).await.remove(0).parse().expect("an id");
    bench.clock.advance(120 * SECOND);
    assert!(bench.claim(10).await.is_empty());
    let why = bench.get(waiting).await.entry.why;
    assert!(why.starts_with("limit: all accounts together: 2 of 2 an hour used, anew at 2026-11-20 13:00:00"), "{why}");
    let statistics = bench.queue.statistics(&bench.conditions).await.expect("numbers");
    assert_eq!((statistics.combined.used.this_hour, statistics.combined.limit.per_hour), (2, Some(2)));
    bench.clock.advance(3_600 * SECOND);
    bench.claim_one().await;
}

async fn an_account_that_was_signed_out_rests_for_a_day_and_goes_at_half_its_rate_for_a_week(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = limits(r#"{"twitter": {"dm": 4}}"#);
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.work(DispatchOutcome::refused(Repeat::Never, Reason::NotLoggedIn, "signed out")).await;
    let ids = [
        bench.enqueue(bench.dm(Platform::Twitter, "bob")).await,
        bench.enqueue(bench.dm(Platform::Twitter, "cyd")).await,
        bench.enqueue(bench.dm(Platform::Twitter, "dan")).await,
    ];
    bench.clock.advance(3 * DAY);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.queue.lift_halts(Platform::Twitter, None).await.expect("lifted"), 1);
    let lifted_at = bench.now();
    bench.clock.advance(DAY - SECOND);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.queue.lift_halts(Platform::Twitter, None).await.expect("lifted"), 0, "a second word changes nothing");
    let halts = bench.queue.halts().await.expect("stops");
    assert_eq!((halts[0].cause, halts[0].until), (HaltCause::Login, Some(lifted_at + DAY)));
    bench.clock.advance(SECOND);
    assert!(bench.queue.halts().await.expect("stops").is_empty());
    assert_eq!([bench.work(sent()).await, bench.work(sent()).await], ids[..2]);
    assert!(bench.claim(10).await.is_empty());
    let why = bench.get(ids[2]).await.entry.why;
    assert!(why.starts_with("limit: twitter dm: 2 of 2 a day used (at half the rate until "), "{why}");
    let statistics = bench.queue.statistics(&bench.conditions).await.expect("numbers");
    let of = |usage: &&LimitUsage| usage.platform == Platform::Twitter && usage.action == LimitedAction::Dm;
    let usage = statistics.limits.iter().find(of).expect("a limit");
    assert_eq!((usage.limit.per_day, usage.half_rate_until), (Some(2), Some(lifted_at + 8 * DAY)));
    bench.clock.step_to(lifted_at + 8 * DAY);
    bench.work(sent()).await;
    assert_eq!(bench.conditions_now().await.limit(Platform::Twitter, LimitedAction::Dm).per_day, Some(4));
}

async fn ten_thousand_exhausted_counters_of_others_change_nothing(bench: Bench) {
    let rows: Vec<_> = (0..10_000).map(|n| format!("('p{n}', 'dm', 'day', '2026-11-20T00:00:00.000000Z', 9)")).collect();
    for chunk in rows.chunks(1_000) {
        bench.execute(&format!("INSERT INTO safari_rate_limits (platform, action, period, started_at, used) VALUES {}", chunk.join(", "))).await;
    }
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.work(sent()).await;
    assert_eq!(bench.used("twitter").await, 1);
}

async fn pipeline_takes_all_it_may_send_from_every_account(bench: Bench) {
    bench.enqueue(NewCommand::new(Command::new(Verb::Pipeline, bench.now()))).await;
    let claimed = bench.claim_one().await;
    for platform in ["instagram", "twitter", "tiktok", "linkedin"] {
        assert_eq!(bench.used(platform).await, 10, "{platform}");
    }
    bench.dispatch(&claimed).await;
    bench.finish(claimed, DispatchOutcome::refused(Repeat::Never, Reason::NotStarted, "no such program")).await;
    assert_eq!(bench.used("twitter").await, 0);
}
}
