//! Many messages at once wait for a person.

use everreach_core::ErrorKind;
use everreach_core::safari::CommandStatus;

use super::*;

impl Bench {
    async fn batch(&self, count: usize) -> (String, Vec<Id>) {
        let dms = (0..count).map(|number| self.dm(Platform::Twitter, &format!("bob{number}")));
        let written = self.queue.enqueue(dms.collect()).await.expect("written");
        let group = written[0].waits_for.clone().expect("it waits for a person");
        (group, written.into_iter().map(|one| one.id).collect())
    }
}

on_both! {
async fn eleven_messages_wait_and_go_when_a_person_agrees(bench: Bench) {
    let (group, ids) = bench.batch(11).await;
    let single = bench.enqueue(bench.dm(Platform::Twitter, "ann").with_priority(9)).await;
    assert!(bench.get(ids[0]).await.entry.why.starts_with("approval: "));
    assert_eq!(bench.work(sent()).await, single, "those that wait stand in nobody's way");
    assert!(bench.claim(10).await.is_empty());
    let waiting = bench.queue.waiting_groups().await.expect("groups");
    assert_eq!((waiting[0].id.as_str(), waiting[0].dms), (group.as_str(), 11));
    assert_eq!(bench.queue.approve(&group).await.expect("it waits"), 11);
    assert_eq!(bench.work(sent()).await, ids[0]);
    assert_eq!(bench.queue.approve(&group).await.expect_err("decided").kind(), ErrorKind::Conflict);
    assert_eq!(bench.queue.approve("nothing").await.expect_err("unknown").kind(), ErrorKind::NotFound);
}

async fn a_no_cancels_what_waits_and_refuses_what_comes_later(bench: Bench) {
    let (group, ids) = bench.batch(11).await;
    assert_eq!(bench.queue.deny_group(&group).await.expect("it waits"), 11);
    assert_eq!(bench.get(ids[10]).await.entry.command.status, CommandStatus::Cancelled);
    let later = bench.enqueue(bench.dm(Platform::Twitter, "late").in_batch(&group)).await;
    assert!(bench.claim(10).await.is_empty());
    let entry = bench.get(later).await.entry;
    assert_eq!(entry.command.result.expect("a result")["reason"], "approval");
}

async fn silence_is_a_no_after_four_hours(bench: Bench) {
    let (group, ids) = bench.batch(11).await;
    bench.clock.advance(4 * 3_600 * SECOND);
    assert_eq!(bench.queue.approve(&group).await.expect_err("too late").kind(), ErrorKind::Conflict);
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.get(ids[0]).await.entry.command.status, CommandStatus::Cancelled);
}

async fn a_campaign_that_grows_over_ten_messages_waits_from_then_on(bench: Bench) {
    for number in 0..11 {
        bench.enqueue(bench.dm(Platform::Twitter, &format!("bob{number}")).in_campaign("spring")).await;
    }
    assert!(bench.claim(10).await.is_empty());
    bench.queue.approve("spring").await.expect("it waits");
    bench.claim_one().await;
}

async fn messages_of_other_programs_are_counted_too(bench: Bench) {
    for number in 0..11 {
        bench.execute(&format!(
            "INSERT INTO safari_command_queue (action, platform, params, batch_id) VALUES ('send_dm', 'twitter', \
             '{{\"username\": \"bob{number}\", \"text\": \"hi\"}}', 'theirs')"
        )).await;
    }
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.queue.approve("theirs").await.expect("it waits"), 11);
    bench.claim_one().await;
}

async fn a_message_moved_into_a_campaign_that_nobody_counted_is_counted_then(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.execute("UPDATE safari_command_queue SET campaign_id = 'moved'").await;
    bench.claim_one().await;
}
}
