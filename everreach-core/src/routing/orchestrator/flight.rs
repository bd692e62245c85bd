//! One call on its way: what was asked, what is known about it, and the envelope that fills up.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::OrchestratorParts;
use crate::ledger::{AttemptEnd, Begin, Claim, IdempotencyKey, content_day_key, fingerprint};
use crate::routing::{Call, Decision, Dedupe, Route, RouteMatch, RouteRequest};
use crate::{Envelope, Error, ErrorKind, Event, MicroUsd, Result, Side, Source, Timestamp};

/// The lease outlives the call's own deadline by this much, so that a slow answer still finds its row.
const LEASE_MARGIN: Duration = Duration::from_secs(60);
/// What the database gets at least, however little time the call has.
const STORE_PATIENCE: Duration = Duration::from_secs(1);

pub(super) struct Flight {
    pub(super) call: Call,
    pub(super) route: Arc<Route>,
    pub(super) force_env: Option<Side>,
    pub(super) envelope: Envelope,
    /// The ledger's row, while it is ours.
    pub(super) claim: Option<Claim>,
    /// The end of the last try, not yet in the ledger: it is written with whatever comes next.
    pub(super) last_try: Option<AttemptEnd>,
    /// When it was accepted, on the monotonic clock.
    started: Duration,
    /// When it must be answered, on the monotonic clock.
    deadline: Duration,
    decision: Option<Decision>,
}

impl Flight {
    pub(super) fn new(parts: &OrchestratorParts, route: Arc<Route>, request: RouteRequest) -> Self {
        let started = parts.clock.monotonic();
        let deadline = started + request.timeout.unwrap_or(parts.config.deadline);
        let envelope = Envelope::new(route.action.clone(), request.request_id);
        let mut call = Call::new(route.action.clone(), request.params).with_effect(route.effect);
        call.idempotency_key = request.idempotency_key;
        call.request_id = request.request_id;
        call.hops = request.hops;
        Self {
            call,
            route,
            force_env: request.force_env,
            envelope,
            claim: None,
            last_try: None,
            started,
            deadline,
            decision: None,
        }
    }

    /// Outward calls always are; others when the caller gave a key. What a person has to agree to needs a key to wait under.
    pub(super) fn is_journaled(&self) -> bool {
        self.route.effect.is_outward() || self.call.idempotency_key.is_some() || self.route.approval
    }

    /// The caller's key, or the one that the route derives, or a fresh one.
    pub(super) fn make_key(&self, now: Timestamp) -> Result<IdempotencyKey> {
        match (&self.call.idempotency_key, self.route.dedupe) {
            (Some(key), _) => key.parse(),
            (None, Dedupe::ContentDay) => Ok(content_day_key(&self.route.action, &self.call.params, now.date_naive())),
            (None, Dedupe::None) => Ok(IdempotencyKey::fresh()),
        }
    }

    pub(super) fn journaled_under(&mut self, key: &IdempotencyKey) {
        self.call.idempotency_key = Some(key.to_string());
        self.envelope.idempotency_key = Some(key.to_string());
    }

    /// The request to the ledger for this call's row.
    pub(super) fn begin(&self, key: IdempotencyKey) -> Begin {
        let fingerprint = fingerprint(&self.route.action, &self.call.params);
        Begin::new(key, self.route.action.clone(), fingerprint, self.call.request_id)
            .with_lease(self.allowed() + LEASE_MARGIN)
            .with_effect(self.route.effect)
    }

    pub(super) fn decided(&mut self, decision: &Decision) {
        self.envelope.cost_guard_triggered = decision.cost_guard_triggered;
        self.decision = Some(*decision);
    }

    /// The time left for the whole call.
    pub(super) fn remaining(&self, parts: &OrchestratorParts) -> Duration {
        self.deadline.saturating_sub(parts.clock.monotonic())
    }

    /// What the database says, unless the call's time is over before it says anything.
    pub(super) async fn in_time<T>(&self, parts: &OrchestratorParts, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(self.remaining(parts).max(STORE_PATIENCE), work).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::StoreUnavailable, "the database did not answer within the call's time: nothing was sent"))
        })
    }

    /// The time that the whole call may take.
    pub(super) fn allowed(&self) -> Duration {
        self.deadline.saturating_sub(self.started)
    }

    pub(super) fn elapsed(&self, parts: &OrchestratorParts) -> Duration {
        parts.clock.monotonic().saturating_sub(self.started)
    }

    /// Sets the time taken and counts the call.
    pub(super) fn close(&mut self, parts: &OrchestratorParts) {
        let elapsed = self.elapsed(parts);
        self.envelope.duration_ms = (elapsed.as_secs_f64() * 1_000_000.0).round() / 1_000.0;
        let is_listed = self.route.matched == RouteMatch::Exact;
        let action = if is_listed { self.route.action.as_str() } else { "other" };
        let service = if is_listed { self.route.action.service() } else { "other" };
        let env = self.envelope.source.map_or("none", Source::as_str);
        let labels = [("service", service.to_owned()), ("action", action.to_owned()), ("env", env.to_owned())];
        metrics::histogram!("everreach_dispatch_duration_seconds", &labels).record(elapsed.as_secs_f64());
        if self.envelope.cost_usd > MicroUsd::ZERO {
            #[allow(clippy::cast_precision_loss, reason = "a figure for a chart")]
            let usd = self.envelope.cost_usd.micros() as f64 / 1e6;
            metrics::gauge!("everreach_cloud_cost_usd", &labels[..2]).increment(usd);
        }
    }

    /// The decision and what became of it, in one event.
    pub(super) fn finished_event(&self, now: Timestamp) -> Event {
        let envelope = &self.envelope;
        Event::new(now, "call.finished", envelope.action.as_str()).with_request(envelope.request_id).with_data(json!({
            "rule": self.decision.map(|decision| decision.rule.as_str()),
            "ok": envelope.ok,
            "source": envelope.source.map(Source::as_str),
            "outcome": envelope.outcome.as_str(),
            "error": envelope.error.map(ErrorKind::code),
            "attempts": envelope.attempts,
            "cost_usd": envelope.cost_usd,
            "cost_guard_triggered": envelope.cost_guard_triggered,
        }))
    }

    /// The decision of a journaled call, before anything runs.
    pub(super) fn decided_event(&self, now: Timestamp) -> Event {
        let target = self.decision.map(|decision| decision.target.to_string());
        Event::new(now, "call.decided", self.route.action.as_str()).with_request(self.call.request_id).with_data(json!({
            "rule": self.decision.map(|decision| decision.rule.as_str()),
            "target": target,
            "idempotency_key": self.envelope.idempotency_key,
        }))
    }
}
