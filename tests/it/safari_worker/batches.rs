//! Commands that reach nobody are claimed ahead, and written down together.

use std::time::Duration;

use everreach_core::Clock;
use everreach_core::safari::worker::SafariWorker;
use everreach_core::safari::{CommandStatus, DispatchOutcome, Reason, Repeat};
use everreach_core::stop::StopSwitch;
use everreach_core::store::Store;
use everreach_core::testing::ScriptedDispatcher;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::{World, both};
use crate::support::store::number;

const PATIENCE: Duration = Duration::from_secs(30);
const ROWS: usize = 200;
/// How many run side by side.
const PARALLEL: i64 = 8;
const RUNNING: &str = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'running'";

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// A daemon in the middle of a batch: more are claimed than run.
struct Claiming {
    world: World,
    stopping: CancellationToken,
    daemon: JoinHandle<everreach_core::safari::worker::RunSummary>,
    released: usize,
}

impl Claiming {
    async fn begin(store: Store, change: impl FnOnce(&mut World)) -> Self {
        let mut world = World::new(store, ScriptedDispatcher::new([]).held());
        change(&mut world);
        world.enqueue((0..ROWS).map(|_| world.score())).await;
        let (worker, stopping) = (world.another("mac-1"), CancellationToken::new());
        let until_then = stopping.clone();
        let daemon = tokio::spawn(async move { worker.run(Duration::from_millis(50), until_then).await });
        let mut released = 0;
        while number(&world.store, RUNNING).await <= 2 * PARALLEL {
            assert!(released < ROWS / 2, "it claims ahead sooner or later");
            world.dispatcher.release(1);
            released += 1;
            world.dispatcher.begun(released + 8).await;
        }
        Self { world, stopping, daemon, released }
    }

    async fn only_what_has_started_is_claimed(&self) {
        until("what has not started is given back", || async { number(&self.world.store, RUNNING).await <= PARALLEL }).await;
    }

    /// Lets everything that has started end, and the daemon with it.
    async fn end(self) -> (World, u32) {
        self.world.dispatcher.release(ROWS);
        self.stopping.cancel();
        let summary = self.daemon.await.expect("no panic");
        (self.world, summary.completed)
    }
}

async fn count(world: &World, status: CommandStatus) -> usize {
    let statement = format!("SELECT COUNT(*) FROM safari_command_queue WHERE status = '{status}'");
    usize::try_from(number(&world.store, statement).await).expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_claimed_ahead_is_given_back_when_the_daemon_stops() {
    for store in both().await {
        let claiming = Claiming::begin(store, |_| {}).await;
        claiming.stopping.cancel();
        claiming.only_what_has_started_is_claimed().await;
        let (world, completed) = claiming.end().await;
        let (seen, completed) = (world.dispatcher.seen().len(), usize::try_from(completed).expect("a count"));
        assert_eq!((completed, count(&world, CommandStatus::Completed).await), (seen, seen), "what had started has ended");
        assert_eq!(count(&world, CommandStatus::Pending).await, ROWS - seen, "the rest waits for the next worker");
        let told = "SELECT COUNT(*) FROM everreach_events WHERE kind = 'safari.given_back'";
        assert!(number(&world.store, told).await >= 1, "and it is told");
        assert_eq!(usize::try_from(world.another("mac-2").run_once(1_000).await.expect("a run").completed), Ok(ROWS - seen));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_switch_in_the_middle_of_a_batch_lets_nothing_more_of_it_start() {
    for store in both().await {
        let claiming = Claiming::begin(store, |_| {}).await;
        claiming.world.stop.stop(Some("enough")).await.expect("it stops");
        let begun = claiming.released + 8;
        claiming.only_what_has_started_is_claimed().await;
        let (world, _) = claiming.end().await;
        assert_eq!(world.dispatcher.seen().len(), begun, "nothing started after the switch was set");
        assert_eq!(count(&world, CommandStatus::Completed).await, begun);
        assert_eq!(count(&world, CommandStatus::Pending).await, ROWS - begun);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_second_after_its_claim_is_looked_at_again_first() {
    for store in both().await {
        let claiming = Claiming::begin(store, |_| {}).await;
        // Set by another process: this one only finds out by asking.
        let world = &claiming.world;
        let elsewhere = StopSwitch::new(world.store.clone(), world.clock.clone(), world.events().clone(), "/nowhere".into());
        elsewhere.stop(None).await.expect("it stops");
        let begun = claiming.released + 8;
        world.advance(1);
        claiming.only_what_has_started_is_claimed().await;
        let (world, _) = claiming.end().await;
        assert_eq!(world.dispatcher.seen().len(), begun);
        assert_eq!(count(&world, CommandStatus::Pending).await, ROWS - begun);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leases_of_what_was_claimed_ahead_are_renewed() {
    for store in both().await {
        let claiming = Claiming::begin(store, |world| world.config.lease = Duration::from_millis(300)).await;
        let world = &claiming.world;
        let before = everreach_core::store::Stamp(world.clock.now() + Duration::from_secs(60)).to_string();
        world.clock.advance(Duration::from_millis(500));
        let old = format!("{RUNNING} AND everreach_lease_until <= '{before}'");
        until("all are renewed", || async { number(&world.store, old.clone()).await == 0 }).await;
        assert!(number(&world.store, RUNNING).await > PARALLEL, "also those that have not started");
        claiming.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_vanishes_with_commands_claimed_ahead_loses_none() {
    for store in both().await {
        let claiming = Claiming::begin(store, |_| {}).await;
        claiming.daemon.abort();
        claiming.world.advance(61);
        claiming.world.dispatcher.release(2 * ROWS);
        let second = claiming.world.another("mac-2");
        second.run_once(1_000).await.expect("a run");
        let world = &claiming.world;
        until("all are done", || async { count(world, CommandStatus::Completed).await == ROWS }).await;
        let twice = "SELECT COUNT(*) FROM (SELECT command_id FROM everreach_safari_attempts WHERE verdict = 'sent' \
            GROUP BY command_id HAVING COUNT(*) > 1) AS twice";
        assert_eq!(number(&world.store, twice).await, 0, "each is recorded as done once");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ends_that_are_written_together_are_each_as_their_outcome_says() {
    let outcomes = || {
        [
            DispatchOutcome::sent("done"),
            DispatchOutcome::refused(Repeat::Never, Reason::ProgramFailed, "it failed"),
            DispatchOutcome::refused(Repeat::Counted, Reason::ProgramFailed, "it failed this time"),
            DispatchOutcome::unknown(Reason::TimedOut, "late"),
        ]
    };
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new(outcomes()));
        world.enqueue((0..4).map(|_| world.score())).await;
        let worker: SafariWorker = world.another("mac-1");
        let summary = worker.run_once(4).await.expect("a run");
        assert_eq!((summary.executed, summary.completed, summary.failed), (4, 1, 1), "{summary:?}");
        assert_eq!((summary.unknown, summary.rescheduled), (1, 1), "{summary:?}");
        assert_eq!(number(&world.store, "SELECT COUNT(*) FROM everreach_safari_attempts WHERE finished_at IS NOT NULL").await, 4);
    }
}
