//! Nobody is written to twice in a day, and some people never.

use everreach_core::safari::queue::Denied;
use everreach_core::safari::{CommandStatus, Contact};

use super::*;

impl Bench {
    /// The reason for which a message to bob is refused; nothing when it goes.
    async fn refusal(&self, platform: Platform) -> Option<String> {
        let id = self.enqueue(self.dm(platform, "@Bob")).await;
        let claimed = self.claim(10).await;
        if let [claimed] = claimed.as_slice() {
            assert_eq!(claimed.command().id, id);
            return None;
        }
        let entry = self.get(id).await.entry;
        assert_eq!(entry.command.status, CommandStatus::Failed, "{}", entry.why);
        Some(entry.command.result.expect("a result")["reason"].as_str().expect("a code").to_owned())
    }
}

on_both! {
async fn nobody_is_written_to_twice_in_a_day(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(sent()).await;
    assert_eq!(bench.refusal(Platform::Twitter).await.as_deref(), Some("contact"));
    bench.clock.advance(DAY);
    assert_eq!(bench.refusal(Platform::Twitter).await, None);
}

async fn any_number_of_rows_that_are_refused_stand_in_nobodys_way(bench: Bench) {
    bench.queue.deny(Denied::everywhere("bob"), "opt_out").await.expect("written");
    for _ in 0..30 {
        bench.queue.enqueue((0..10).map(|_| bench.dm(Platform::Twitter, "bob").with_priority(1)).collect()).await.expect("written");
    }
    let good = bench.enqueue(bench.dm(Platform::Twitter, "ann").with_priority(9)).await;
    assert_eq!(bench.claim_one().await.command().id, good);
    assert_eq!(bench.number("SELECT COUNT(*) FROM safari_command_queue WHERE status = 'failed'").await, 300);
}

async fn an_unknown_message_counts_as_written(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(unknown()).await;
    assert_eq!(bench.refusal(Platform::Twitter).await.as_deref(), Some("contact"));
}

async fn a_refused_message_does_not_count_and_another_platform_is_another_account(bench: Bench) {
    bench.enqueue(bench.dm(Platform::Twitter, "bob")).await;
    bench.work(DispatchOutcome::refused(Repeat::Never, Reason::RecipientUnavailable, "closed")).await;
    bench.enqueue(bench.dm(Platform::Tiktok, "bob")).await;
    bench.work(sent()).await;
    assert_eq!(bench.refusal(Platform::Twitter).await, None);
}

async fn messages_of_the_crm_count(bench: Bench) {
    bench.execute("CREATE TABLE crm_messages (platform TEXT, username TEXT, is_outbound BOOLEAN, message_type TEXT, sent_at TEXT)").await;
    for row in ["('twitter', '@BOB', TRUE, 'comment', '2026-11-20T11:00:00Z')", "('twitter', 'bob', FALSE, 'dm', '2026-11-20T11:00:00Z')",
        "('twitter', 'bob', TRUE, 'dm', '2026-11-19T11:59:00Z')", "('twitter', 'bob', TRUE, 'dm', 'yesterday')"] {
        bench.execute(&format!("INSERT INTO crm_messages VALUES {row}")).await;
    }
    assert_eq!(bench.refusal(Platform::Twitter).await, None, "a comment, an answer, an old one and an unreadable one");
    let mut bench = Bench { clock: bench.clock.clone(), ..Bench::new(bench.store.clone()) };
    bench.conditions.contact_floor = 2 * DAY;
    bench.execute("DELETE FROM safari_command_queue").await;
    bench.execute("UPDATE everreach_safari_browser SET lease_until = NULL").await;
    assert_eq!(bench.refusal(Platform::Twitter).await.as_deref(), Some("contact"));
}

async fn messages_of_the_crms_other_shape_count(bench: Bench) {
    bench.execute("CREATE TABLE crm_contacts (id TEXT, platform TEXT, username TEXT)").await;
    bench.execute("CREATE TABLE crm_messages (contact_id TEXT, platform TEXT, direction TEXT, body TEXT, sent_at TEXT)").await;
    bench.execute("INSERT INTO crm_contacts VALUES ('7', 'twitter', 'bob')").await;
    bench.execute("INSERT INTO crm_messages VALUES ('7', 'twitter', 'outbound', 'hi', '2026-11-20 11:00:00+00')").await;
    assert_eq!(bench.refusal(Platform::Twitter).await.as_deref(), Some("contact"));
}

async fn rows_that_others_wrote_as_sent_count(bench: Bench) {
    bench.execute("INSERT INTO safari_command_queue (action, platform, params, status, created_at) VALUES ('dm_sent', 'twitter', \
        '{\"username\": \"bob\"}', 'completed', '2026-11-20T10:00:00Z')").await;
    assert_eq!(bench.refusal(Platform::Twitter).await.as_deref(), Some("contact"));
}

async fn people_on_the_deny_list_are_never_written_to(bench: Bench) {
    let waiting = bench.enqueue(bench.dm(Platform::Instagram, "bob")).await;
    let bob = || Denied::on(&Contact::new(Platform::Threads, "Bob"));
    assert_eq!(bench.queue.deny(bob(), "opt_out").await.expect("written"), 1);
    assert_eq!(bench.get(waiting).await.entry.command.status, CommandStatus::Cancelled);
    assert_eq!(bench.refusal(Platform::Instagram).await.as_deref(), Some("deny_list"));
    assert_eq!(bench.queue.denied().await.expect("a list")[0].who, bob());
    assert!(bench.queue.allow(bob()).await.expect("written") && !bench.queue.allow(bob()).await.expect("written"));
    bench.queue.deny(Denied::everywhere("@bob"), "own account").await.expect("written");
    assert_eq!(bench.refusal(Platform::Tiktok).await.as_deref(), Some("deny_list"));
    bench.queue.allow(Denied::everywhere("bob")).await.expect("written");
    assert_eq!(bench.refusal(Platform::Tiktok).await, None);
}
}
