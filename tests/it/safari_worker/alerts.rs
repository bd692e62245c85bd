//! What the operator is told, once per occasion.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::notify::Notifier;
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::{DispatchOutcome, HealthStatus, Reason, Repeat, Service};
use everreach_core::testing::ScriptedDispatcher;
use everreach_core::{Error, ErrorKind, Result, Retry};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::world::{World, both};
use crate::support::store::number;

/// Keeps what it is told; the first so many are refused.
#[derive(Default)]
struct Told {
    messages: Mutex<Vec<String>>,
    refusals: Mutex<u32>,
    arrived: Notify,
}

impl Told {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.messages.lock().expect("no panic"))
    }
}

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, message: &str) -> Result<()> {
        let mut refusals = self.refusals.lock().expect("no panic");
        if *refusals > 0 {
            *refusals -= 1;
            let wait = Duration::from_secs(7);
            return Err(Error::new(ErrorKind::RateLimited, "too many").with_retry(Retry::Later(wait)));
        }
        self.messages.lock().expect("no panic").push(message.to_owned());
        self.arrived.notify_one();
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_goes_down_is_told_once_then_every_hour_and_again_after_it_was_up() {
    for store in both().await {
        let told = Told::default();
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.enqueue([world.dm("warm-up")]).await;
        world.worker.run_once(9).await.expect("a run");
        world.dispatcher.set_health(Service::TwitterDm, HealthStatus::Down);
        world.advance(7_200);
        let down = world.enqueue((0..3).map(|number| world.dm(&format!("user{number}")))).await;
        for _ in 0..4 {
            assert_eq!(world.worker.run_once(9).await.expect("a run").executed, 0);
            world.advance(30);
        }
        world.alerts.send_due(&told).await.expect("they are sent");
        // Rows are put into their lanes by a claim, which follows the look: counted from the second look on.
        let messages = told.take();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(
            messages[0].starts_with("⚠️ Safari Service Down: twitter-dm (port 3003)\nLast healthy: 2h ago. Queue: 3 pending DMs"),
            "{messages:?}"
        );
        world.advance(3_600);
        world.worker.run_once(9).await.expect("a run");
        world.worker.run_once(9).await.expect("a run");
        world.alerts.send_due(&told).await.expect("they are sent");
        assert_eq!(told.take().len(), 1, "the hourly reminder");
        world.dispatcher.set_health(Service::TwitterDm, HealthStatus::Healthy);
        world.advance(60);
        assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 3);
        world.dispatcher.set_health(Service::TwitterDm, HealthStatus::Timeout);
        world.advance(60);
        world.enqueue([world.dm("late")]).await;
        world.worker.run_once(9).await.expect("a run");
        world.alerts.send_due(&told).await.expect("they are sent");
        assert_eq!(told.take().len(), 1, "a new occasion");
        assert!(matches!(world.get(down[0]).await.tries.len(), 1));
        let edges = "SELECT COUNT(*) FROM everreach_events WHERE kind = 'safari.service_down'";
        assert_eq!(number(&world.store, edges).await, 2);
        assert_eq!(number(&world.store, "SELECT COUNT(*) FROM safari_service_health").await, 9);
        assert!(world.events().newest().await.expect("the events") > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_leak_are_looked_at_once_a_minute_at_most() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        for number in 0..6 {
            world.enqueue([world.dm(&format!("user{number}"))]).await;
            world.worker.run_once(9).await.expect("a run");
            world.advance(30);
        }
        assert_eq!(world.dispatcher.looks(), 7 * 6 + 2 * 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_used_up_is_told_once() {
    for store in both().await {
        let told = Told::default();
        let world = World::new(store, ScriptedDispatcher::new([]));
        for number in 0..60 {
            world.enqueue([world.dm(&format!("user{number}"))]).await;
        }
        for _ in 0..12 {
            world.worker.run_once(100).await.expect("a run");
            world.advance(3_600);
        }
        world.alerts.send_due(&told).await.expect("they are sent");
        let messages = told.take();
        let hits: Vec<_> = messages.iter().filter(|message| message.starts_with("🚫 Rate Limit Hit: Twitter DMs (")).collect();
        assert_eq!(hits.len(), 1, "{messages:?}");
        assert!(hits[0].ends_with("today)\nNext available: Tomorrow 00:00 UTC"), "{hits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_waits_as_long_as_the_messenger_asks_and_survives_a_restart() {
    for store in both().await {
        let told = Told::default();
        *told.refusals.lock().expect("no panic") = 1;
        let unknown = DispatchOutcome::unknown(Reason::TimedOut, "late <b>&");
        let world = World::new(store.clone(), ScriptedDispatcher::new([unknown]));
        let ids = world.enqueue([world.dm("bob")]).await;
        world.worker.run_once(9).await.expect("a run");
        assert_eq!(world.alerts.send_due(&told).await.expect("it is tried"), 0);
        world.advance(6);
        assert_eq!(world.alerts.send_due(&told).await.expect("not yet"), 0);
        let after = World::with(store, world.dispatcher.clone(), world.clock.clone());
        after.advance(2);
        assert_eq!(after.alerts.send_due(&told).await.expect("it is sent"), 1);
        let messages = told.take();
        assert!(messages[0].contains("late <b>&") && messages[0].contains(&ids[0].to_string()), "{messages:?}");
        assert_eq!(after.alerts.send_due(&told).await.expect("nothing more"), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_tries_that_do_nothing_is_told() {
    for store in both().await {
        let told = Told::default();
        let no_tab = |_: &Dispatchable| DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab");
        let world = World::new(store, ScriptedDispatcher::answering(no_tab));
        world.enqueue([world.dm("bob")]).await;
        for _ in 0..20 {
            world.worker.run_once(9).await.expect("a run");
            world.advance(150);
        }
        world.alerts.send_due(&told).await.expect("they are sent");
        let messages = told.take();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert!(messages[0].starts_with("🐌 Safari Makes No Progress: 1"), "{messages:?}");
        assert!(messages[0].ends_with("Queue: 1 commands wait."), "{messages:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_sent_as_soon_as_they_are_raised_until_told_to_end() {
    for store in both().await {
        let (told, stopping) = (Arc::new(Told::default()), CancellationToken::new());
        let world = World::new(store, ScriptedDispatcher::new([DispatchOutcome::unknown(Reason::TimedOut, "late")]));
        let (alerts, notifier, until) = (world.alerts.clone(), told.clone(), stopping.clone());
        let sending = tokio::spawn(async move { alerts.run(&*notifier, Duration::from_secs(3_600), until).await });
        world.enqueue([world.dm("bob")]).await;
        world.worker.run_once(9).await.expect("a run");
        told.arrived.notified().await;
        stopping.cancel();
        sending.await.expect("no panic");
        assert_eq!(told.take().len(), 1);
    }
}
