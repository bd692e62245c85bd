//! The services' own limits, as the worker keeps to them, and rounds that are told to end.

use std::time::Duration;

use everreach_core::safari::limits::Limit;
use everreach_core::safari::{CommandStatus, LimitedAction, Platform, Service};
use everreach_core::testing::ScriptedDispatcher;
use tokio_util::sync::CancellationToken;

use super::world::{World, both};

/// Longer than a look at a service is good for.
const A_LOOK_LATER: u64 = 31;

async fn enforced(world: &World) -> Option<u32> {
    world.worker.conditions().await.expect("the conditions").limit(Platform::Twitter, LimitedAction::Dm).per_day
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_that_a_service_says_holds_where_it_is_stricter_than_ours() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.dispatcher.set_limit(Service::TwitterDm, Some(Limit::per_day(2)));
        world.enqueue((0..5).map(|number| world.dm(&format!("user{number}")))).await;
        assert_eq!(world.worker.run_once(100).await.expect("a run").completed, 2);
        assert_eq!(enforced(&world).await, Some(2), "what is shown is what was enforced");
        world.dispatcher.set_limit(Service::TwitterDm, None);
        world.advance(A_LOOK_LATER);
        assert_eq!(world.worker.run_once(100).await.expect("a run").executed, 0, "what it said last still holds");
        world.dispatcher.set_limit(Service::TwitterDm, Some(Limit::per_day(900)));
        world.advance(A_LOOK_LATER);
        assert_eq!(world.worker.run_once(100).await.expect("a run").completed, 3);
        assert_eq!(enforced(&world).await, Some(50), "ours is the stricter one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_lowered_in_the_middle_of_a_round_stops_the_next_command() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let ids = world.enqueue((0..3).map(|number| world.dm(&format!("user{number}")))).await;
        let (worker, dispatcher) = (world.worker.clone(), world.dispatcher.clone());
        let running = tokio::spawn(async move { worker.run_once(100).await });
        dispatcher.begun(1).await;
        dispatcher.set_limit(Service::TwitterDm, Some(Limit::per_day(1)));
        world.advance(A_LOOK_LATER);
        // The worker looks for new commands every second, and at the services before.
        let looked = async {
            while enforced(&world).await != Some(1) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), looked).await.expect("it looks in time");
        dispatcher.release(3);
        assert_eq!(running.await.expect("no panic").expect("a run").executed, 1);
        let second = world.get(ids[1]).await;
        assert_eq!(second.entry.command.status, CommandStatus::Pending);
        assert!(second.entry.why.contains("1 of 1"), "{}", second.entry.why);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_that_is_told_to_end_lets_the_running_command_finish_and_starts_nothing_more() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]).held());
        let ids = world.enqueue((0..3).map(|number| world.dm(&format!("user{number}")))).await;
        let (worker, dispatcher, stopping) = (world.worker.clone(), world.dispatcher.clone(), CancellationToken::new());
        let token = stopping.clone();
        let running = tokio::spawn(async move { worker.run_once_until(100, &token).await });
        dispatcher.begun(1).await;
        stopping.cancel();
        dispatcher.release(3);
        let summary = running.await.expect("no panic").expect("a run");
        assert_eq!((summary.executed, summary.completed), (1, 1), "{summary:?}");
        assert_eq!(world.status(ids[1]).await, CommandStatus::Pending);
        let ended = world.worker.run_once_until(100, &stopping).await.expect("a run");
        assert_eq!(ended.executed, 0, "a round that begins after the word does nothing");
        tokio::time::timeout(Duration::from_secs(20), world.worker.run_once(100)).await.expect("in time").expect("a run");
        assert_eq!(dispatcher.seen().len(), 3);
    }
}
