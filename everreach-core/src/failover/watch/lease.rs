//! Asking for the lease, renewing it, giving it back. That the database says nothing is no answer.

use std::sync::Arc;

use serde_json::Value;

use super::{Heard, Watch, Watcher};
use crate::failover::control::RESOURCE;
use crate::failover::{LeaseAnswer, Phase, TwoNodeMode};
use crate::lease::{Acquired, Lease, LeaseState, Standing};

/// What came of it.
#[derive(Debug)]
pub(super) enum Reply {
    Taken(Lease, Option<Value>),
    ByOther(LeaseState),
    Renewed(Lease),
    Lost(Lease),
    NoAnswer,
}

impl Watcher {
    pub(super) fn ask(&mut self) {
        let at = self.now();
        if self.is_asking || self.held.is_some() || at < self.ask_at {
            return;
        }
        self.is_asking = true;
        let timing = self.parts.config.lease;
        self.ask_at = at + timing.renew_every / 5;
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            let holder = parts.control.instance().to_string();
            let asked = tokio::time::timeout(timing.renew_every, parts.control.leases().acquire(RESOURCE, &holder));
            Heard::Lease(match asked.await {
                Ok(Ok(Acquired::Held { lease, note })) => Reply::Taken(lease, note),
                // An answer of before that got lost: it is ours, and runs out by itself.
                Ok(Ok(Acquired::ByOther(state))) if state.holder.as_ref() == Some(&holder) => Reply::NoAnswer,
                Ok(Ok(Acquired::ByOther(state))) => Reply::ByOther(state),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the database did not say who leads");
                    Reply::NoAnswer
                }
                Err(_) => Reply::NoAnswer,
            })
        });
    }

    pub(super) fn renew(&mut self) {
        let Some(lease) = self.held.clone() else { return };
        self.is_asking = true;
        let timing = self.parts.config.lease;
        self.ask_at = self.now() + timing.renew_every;
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            let asked = tokio::time::timeout(timing.renew_every, parts.control.leases().renew(&lease));
            Heard::Lease(match asked.await {
                Ok(Ok(Some(renewed))) => Reply::Renewed(renewed),
                Ok(Ok(None)) => Reply::Lost(lease),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the lease could not be renewed");
                    Reply::NoAnswer
                }
                Err(_) => Reply::NoAnswer,
            })
        });
    }

    pub(super) fn lease_reply(&mut self, reply: Reply) {
        self.is_asking = false;
        let at = self.now();
        let is_held = |lease: &Lease, held: &Option<Lease>| held.as_ref().is_some_and(|held| held.epoch() == lease.epoch());
        if matches!(reply, Reply::NoAnswer) {
            self.ask_at = self.ask_at.min(at + self.parts.config.lease.renew_every / 5);
        }
        let answer = match reply {
            // The way to agree has changed meanwhile: nothing is done by a lease any more.
            Reply::Taken(lease, _) if self.failover.mode() != TwoNodeMode::Shared => {
                let parts = Arc::clone(&self.parts);
                self.tasks.spawn(async move {
                    give_back(&parts, &lease).await;
                    Heard::Nothing
                });
                return;
            }
            Reply::Taken(lease, note) => {
                // An answer that came too late to act on is still renewed at once.
                self.ask_at = if lease.is_good(at) { at + self.parts.config.lease.renew_every } else { at };
                (self.held, self.note) = (Some(lease), note);
                LeaseAnswer::Held
            }
            Reply::Renewed(lease) if is_held(&lease, &self.held) => {
                if self.failover.phase() == Phase::Active {
                    self.parts.control.stand(Standing::Leads(lease.clone()));
                }
                self.held = Some(lease);
                return;
            }
            // The answer came after its own time was over, and nobody else has taken it.
            Reply::Renewed(lease) if self.held.is_none() && self.failover.phase() == Phase::Armed => {
                self.held = Some(lease);
                LeaseAnswer::Held
            }
            Reply::Lost(lease) if is_held(&lease, &self.held) => {
                self.held = None;
                LeaseAnswer::Lost
            }
            Reply::ByOther(state) if self.is_renewed_by_other(&state) => LeaseAnswer::ByOther,
            Reply::ByOther(_) | Reply::Renewed(_) | Reply::Lost(_) | Reply::NoAnswer => return,
        };
        let orders = self.failover.lease(answer, at);
        self.carry_out(orders);
    }

    /// A lease that only has not run out yet says nothing about its holder: one that moves on does.
    fn is_renewed_by_other(&mut self, state: &LeaseState) -> bool {
        if self.failover.phase() != Phase::Armed {
            self.others_end = None;
            return false;
        }
        let first = *self.others_end.get_or_insert(state.expires_at);
        state.is_held && state.expires_at > first
    }
}

/// Gives the lease back with a note for the next one. When that fails it runs out by itself.
pub(super) async fn give_back(parts: &Watch, lease: &Lease) {
    let note = parts.control.note().await;
    if let Err(error) = parts.control.leases().release(lease, note).await {
        tracing::warn!(%error, "the lease was not given back: it runs out by itself");
    }
}
