//! The cloud's side: it leads whenever nobody else does, and stops by its own clock.

use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::control::RESOURCE;
use super::{Duty, FailoverConfig, FailoverControl, ModeSource, TwoNodeMode};
use crate::events::EventLog;
use crate::lease::{Acquired, Apart, Lease, Standing};
use crate::{Error, Event, SharedClock};

/// How often an end of the grants is looked for.
const GRANT_LOOK: Duration = Duration::from_secs(1);

/// What the loop works with.
pub(crate) struct Keeper {
    pub(crate) config: FailoverConfig,
    pub(crate) control: FailoverControl,
    pub(crate) events: EventLog,
    pub(crate) clock: SharedClock,
}

impl Keeper {
    /// Keeps the cloud's leadership until it is told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mode = self.config.mode.unwrap_or(TwoNodeMode::Shared);
        {
            let mut shown = self.control.shown();
            shown.mode = Some(mode);
            shown.mode_from = Some(if self.config.mode.is_some() { ModeSource::Setting } else { ModeSource::Assumed });
        }
        match (self.config.duty, mode) {
            (Duty::Observe, _) => {}
            (Duty::TakePart, TwoNodeMode::Shared) => self.by_lease(&stop).await,
            (Duty::TakePart, TwoNodeMode::LocalGrants) => self.by_grants(&stop).await,
            (Duty::TakePart, TwoNodeMode::Manual | TwoNodeMode::Available) => {
                // What was due before may have been done by the local side, whose log is elsewhere.
                self.control.stand(Standing::Apart(Apart { seen_until: None, from: self.clock.now(), until: None }));
                self.control.begin(None).await;
                stop.cancelled().await;
                self.control.stand(Standing::Follows);
            }
        }
    }

    async fn by_lease(&self, stop: &CancellationToken) {
        let timing = self.config.lease;
        let mut held: Option<Lease> = None;
        loop {
            let (asked_at, before) = (self.clock.monotonic(), held.as_ref().map(Lease::act_until));
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.round(&mut held) => {}
            }
            let now = self.clock.monotonic();
            let wait = match &held {
                // A renewal that got no answer is tried again soon.
                Some(lease) if lease.is_good(now) && before != Some(lease.act_until()) => {
                    timing.renew_every.saturating_sub(now.saturating_sub(asked_at)).min(lease.act_until().saturating_sub(now))
                }
                _ => timing.renew_every / 5,
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
            }
        }
        self.control.stand(Standing::Follows);
        if let Some(lease) = held {
            self.give_back(&lease).await;
        }
    }

    /// Renews what is held, or asks for it.
    async fn round(&self, held: &mut Option<Lease>) {
        let leases = self.control.leases();
        let patience = self.config.lease.renew_every;
        let Some(lease) = held.clone() else {
            match tokio::time::timeout(patience, leases.acquire(RESOURCE, &self.control.instance().to_string())).await {
                Ok(Ok(Acquired::Held { lease, note })) => {
                    self.record("failover.leads", &lease);
                    self.control.stand(Standing::Leads(lease.clone()));
                    *held = Some(lease);
                    self.control.begin(note).await;
                }
                Ok(Ok(Acquired::ByOther(_))) => {}
                Ok(Err(error)) => no_answer(&error),
                Err(_) => tracing::warn!("the database did not say in time who leads"),
            }
            return;
        };
        match tokio::time::timeout(patience, leases.renew(&lease)).await {
            Ok(Ok(Some(renewed))) => {
                self.control.stand(Standing::Leads(renewed.clone()));
                *held = Some(renewed);
            }
            Ok(Ok(None)) => {
                *held = None;
                self.stop_leading(&lease);
            }
            // No answer is none: it goes on until its own time is over.
            Ok(Err(error)) => no_answer(&error),
            Err(_) => tracing::warn!("the lease could not be renewed in time"),
        }
        // Its own time is over. While nobody else has taken it, it can still be renewed, and is led by again.
        if held.as_ref().is_some_and(|lease| !lease.is_good(self.clock.monotonic())) {
            self.stop_leading(&lease);
        }
    }

    fn stop_leading(&self, lease: &Lease) {
        if matches!(self.control.leadership().standing(), Standing::Leads(_)) {
            self.control.stand(Standing::Follows);
            self.record("failover.lease_lost", lease);
        }
    }

    async fn give_back(&self, lease: &Lease) {
        let left = lease.act_until().saturating_sub(self.clock.monotonic()).min(self.config.drain);
        if tokio::time::timeout(left, self.control.drained()).await.is_err() {
            tracing::warn!("what runs did not end in time: the lease runs out by itself");
            return;
        }
        let note = self.control.note().await;
        if let Err(error) = self.control.leases().release(lease, note).await {
            tracing::warn!(%error, "the lease was not given back: it runs out by itself");
        }
    }

    async fn by_grants(&self, stop: &CancellationToken) {
        self.control.act_by_grants();
        let mut leads = false;
        loop {
            if leads != self.control.leads() {
                leads = !leads;
                if leads {
                    self.control.begin(None).await;
                } else {
                    self.control.stand(Standing::Follows);
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(GRANT_LOOK) => {}
            }
        }
        self.control.stand(Standing::Follows);
    }

    fn record(&self, kind: &'static str, lease: &Lease) {
        let data = json!({"holder": lease.holder(), "epoch": lease.epoch()});
        self.events.record(Event::new(self.clock.now(), kind, "leader").with_data(data));
    }
}

fn no_answer(error: &Error) {
    tracing::warn!(%error, "the database did not say who leads");
}
