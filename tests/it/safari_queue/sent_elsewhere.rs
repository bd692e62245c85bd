//! Messages that other programs wrote into the table as sent: they use the limits up too.

use everreach_core::safari::LimitedAction;
use everreach_core::safari::queue::LimitUsage;

use super::*;

impl Bench {
    /// A row as another program writes it.
    async fn told(&self, platform: &str, handle: &str, at: Timestamp) {
        self.execute(&format!(
            "INSERT INTO safari_command_queue (action, platform, params, status, created_at) VALUES ('dm_sent', '{platform}', \
             '{{\"username\": \"{handle}\"}}', 'completed', '{}')",
            at.format("%Y-%m-%dT%H:%M:%S%.6fZ")
        ))
        .await;
    }

    async fn shown(&self, platform: Platform) -> LimitUsage {
        let limits = self.queue.statistics(&self.conditions).await.expect("numbers").limits;
        limits.into_iter().find(|usage| usage.platform == platform && usage.action == LimitedAction::Dm).expect("a limit")
    }
}

on_both! {
async fn what_others_sent_today_leaves_less_room_and_is_shown(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = r#"{"twitter": {"dm": 3}, "tiktok": {"dm": 3}}"#.parse().expect("limits");
    bench.told("twitter", "zoe", bench.now() - 3_600 * SECOND).await;
    bench.told("Twitter", "yan", bench.now() - 13 * 3_600 * SECOND).await;
    let ids = bench.queue.enqueue(["ann", "bob", "cyd"].map(|who| bench.dm(Platform::Twitter, who)).into()).await.expect("written");
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 1, "what was sent yesterday is over");
    bench.work(sent()).await;
    bench.work(sent()).await;
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 3);
    assert_eq!(bench.shown(Platform::Tiktok).await.used.today, 0);
    let why = bench.get(ids[2].id).await.entry.why;
    assert!(why.starts_with("limit: twitter dm: 3 of 3 a day used"), "{why}");
    bench.clock.step_to("2026-11-21T00:00:00Z".parse().expect("a time"));
    assert_eq!(bench.work(sent()).await, ids[2].id);
}

async fn what_others_sent_counts_by_the_hour_too(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = r#"{"twitter": {"dm": 9, "dm_hour": 1}}"#.parse().expect("limits");
    bench.told("twitter", "zoe", bench.now()).await;
    let id = bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    assert!(bench.claim(10).await.is_empty());
    bench.clock.advance(3_600 * SECOND);
    assert_eq!(bench.work(sent()).await, id);
}

async fn a_row_about_a_message_of_ours_is_not_counted_again(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = r#"{"twitter": {"dm": 2}}"#.parse().expect("limits");
    bench.enqueue(bench.dm(Platform::Twitter, "Ann")).await;
    bench.work(sent()).await;
    bench.clock.advance(5 * SECOND);
    bench.told("twitter", "@ann", bench.now()).await;
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 1);
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(sent()).await;
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 2);
}

async fn a_message_told_of_after_the_claim_stops_the_one_that_was_claimed_ahead_of_it(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = r#"{"twitter": {"dm": 1}}"#.parse().expect("limits");
    bench.enqueue(bench.dm(Platform::Twitter, "ann")).await;
    let claimed = bench.claim_one().await;
    let look = || bench.queue.look_again(&claimed, &bench.conditions);
    assert!(matches!(look().await.expect("a look"), NextStep::Dispatch(_)), "its own charge does not stand against it");
    bench.told("twitter", "zoe", bench.now()).await;
    assert!(matches!(look().await.expect("a look"), NextStep::Wait { why: Rule::Limit, .. }));
}

async fn what_failed_elsewhere_uses_nothing_up(bench: Bench) {
    bench.told("twitter", "zoe", bench.now()).await;
    bench.execute("UPDATE safari_command_queue SET status = 'failed' WHERE action = 'dm_sent'").await;
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 0);
}

async fn everybody_written_to_elsewhere_is_known_however_many_they_are(bench: Bench) {
    let mut bench = bench;
    bench.conditions.limits = r#"{"tiktok": {"dm": 9}}"#.parse().expect("limits");
    bench.told("tiktok", "ann", bench.now() - 20 * 3_600 * SECOND).await;
    let many: Vec<_> = (0..1_200).map(|number| format!("('dm_sent', 'twitter', '{{\"username\": \"bob{number}\"}}', 'completed', \
        '2026-11-20T09:00:00.000000Z')")).collect();
    bench.execute(&format!("INSERT INTO safari_command_queue (action, platform, params, status, created_at) VALUES {}", many.join(", "))).await;
    let id = bench.enqueue(bench.dm(Platform::Tiktok, "ann")).await;
    assert!(bench.claim(10).await.is_empty());
    assert_eq!(bench.get(id).await.entry.command.result.expect("a result")["reason"], "contact");
    assert_eq!(bench.shown(Platform::Twitter).await.used.today, 1_200);
}
}
