//! What runs is waited for before the work changes hands, and the next one is told where it stands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::failover::{Handover, ModeSource, Phase};
use everreach_core::lease::LeaseState;
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::watching::Side;
use crate::support;

/// Work that ends when it is let go.
struct Work {
    running: Semaphore,
    note: Value,
    begun: Mutex<Vec<Option<Value>>>,
}

impl Work {
    fn idle(note: Value) -> Arc<Self> {
        let work = Self::running(note);
        work.running.add_permits(1);
        work
    }

    fn running(note: Value) -> Arc<Self> {
        Arc::new(Self { running: Semaphore::new(0), note, begun: Mutex::default() })
    }

    fn begun(&self) -> Vec<Option<Value>> {
        self.begun.lock().expect("nobody panicked").clone()
    }
}

#[async_trait]
impl Handover for Work {
    async fn drained(&self) {
        let _ended = self.running.acquire().await.expect("it is never closed");
    }

    async fn note(&self) -> Option<Value> {
        Some(self.note.clone())
    }

    async fn begin(&self, note: Option<Value>) {
        self.begun.lock().expect("nobody panicked").push(note);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_learns_what_the_last_one_left_and_what_runs_is_waited_for() {
    let database = support::store::postgres_url().await;
    let cloud = Side::start_at(&database, None, |_| {}).await;
    let there = Work::idle(json!({"daily_routine": "06:00"}));
    cloud.runtime.failover().hand_over_with("schedule", Arc::clone(&there) as _);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let access = Access::loopback(cloud.runtime.key_ring().clone());
    let state = AppState::new(cloud.runtime.clone(), access, AllowedHosts::new(address, [""; 0]).expect("no names"));
    let serving = tokio::spawn(async move { axum::serve(listener, app(state)).await });

    let local = Side::start_at(&database, Some(format!("http://{address}").parse().expect("a URL")), |config| {
        config.drain = Duration::from_secs(60);
    })
    .await;
    let here = Work::running(json!({"daily_routine": "18:00"}));
    local.runtime.failover().hand_over_with("schedule", Arc::clone(&here) as _);
    while local.runtime.failover().state().await.mode_from != Some(ModeSource::Found) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Stopped in good order: it leaves its note, and nobody waits for its lease to run out.
    serving.abort();
    cloud.runtime.shutdown(Duration::from_secs(5)).await;
    local.until("it took over", |runtime| runtime.failover().leads()).await;
    local.until("its work began", |_| !here.begun().is_empty()).await;
    assert_eq!(here.begun(), [Some(json!({"daily_routine": "06:00"}))]);

    local.runtime.failover().stand_down().await.expect("it does the work");
    let state = local.runtime.failover().state().await;
    assert_eq!((state.phase, state.leads), (Some(Phase::Draining), false), "nothing new begins");
    assert!(state.lease.is_some_and(|lease| lease.is_held), "what runs may still write");
    here.running.add_permits(1);
    let mut lease = None;
    while lease.as_ref().is_none_or(|lease: &LeaseState| lease.is_held) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        lease = local.runtime.failover().state().await.lease;
    }
    assert_eq!(lease.and_then(|lease| lease.note), Some(json!({"schedule": {"daily_routine": "18:00"}})));
    local.runtime.shutdown(Duration::from_secs(5)).await;
}
