//! One call on its way: what was asked, what is known about it, and the envelope that fills up.

use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use metrics::Label;
use serde_json::{Map, Value, json};

use super::OrchestratorParts;
use crate::ledger::{AttemptEnd, Begin, Claim, Fingerprint, ForwardedClaim, IdempotencyKey, content_day_key, fingerprint};
use crate::routing::{Call, Decision, Dedupe, Route, RouteMatch, RouteRequest};
use crate::{Envelope, Error, ErrorKind, Event, MicroUsd, Result, Side, Source, Timestamp};

/// The lease outlives the call's own deadline by this much, so that a slow answer still finds its row.
pub(super) const LEASE_MARGIN: Duration = Duration::from_secs(60);
/// No call is waited for longer, whatever its caller says: a lease as long as that must end some day.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
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
    /// Whether the call has waited for a person before.
    pub(super) has_waited: bool,
    /// Whether a person's word, where one is needed, was given before the call came here.
    pub(super) is_agreed: bool,
    /// Whether the row is with whoever the call was forwarded to, who writes down what becomes of it.
    pub(super) is_elsewhere: bool,
    /// The claim that came along, when another process forwarded the call.
    forwarded: Option<ForwardedClaim>,
    /// When it was accepted, on the monotonic clock.
    started: Duration,
    /// When it must be answered, on the monotonic clock.
    deadline: Duration,
    decision: Option<Decision>,
}

impl Flight {
    pub(super) fn new(parts: &OrchestratorParts, route: Arc<Route>, request: RouteRequest) -> Self {
        let started = parts.clock.monotonic();
        let deadline = started.saturating_add(request.timeout.unwrap_or(parts.config.deadline).min(LONGEST));
        let envelope = Envelope::new(route.action.clone(), request.request_id);
        let call = Call {
            action: route.action.clone(),
            params: request.params,
            effect: route.effect,
            idempotency_key: request.idempotency_key,
            request_id: request.request_id,
            timeout: parts.config.try_timeout,
            hops: request.hops,
            forwarded: None,
            extensions: request.extensions,
        };
        Self {
            call,
            route,
            force_env: request.force_env,
            envelope,
            claim: None,
            last_try: None,
            has_waited: false,
            is_agreed: false,
            is_elsewhere: false,
            forwarded: request.forwarded,
            started,
            deadline,
            decision: None,
        }
    }

    /// Outward calls always are; others when they have a key, given or derived. What a person has to agree to needs one to wait under.
    pub(super) fn is_journaled(&self) -> bool {
        let has_key = self.call.idempotency_key.is_some() || self.route.dedupe == Dedupe::ContentDay;
        self.route.effect.is_outward() || has_key || self.route.approval
    }

    /// The caller's key, or the one that the route derives, or a fresh one.
    pub(super) fn make_key(&self, now: Timestamp) -> Result<IdempotencyKey> {
        match (&self.call.idempotency_key, self.route.dedupe) {
            (Some(key), _) => key
                .parse()
                .map_err(|error: Error| Error::new(ErrorKind::InvalidParams, error.message().to_owned()).with_source(error)),
            (None, Dedupe::ContentDay) => Ok(content_day_key(&self.route.action, &self.call.params, now.date_naive())),
            (None, Dedupe::None) => Ok(IdempotencyKey::fresh()),
        }
    }

    pub(super) fn journaled_under(&mut self, key: &IdempotencyKey) {
        self.call.idempotency_key = Some(key.to_string());
        self.envelope.idempotency_key = Some(key.to_string());
    }

    /// What the request is, to the last parameter.
    pub(super) fn print(&self) -> Fingerprint {
        fingerprint(&self.route.action, &self.call.params)
    }

    /// What a repeat must agree in. A key that was derived from the content says that itself, be it derived now or handed back by
    /// a caller who read it in an earlier answer.
    fn print_for(&self, key: &IdempotencyKey) -> Fingerprint {
        let day = |key: &str| key.strip_prefix("content_day:")?.get(..10)?.parse::<NaiveDate>().ok();
        let is_derived = day(key.as_str()).is_some_and(|day| content_day_key(&self.route.action, &self.call.params, day) == *key);
        if is_derived { Fingerprint::of_key(key) } else { self.print() }
    }

    /// The request to the ledger for this call's row.
    pub(super) fn begin(&self, key: IdempotencyKey) -> Begin {
        let fingerprint = self.print_for(&key);
        Begin::new(key, self.route.action.clone(), fingerprint, self.call.request_id)
            .with_lease(self.allowed() + LEASE_MARGIN)
            .with_effect(self.route.effect)
            .with_forwarded(self.forwarded)
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

    /// The envelope as it is by now, with the time taken.
    pub(super) fn answer_so_far(&self, parts: &OrchestratorParts) -> Envelope {
        Envelope { duration_ms: milliseconds(self.elapsed(parts)), ..self.envelope.clone() }
    }

    /// Sets the time taken and counts the call.
    pub(super) fn close(&mut self, parts: &OrchestratorParts) {
        let elapsed = self.elapsed(parts);
        self.envelope.duration_ms = milliseconds(elapsed);
        // Names that no row lists come from outside: they must not make a series each.
        let listed = (self.route.matched == RouteMatch::Exact).then_some(&self.route.action);
        let env = self.envelope.source.map_or("none", Source::as_str);
        let labels = || {
            let (service, action) = listed.map_or(("other", "other"), |action| (action.service(), action.as_str()));
            vec![Label::new("service", service.to_owned()), Label::new("action", action.to_owned())]
        };
        let mut timed = labels();
        timed.push(Label::new("env", env));
        metrics::histogram!("everreach_dispatch_duration_seconds", timed).record(elapsed.as_secs_f64());
        if self.envelope.cost_usd > MicroUsd::ZERO {
            #[allow(clippy::cast_precision_loss, reason = "a figure for a chart")]
            let usd = self.envelope.cost_usd.micros() as f64 / 1e6;
            metrics::gauge!("everreach_cloud_cost_usd", labels()).increment(usd);
        }
    }

    /// The decision and what became of it, in one event. What is as usual (one try, no cost, no error) is left out: there is an
    /// event for every read.
    pub(super) fn finished_event(&self, now: Timestamp) -> Event {
        let envelope = &self.envelope;
        let mut data = Map::new();
        let mut note = |name: &str, value: Value| data.insert(name.to_owned(), value);
        if let Some(decision) = self.decision {
            note("rule", decision.rule.as_str().into());
            note("target", decision.target.to_string().into());
        }
        note("ok", envelope.ok.into());
        note("outcome", envelope.outcome.as_str().into());
        if let Some(source) = envelope.source {
            note("source", source.as_str().into());
        }
        if let Some(error) = envelope.error {
            note("error", error.code().into());
        }
        if envelope.attempts != 1 {
            note("attempts", envelope.attempts.into());
        }
        if envelope.cost_usd > MicroUsd::ZERO {
            note("cost_usd", json!(envelope.cost_usd));
        }
        if envelope.cost_guard_triggered {
            note("cost_guard_triggered", true.into());
        }
        Event::new(now, "call.finished", envelope.action.as_str())
            .with_request(envelope.request_id)
            .with_data(Value::Object(data))
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

    /// The call goes to the other side, and why.
    pub(super) fn moved_event(&self, now: Timestamp, to: Side, because: &Error) -> Event {
        Event::new(now, "call.moved", self.route.action.as_str()).with_request(self.call.request_id).with_data(json!({
            "to": to.as_str(),
            "error": because.kind().code(),
            "detail": because.to_string(),
            "idempotency_key": self.envelope.idempotency_key,
        }))
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
