//! What people do with the queue.

use everreach_core::ErrorKind;
use everreach_core::safari::CommandStatus;
use everreach_core::safari::queue::{HistoryFilter, Resolution};

use super::*;

on_both! {
async fn a_known_key_is_answered_with_the_first_command(bench: Bench) {
    let key = || "welcome-bob".parse().expect("a key");
    let first = bench.queue.enqueue(vec![bench.dm(Platform::Twitter, "bob").with_key(key())]).await.expect("written");
    bench.work(sent()).await;
    let again = bench.queue.enqueue(vec![bench.dm(Platform::Twitter, "bob").with_key(key())]).await.expect("known");
    assert!(first[0].created && !again[0].created);
    assert_eq!((again[0].id, again[0].status), (first[0].id, CommandStatus::Completed));
    let error = bench.queue.enqueue(vec![bench.dm(Platform::Twitter, "ann").with_key(key())]).await.expect_err("another");
    assert_eq!(error.kind(), ErrorKind::IdempotencyMismatch);
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue").await, 1);
}

async fn one_key_twice_in_a_request_is_one_command(bench: Bench) {
    let new = || bench.dm(Platform::Twitter, "bob").with_key("k".parse().expect("a key"));
    let written = bench.queue.enqueue(vec![new(), new()]).await.expect("written");
    assert_eq!(written[0].id, written[1].id);
    assert_eq!((written[0].created, written[1].created), (true, false));
}

async fn a_request_is_written_whole_or_not_at_all(bench: Bench) {
    let mut commands = vec![bench.score(), bench.dm(Platform::Twitter, "bob'; open /")];
    assert_eq!(bench.queue.enqueue(commands.clone()).await.expect_err("a quote").kind(), ErrorKind::InvalidParams);
    let known = bench.enqueue(bench.score()).await;
    commands[1] = bench.score();
    commands[1].command.id = known;
    assert_eq!(bench.queue.enqueue(commands).await.expect_err("a known id").kind(), ErrorKind::Conflict);
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue").await, 1);
}

async fn ten_thousand_rows_are_written_and_worked_through(bench: Bench) {
    let written = bench.queue.enqueue((0..10_000).map(|_| bench.score()).collect()).await.expect("written");
    assert!(written.len() == 10_000 && written.iter().all(|one| one.created));
    let mut done = 0;
    loop {
        let claimed = bench.claim(1_000).await;
        if claimed.is_empty() {
            break;
        }
        done += claimed.len();
        let ends = claimed.into_iter().map(|claimed| bench.end(claimed, DispatchOutcome::done("scored")));
        assert!(bench.queue.finish_many(ends.collect()).await.expect("written").is_empty());
    }
    assert_eq!(done, 10_000);
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue WHERE status = 'completed'").await, 10_000);
    assert_eq!(bench.number("SELECT COUNT(*) FROM everreach_safari_attempts WHERE verdict = 'sent'").await, 10_000);
}

async fn a_refusal_is_repeated_three_times_and_then_failed(bench: Bench) {
    let id = bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    for minutes in [1, 5, 15] {
        bench.work(refused()).await;
        assert!(bench.claim(10).await.is_empty());
        assert_eq!(bench.get(id).await.entry.command.next_retry_at, Some(bench.now() + 60 * minutes * SECOND));
        bench.clock.advance(60 * minutes * SECOND);
    }
    bench.work(refused()).await;
    let detail = bench.get(id).await;
    assert_eq!((detail.entry.command.status, detail.entry.attempts, detail.tries.len()), (CommandStatus::Failed, 4, 4));
    assert_eq!(detail.entry.command.error.as_deref(), Some("the page did not load"));
    let result = detail.entry.command.result.expect("a result");
    assert_eq!((result["outcome"].as_str(), result["reason"].as_str()), (Some("refused"), Some("page_failed")));
}

async fn retrying_the_failed_leaves_the_unknown_alone_unless_asked_by_id(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let held = bench.work(unknown()).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    let failed = bench.work(DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "nobody")).await;
    assert_eq!(bench.queue.retry_failed(None).await.expect("retried"), [failed]);
    assert_eq!(bench.get(held).await.entry.outcome.as_deref(), Some("unknown"));
    assert_eq!(bench.queue.retry_failed(Some(vec![held])).await.expect("retried"), [held]);
    assert_eq!(bench.used("twitter").await, 0, "a person says that it was not sent");
    let error = bench.queue.retry_failed(Some(vec![held])).await.expect_err("it waits");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(bench.queue.retry_failed(Some(vec![Id::new()])).await.expect_err("nobody").kind(), ErrorKind::NotFound);
    bench.work(sent()).await;
    bench.work(sent()).await;
}

