//! A daemon that always has something to do.

use std::time::Duration;

use everreach_core::safari::gate::Work;
use everreach_core::safari::worker::WorkerConfig;
use everreach_core::testing::ScriptedDispatcher;
use tokio_util::sync::CancellationToken;

use super::campaigns::sequence;
use super::world::{World, both};

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_starts_while_the_queue_never_runs_empty_is_moved_on() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        let mut config = WorkerConfig::new("mac-1", &world.config);
        config.round = Duration::from_millis(50);
        let (worker, stopping) = (world.configured(config), CancellationToken::new());
        let until = stopping.clone();
        let running = tokio::spawn(async move { worker.run(Duration::from_secs(600), until).await });
        let has_commented = || world.dispatcher.seen().iter().any(|seen| matches!(seen.work(), Work::Comment(_)));
        let feeding = async {
            let mut rounds = 0_usize;
            while !has_commented() {
                // More than can be carried out until this looks again.
                if world.dispatcher.seen().len() + 200 > rounds * 100 {
                    world.enqueue((0..100).map(|_| world.score())).await;
                    rounds += 1;
                }
                if rounds == 5 {
                    let _started_before = world.campaigns.start(sequence(&["bob"])).await;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), feeding).await.expect("the campaign's comments go out");
        stopping.cancel();
        running.await.expect("the daemon ends");
    }
}
