//! What becomes of commands, round by round.

use std::time::Duration;

use everreach_core::Clock;
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::queue::Resolution;
use everreach_core::safari::{Command, CommandStatus, DispatchOutcome, DispatchVerdict, Platform, Reason, Repeat};
use everreach_core::store::{Store, StoreConfig};
use everreach_core::testing::ScriptedDispatcher;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::world::{World, both};
use crate::support::cluster::Cluster;
use crate::support::store::number;

#[tokio::test(flavor = "multi_thread")]
async fn each_verdict_leaves_its_row_as_the_law_says() {
    let outcomes = || {
        [
            DispatchOutcome::sent("seen"),
            DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, "not seen"),
            DispatchOutcome::new(DispatchVerdict::Duplicate, Reason::AlreadyMessaged, "before"),
            DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "nobody"),
            DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "page"),
            DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"),
            DispatchOutcome::unknown(Reason::TimedOut, "late"),
        ]
    };
    let expected = [
        (CommandStatus::Completed, "sent", 0),
        (CommandStatus::Completed, "sent_unverified", 0),
        (CommandStatus::Completed, "duplicate", 0),
        (CommandStatus::Failed, "refused", 0),
        (CommandStatus::Pending, "refused", 1),
        (CommandStatus::Pending, "refused", 0),
        (CommandStatus::Failed, "unknown", 0),
    ];
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new(outcomes()));
        let ids = world.enqueue((0..7).map(|number| world.dm(&format!("user{number}")))).await;
        let summary = world.worker.run_once(100).await.expect("a run");
        assert_eq!((summary.executed, summary.completed, summary.failed), (7, 3, 1), "{summary:?}");
        assert_eq!((summary.unknown, summary.rescheduled), (1, 2), "{summary:?}");
        for (id, (status, outcome, retries)) in ids.iter().zip(expected) {
            let detail = world.get(*id).await;
            let command = &detail.entry.command;
            assert_eq!((command.status, detail.entry.outcome.as_deref()), (status, Some(outcome)), "{command:?}");
            assert_eq!((command.retry_count, detail.tries.len()), (retries, 1), "{command:?}");
            assert_eq!(command.next_retry_at.is_some(), status == CommandStatus::Pending, "{command:?}");
        }
        assert_eq!(world.dispatcher.most_at_once(), 1, "one command drives Safari at a time");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_tried_again_when_its_time_has_come_and_not_before() {
    for store in both().await {
        let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "page");
        let world = World::new(store, ScriptedDispatcher::new([refused]));
        let ids = world.enqueue([world.dm("bob")]).await;
        world.worker.run_once(10).await.expect("a run");
        world.advance(59);
        assert_eq!(world.worker.run_once(10).await.expect("a run").executed, 0);
        world.advance(14);
        assert_eq!(world.worker.run_once(10).await.expect("a run").completed, 1);
        assert_eq!(world.get(ids[0]).await.tries.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_need_no_browser_run_side_by_side_up_to_the_bound() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        world.enqueue((0..20).map(|_| world.score())).await;
        let (worker, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
        let running = tokio::spawn(async move { worker.run_once(100).await });
        dispatcher.begun(8).await;
        dispatcher.release(20);
        assert_eq!(running.await.expect("no panic").expect("a run").completed, 20);
        assert_eq!(dispatcher.most_at_once(), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_asked_for_is_carried_out() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.enqueue((0..9).map(|_| world.score())).await;
        assert_eq!(world.worker.run_once(4).await.expect("a run").executed, 4);
        assert_eq!(world.dispatcher.seen().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_in_the_middle_of_a_batch_stops_the_next_one() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let ids = world.enqueue((0..3).map(|number| world.dm(&format!("user{number}")))).await;
        let (worker, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
        let running = tokio::spawn(async move { worker.run_once(100).await });
        dispatcher.begun(1).await;
        world.stop.stop(Some("enough")).await.expect("it stops");
        dispatcher.release(3);
        let summary = running.await.expect("no panic").expect("a run");
        assert_eq!((summary.executed, summary.completed), (1, 1), "what had left is let through, the others wait");
        assert_eq!(world.status(ids[1]).await, CommandStatus::Pending);
        assert_eq!(world.dispatcher.seen().len(), 1);
        world.stop.resume().await.expect("it goes on");
        assert_eq!(world.worker.run_once(100).await.expect("a run").completed, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_lease_of_what_reaches_nobody_is_not_written_over() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let ids = world.enqueue([world.score()]).await;
        let (first, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
        let slow = tokio::spawn(async move { first.run_once(1).await });
        dispatcher.begun(1).await;
        world.advance(61);
        let second = world.another("mac-2");
        let taking_over = tokio::spawn(async move { second.run_once(1).await });
        dispatcher.begun(2).await;
        dispatcher.release(2);
        let (slow, fast) = (slow.await.expect("no panic").expect("a run"), taking_over.await.expect("no panic").expect("a run"));
        assert_eq!((slow.executed, fast.completed), (0, 1));
        let detail = world.get(ids[0]).await;
        assert_eq!((detail.entry.command.worker_id.as_deref(), detail.entry.attempts), (Some("mac-2"), 2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_worker_vanished_is_held_and_its_late_proof_is_taken() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let ids = world.enqueue([world.dm("bob")]).await;
        let (first, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
        let slow = tokio::spawn(async move { first.run_once(1).await });
        dispatcher.begun(1).await;
        world.advance(61);
        assert_eq!(world.another("mac-2").run_once(9).await.expect("a run").executed, 0, "it is never sent again by itself");
        assert_eq!(world.get(ids[0]).await.entry.outcome.as_deref(), Some("unknown"));
        dispatcher.release(1);
        assert_eq!(slow.await.expect("no panic").expect("a run").completed, 1);
        assert_eq!(world.status(ids[0]).await, CommandStatus::Completed);
        assert_eq!(world.dispatcher.seen().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_what_may_have_been_sent_waits_for_a_person() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        let ids = world.enqueue([world.dm("bob"), world.dm("eve")]).await;
        let conditions = {
            world.worker.services().look().await.expect("a look");
            world.worker.conditions().await.expect("the conditions")
        };
        let claimed = world.queue.claim("crashed", 1, &conditions).await.expect("a claim").remove(0);
        world.queue.mark_dispatched(&claimed).await.expect("the mark");
        world.advance(61);
        assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 1, "only the other one");
        assert_eq!(world.get(ids[0]).await.entry.outcome.as_deref(), Some("unknown"));
        world.queue.resolve(ids[0], Resolution::Retry).await.expect("a person says so");
        assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_on_one_table_never_drive_safari_together() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.enqueue((0..12).map(|number| world.dm(&format!("user{number}")))).await;
        for group in world.queue.waiting_groups().await.expect("the groups") {
            world.queue.approve(&group.id).await.expect("a person agrees");
        }
        let stopping = CancellationToken::new();
        let daemons = ["mac-2", "mac-3"].map(|name| {
            let (worker, stopping) = (world.another(name), stopping.clone());
            tokio::spawn(async move { worker.run(Duration::from_millis(20), stopping).await })
        });
        world.dispatcher.begun(12).await;
        stopping.cancel();
        let mut completed = 0;
        for daemon in daemons {
            completed += daemon.await.expect("no panic").completed;
        }
        assert_eq!((completed, world.dispatcher.seen().len()), (12, 12));
        assert_eq!(world.dispatcher.most_at_once(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_takes_up_what_is_enqueued_and_lets_the_running_command_finish() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let stopping = CancellationToken::new();
        let (worker, until) = (world.worker.clone(), stopping.clone());
        let daemon = tokio::spawn(async move { worker.run(Duration::from_secs(3_600), until).await });
        let ids = world.enqueue([world.dm("bob")]).await;
        world.dispatcher.begun(1).await;
        stopping.cancel();
        world.dispatcher.release(1);
        assert_eq!(daemon.await.expect("no panic").completed, 1);
        assert_eq!(world.status(ids[0]).await, CommandStatus::Completed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_between_claim_and_dispatch_is_not_sent() {
    for store in both().await {
        use everreach_core::safari::Contact;
        use everreach_core::safari::decision::NextStep;
        use everreach_core::safari::queue::Denied;
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.enqueue([world.dm("bob")]).await;
        world.worker.services().look().await.expect("a look");
        let conditions = world.worker.conditions().await.expect("the conditions");
        let claimed = world.queue.claim("mac-1", 1, &conditions).await.expect("a claim").remove(0);
        let step = world.queue.look_again(&claimed, &conditions).await.expect("a look");
        assert!(matches!(step, NextStep::Dispatch(_)), "its own claim does not stand against it: {step:?}");
        world.queue.deny(Denied::on(&Contact::new(Platform::Twitter, "bob")), "opt_out").await.expect("it is denied");
        let step = world.queue.look_again(&claimed, &conditions).await.expect("a look");
        assert!(matches!(step, NextStep::Refuse { .. }), "{step:?}");
        assert!(world.clock.now() < claimed.lease_until());
    }
}

fn two_posts() -> impl FnMut(&Dispatchable) -> DispatchOutcome + Send + 'static {
    let answer = json!({"success": true, "posts": [
        {"author": "bob", "url": "https://x.com/bob/status/1", "text": "agents", "likes": 3, "views": 90},
        {"author": "eve", "url": "https://x.com/eve/status/2", "text": "ai", "likes": 5}
    ]});
    move |_| DispatchOutcome::done("found").with_answer(answer.clone())
}

const FOUND: &str = "SELECT COUNT(*) FROM crm_market_research WHERE platform = 'twitter' AND keyword = 'ai agents' AND likes > 2";

#[tokio::test(flavor = "multi_thread")]
async fn what_each_search_found_is_kept() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::answering(two_posts()));
        for rows in [2, 4] {
            world.enqueue([Command::research(Platform::Twitter, "ai agents", 10, world.clock.now())]).await;
            assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 1);
            assert_eq!(number(&world.store, FOUND).await, rows);
            world.advance(60);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_two_workers_made_is_kept_once() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::answering(two_posts()).held());
        world.enqueue([Command::research(Platform::Twitter, "ai agents", 10, world.clock.now())]).await;
        let first = world.worker.clone();
        let slow = tokio::spawn(async move { first.run_once(1).await });
        world.dispatcher.begun(1).await;
        world.advance(61);
        let second = world.another("mac-2");
        let taking_over = tokio::spawn(async move { second.run_once(1).await });
        world.dispatcher.begun(2).await;
        world.dispatcher.release(2);
        let (slow, fast) = (slow.await.expect("no panic").expect("a run"), taking_over.await.expect("no panic").expect("a run"));
        assert_eq!((slow.executed, fast.completed), (0, 1));
        assert_eq!(number(&world.store, FOUND).await, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_while_the_database_is_away_is_recorded_when_it_is_back() {
    let cluster = Cluster::start();
    let store = Store::open(&StoreConfig::new(cluster.url())).await.expect("a database");
    let world = World::new(store, ScriptedDispatcher::new([]).held());
    let ids = world.enqueue([world.dm("bob")]).await;
    let (worker, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
    let running = tokio::spawn(async move { worker.run_once(1).await });
    dispatcher.begun(1).await;
    cluster.cut();
    dispatcher.release(1);
    cluster.resume();
    let _the_campaigns_may_be_unreadable_for_a_moment = running.await.expect("no panic");
    assert_eq!(world.status(ids[0]).await, CommandStatus::Completed);
    assert_eq!(world.dispatcher.seen().len(), 1);
}