async fn a_persons_word_settles_what_is_unknown(bench: Bench) {
    let mut ids = Vec::new();
    for handle in ["ann", "bob", "cyd"] {
        bench.enqueue(bench.dm(Platform::Twitter, handle)).await;
        ids.push(bench.work(unknown()).await);
    }
    for (id, resolution) in ids.iter().zip([Resolution::Happened, Resolution::Retry, Resolution::Drop]) {
        bench.queue.resolve(*id, resolution).await.expect("it is held");
        let again = bench.queue.resolve(*id, resolution).await.expect_err("it is settled");
        assert_eq!(again.kind(), ErrorKind::Conflict);
    }
    let mut stands = Vec::new();
    for id in &ids {
        let entry = bench.get(*id).await.entry;
        stands.push((entry.command.status, entry.outcome));
    }
    assert_eq!(stands[0], (CommandStatus::Completed, Some("happened".to_owned())));
    assert_eq!(stands[1], (CommandStatus::Pending, None));
    assert_eq!(stands[2], (CommandStatus::Failed, Some("dropped".to_owned())));
    assert_eq!(bench.claim_one().await.command().id, ids[1]);
    assert!(bench.queue.retry_failed(None).await.expect("none").is_empty());
}

async fn cancelling_twice_changes_nothing_and_a_campaign_is_cancelled_whole(bench: Bench) {
    let id = bench.enqueue(bench.score()).await;
    bench.queue.cancel(id).await.expect("it waits");
    bench.queue.cancel(id).await.expect("it is cancelled");
    assert_eq!(bench.queue.cancel(Id::new()).await.expect_err("nobody").kind(), ErrorKind::NotFound);
    for handle in ["ann", "bob"] {
        bench.enqueue(bench.dm(Platform::Twitter, handle).in_campaign("spring")).await;
    }
    let other = bench.enqueue(bench.dm(Platform::Twitter, "cyd")).await;
    assert_eq!(bench.queue.cancel_campaign("spring").await.expect("cancelled"), 2);
    assert_eq!(bench.claim_one().await.command().id, other);
}

async fn history_is_read_page_by_page_and_by_filter(bench: Bench) {
    let mut ids = Vec::new();
    for number in 0..5 {
        let platform = if number % 2 == 0 { Platform::Twitter } else { Platform::Tiktok };
        ids.push(bench.enqueue(bench.dm(platform, &format!("bob{number}")).in_campaign(format!("c{}", number % 2))).await);
        bench.clock.advance(SECOND);
    }
    ids.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = bench.queue.history(&HistoryFilter::default(), after, 2, &bench.conditions).await.expect("a page");
        seen.extend(page.commands.iter().map(|entry| entry.command.id));
        after = page.next.map(|next| next.to_string().parse().expect("a cursor"));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
    let mut filter = HistoryFilter::default();
    filter.platform = Some(Platform::Tiktok);
    filter.campaign = Some("c1".to_owned());
    filter.status = Some(CommandStatus::Pending);
    filter.action = Some("send_dm".to_owned());
    let page = bench.queue.history(&filter, None, 100, &bench.conditions).await.expect("a page");
    assert_eq!((page.commands.len(), page.next), (2, None));
    let full = bench.queue.history(&filter, None, 2, &bench.conditions).await.expect("a page");
    assert_eq!((full.commands.len(), full.next), (2, None), "nothing follows a last page that is full");
    assert!(page.commands[0].why.starts_with("nothing stands against it"), "{}", page.commands[0].why);
}

async fn the_queue_tells_its_numbers(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    bench.work(sent()).await;
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(unknown()).await;
    bench.enqueue(bench.dm(Platform::Tiktok, "cyd")).await;
    bench.enqueue(bench.dm(Platform::Tiktok, "dan").at(bench.now() + DAY)).await;
    bench.execute("INSERT INTO safari_command_queue (action, platform, status) VALUES ('prospect_discover', 'tiktok', 'pending')").await;
    bench.clock.advance(30 * SECOND);
    let numbers = bench.queue.statistics(&bench.conditions).await.expect("numbers");
    assert_eq!(numbers.of_status(CommandStatus::Pending), 2, "{numbers:?}");
    assert_eq!((numbers.unknown(), numbers.completion_rate), (1, Some(0.5)));
    assert_eq!(numbers.oldest_pending_s, Some(30.0));
    let twitter = numbers.limits.iter().find(|one| one.platform == Platform::Twitter && one.limit.per_hour == Some(15));
    assert_eq!(twitter.expect("its limit").used.today, 2);
}
}
