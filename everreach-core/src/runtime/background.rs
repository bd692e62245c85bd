//! What goes on without being asked: probes, watchers, housekeeping.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::failover_messages::FailoverMessages;
use super::{Runtime, state};
use crate::cost::SqlCostGuard;
use crate::failover::{Announcements, Duty, Keeper, Place, Watch};
use crate::sync::state::Exchange;
use crate::{Error, Result};

/// Time between two rounds of settling what others left.
const SETTLE_EVERY: Duration = Duration::from_secs(60);
/// Time between two rounds of removing what is too old.
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// How long events and closed reservations are kept.
const KEEP: TimeDelta = TimeDelta::days(90);
const UNAGREED: &str = "calls that nobody agreed to could not be closed";
const UNTOLD: &str = "what became of calls for the local machine could not be read";
const UNRUN: &str = "calls that a person agreed to could not be run";

/// Settles what a crash left, then starts the tasks. They end when the runtime stops.
pub(super) async fn start(runtime: &Runtime, guard: Arc<SqlCostGuard>, client: reqwest::Client) -> Result<()> {
    let parts = &runtime.parts;
    settle(runtime, &guard).await?;
    parts.stop.look().await?;
    let stopping = &parts.stopping;
    let (stop, until) = (parts.stop.clone(), stopping.clone());
    parts.background.spawn(async move { stop.watch(until).await });
    let (key_ring, until) = (parts.key_ring.clone(), stopping.clone());
    parts.background.spawn(async move { key_ring.watch(until).await });
    if let Some(path) = parts.config.routing.table.clone() {
        let (table, events, clock) = (parts.table.clone(), parts.events.clone(), parts.clock.clone());
        parts.background.spawn(table.watch(path, events, clock, stopping.clone()));
    }
    start_failover(runtime, client);
    match (parts.state_sync.exchange(), parts.state_sync.idle_because()) {
        (Exchange::ByItself, None) => drop(parts.background.spawn(state::keep_in_step(runtime.clone(), stopping.clone()))),
        (Exchange::ByItself, Some(reason)) if parts.state_sync.has_cloud() => {
            tracing::info!(reason, "no state is exchanged with the cloud");
        }
        _ => {}
    }
    parts.background.spawn(keep_house(runtime.clone(), guard));
    let orchestrator = parts.orchestrator.clone();
    parts.background.spawn(async move { complain(orchestrator.close_lapsed().await, UNAGREED) });
    let orchestrator = parts.orchestrator.clone();
    parts.background.spawn(async move { complain(orchestrator.run_agreed().await, UNRUN) });
    Ok(())
}

/// The watch over the cloud, or the cloud's own keeping of its leadership.
fn start_failover(runtime: &Runtime, client: reqwest::Client) {
    let (parts, stopping) = (&runtime.parts, runtime.parts.stopping.clone());
    let mut config = parts.config.failover.clone();
    config.duty = config.duty.within(parts.config.routing.mode);
    let (control, events, clock) = (parts.failover.clone(), parts.events.clone(), Arc::clone(&parts.clock));
    match (control.place(), parts.config.cloud.clone()) {
        (Place::Cloud, _) => {
            config.duty = parts.config.failover.duty;
            parts.background.spawn(Keeper { config, control, events, clock }.run(stopping));
        }
        (Place::Local, Some(cloud)) if !parts.config.routing.offline => {
            if config.duty == Duty::TakePart {
                let announcements = Announcements::new(parts.store.clone(), Arc::clone(&clock), &cloud.endpoint);
                let endpoint = cloud.endpoint.origin().ascii_serialization();
                let messages = FailoverMessages::new(Arc::clone(&parts.bus), announcements, endpoint, &control);
                parts.background.spawn(messages.run(stopping.clone()));
            }
            let watch = Watch {
                config,
                client,
                endpoint: cloud.endpoint,
                key: cloud.key,
                view: parts.connectivity.clone(),
                control,
                store: parts.store.clone(),
                events,
                clock,
                notifier: Arc::clone(&parts.notifier),
            };
            parts.background.spawn(watch.run(stopping));
        }
        _ => {}
    }
}

async fn settle(runtime: &Runtime, guard: &SqlCostGuard) -> Result<()> {
    let parts = &runtime.parts;
    let recovered = parts.ledger.recover().await?;
    if recovered.unknown > 0 {
        tracing::warn!(held = recovered.unknown, "calls may or may not have happened: look at them and resolve them");
    }
    parts.approvals.expire_due().await?;
    guard.absorb().await?;
    guard.reconcile().await?;
    Ok(())
}

async fn keep_house(runtime: Runtime, guard: Arc<SqlCostGuard>) {
    let stopping = runtime.parts.stopping.clone();
    let mut since_prune = PRUNE_EVERY;
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(SETTLE_EVERY) => {}
        }
        complain(settle(&runtime, &guard).await, "what others left could not be settled");
        complain(runtime.settle_queued().await, UNTOLD);
        complain(runtime.parts.orchestrator.close_lapsed().await, UNAGREED);
        complain(runtime.parts.orchestrator.run_agreed().await, UNRUN);
        since_prune += SETTLE_EVERY;
        if since_prune >= PRUNE_EVERY {
            since_prune = Duration::ZERO;
            complain(prune(&runtime, &guard).await, "what is too old could not be removed");
        }
    }
}

async fn prune(runtime: &Runtime, guard: &SqlCostGuard) -> Result<()> {
    let parts = &runtime.parts;
    let oldest = parts.clock.now() - KEEP;
    parts.ledger.prune().await?;
    parts.events.prune(oldest).await?;
    parts.schedule.prune(oldest).await?;
    if let Some(relay) = &parts.relay {
        relay.prune(oldest).await?;
    }
    guard.forget_closed(oldest).await?;
    parts.state_sync.prune(oldest).await?;
    Ok(())
}

fn complain(outcome: Result<(), Error>, what: &'static str) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "{what}");
    }
}
