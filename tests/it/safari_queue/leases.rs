//! What becomes of a command whose worker is not heard of again.

use everreach_core::ErrorKind;
use everreach_core::safari::CommandStatus;
use everreach_core::safari::queue::Resolution;

use super::*;

const LEASE: Duration = Duration::from_secs(60);

on_both! {
async fn what_had_not_been_sent_is_claimable_at_once_and_uses_up_nothing(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let lost = bench.claim_one().await;
    assert_eq!(bench.used("twitter").await, 1);
    bench.clock.advance(LEASE);
    let again = bench.claim_one().await;
    assert_eq!((again.command().id, again.number(), again.command().retry_count), (id, 2, 0));
    assert_eq!(bench.used("twitter").await, 1, "what the first took was given back");
    assert_eq!(bench.queue.mark_dispatched(&lost).await.expect_err("lost").kind(), ErrorKind::Conflict);
    assert_eq!(bench.queue.renew(&lost).await.expect_err("lost").kind(), ErrorKind::Conflict);
    let late = bench.queue.finish(bench.end(lost, sent())).await;
    assert_eq!(late.expect_err("lost").kind(), ErrorKind::Conflict);
    bench.dispatch(&again).await;
    bench.finish(again, sent()).await;
    let tries = bench.get(id).await.tries;
    let told: Vec<_> = tries.iter().map(|a| (a.number, a.verdict.as_deref(), a.reason.as_deref())).collect();
    assert_eq!(told, [(1, Some("refused"), Some("worker_lost")), (2, Some("sent"), Some("verified"))]);
}

async fn what_had_been_sent_is_held(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let lost = bench.claim_one().await;
    bench.dispatch(&lost).await;
    bench.clock.advance(LEASE);
    assert!(bench.claim(10).await.is_empty());
    let held = bench.get(id).await;
    assert_eq!((held.entry.command.status, held.entry.outcome.as_deref()), (CommandStatus::Failed, Some("unknown")));
    assert!(held.tries[0].dispatched_at.is_some());
    assert_eq!(bench.used("twitter").await, 1, "it may have been sent");
    bench.clock.advance(DAY);
    assert!(bench.claim(10).await.is_empty(), "it is never repeated by itself");
}

async fn a_late_report_settles_what_is_held(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let late = bench.claim_one().await;
    bench.dispatch(&late).await;
    bench.clock.advance(LEASE);
    assert!(bench.claim(10).await.is_empty());
    bench.finish(late.clone(), sent()).await;
    assert_eq!(bench.get(id).await.entry.command.status, CommandStatus::Completed);
    let twice = bench.queue.finish(bench.end(late, refused())).await;
    assert_eq!(twice.expect_err("it is settled").kind(), ErrorKind::Conflict);
}

async fn a_late_report_never_overwrites_a_persons_word(bench: Bench) {
    for resolution in [Resolution::Happened, Resolution::Retry, Resolution::Drop] {
        let handle = format!("bob-{resolution}");
        let id = bench.enqueue(bench.dm(Platform::Twitter, &handle)).await;
        let late = bench.claim_one().await;
        bench.dispatch(&late).await;
        bench.clock.advance(LEASE);
        bench.claim(0).await;
        bench.queue.resolve(id, resolution).await.expect("it is held");
        let before = bench.get(id).await.entry.command;
        for outcome in [sent(), refused(), unknown()] {
            let error = bench.queue.finish(bench.end(late.clone(), outcome)).await.expect_err("decided");
            assert_eq!(error.kind(), ErrorKind::Conflict);
        }
        assert_eq!(bench.get(id).await.entry.command, before);
        if resolution == Resolution::Retry {
            bench.queue.cancel(id).await.expect("it waits");
        }
        bench.clock.advance(1_000 * SECOND);
    }
}

async fn what_does_no_harm_twice_is_repeated_even_after_it_was_sent(bench: Bench) {
    let id = bench.enqueue(bench.score()).await;
    let search = bench.enqueue(NewCommand::new(Command::research(Platform::Tiktok, "ai", 5, bench.now()))).await;
    for claimed in bench.claim(10).await {
        bench.dispatch(&claimed).await;
    }
    bench.clock.advance(LEASE);
    let again: Vec<_> = bench.claim(10).await.iter().map(|claimed| (claimed.command().id, claimed.number())).collect();
    assert_eq!(again, [(search, 2), (id, 2)]);
}

async fn a_renewed_claim_outlives_its_lease(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.enqueue(bench.dm(Platform::Tiktok, "bob")).await;
    let claimed = bench.claim_one().await;
    for _ in 0..3 {
        bench.clock.advance(LEASE - SECOND);
        bench.queue.renew(&claimed).await.expect("it holds");
        assert!(bench.claim(10).await.is_empty(), "Safari is not free");
    }
    bench.dispatch(&claimed).await;
    bench.finish(claimed, sent()).await;
}

async fn two_dispatch_marks_for_one_claim_are_one_too_many(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let claimed = bench.claim_one().await;
    bench.dispatch(&claimed).await;
    assert_eq!(bench.queue.mark_dispatched(&claimed).await.expect_err("marked").kind(), ErrorKind::Conflict);
}

async fn a_cancelled_command_is_not_sent_by_the_worker_that_has_it(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let claimed = bench.claim_one().await;
    bench.queue.cancel(id).await.expect("nothing has left");
    assert_eq!(bench.queue.mark_dispatched(&claimed).await.expect_err("cancelled").kind(), ErrorKind::Conflict);
    assert_eq!(bench.used("twitter").await, 0);
    assert_eq!(bench.get(id).await.entry.command.status, CommandStatus::Cancelled);
    let lost = bench.queue.finish(bench.end(claimed, refused())).await;
    assert_eq!(lost.expect_err("cancelled").kind(), ErrorKind::Conflict);
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.claim_one().await;
}

async fn a_command_that_is_being_sent_can_no_longer_be_cancelled(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let claimed = bench.claim_one().await;
    bench.dispatch(&claimed).await;
    assert_eq!(bench.queue.cancel(id).await.expect_err("it left").kind(), ErrorKind::Conflict);
    bench.finish(claimed, sent()).await;
    assert_eq!(bench.queue.cancel(id).await.expect_err("it is over").kind(), ErrorKind::Conflict);
}

async fn safari_rests_after_an_unknown_outcome(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let next = bench.enqueue(bench.dm(Platform::Tiktok, "bob")).await;
    let claimed = bench.claim_one().await;
    bench.dispatch(&claimed).await;
    let finish = bench.end(claimed, unknown()).with_rest(90 * SECOND);
    bench.queue.finish(finish).await.expect("it holds");
    assert!(bench.claim(10).await.is_empty());
    assert!(bench.get(next).await.entry.why.starts_with("rest: "));
    bench.clock.advance(90 * SECOND);
    assert_eq!(bench.claim_one().await.command().id, next);
}
}
