//! Carrying a decision out: the chosen side, then perhaps the other one, then perhaps the cache.

use serde_json::Value;

use super::Orchestrator;
use super::flight::Flight;
use crate::routing::offline::CacheHit;
use crate::routing::{Decision, Execution, Target};
use crate::{Effect, Error, ErrorKind, Outcome, Side, Source};

impl Orchestrator {
    /// Runs the decision to its end and writes the answer into the flight's envelope.
    pub(super) async fn carry_out(&self, flight: &mut Flight, decision: &Decision) {
        let side = match decision.target {
            Target::Run(side) => side,
            Target::Refuse(kind) => {
                let error = self.refusal(kind);
                if kind == ErrorKind::Offline {
                    return self.answer_offline(flight, error).await;
                }
                return flight.envelope.fail(&error);
            }
            Target::Queue => {
                let error = Error::new(ErrorKind::RequiresLocal, "only the local machine can do this: call it there");
                return flight.envelope.fail(&error);
            }
        };
        let first = self.run_on(flight, side).await;
        let first = self.ask_the_other_journal(flight, side, first).await;
        match decision.fallback.filter(|_| may_move(flight, &first)) {
            Some(other) => {
                let second = self.run_on(flight, other).await;
                let source = if other == Side::Local { Source::LocalFallback } else { Source::Cloud };
                self.answer_moved(flight, source, second, first.result.err()).await;
            }
            None if decision.is_fallback => {
                let offline = Error::new(ErrorKind::Offline, "the cloud cannot be reached");
                self.answer_moved(flight, Source::LocalFallback, first, Some(offline)).await;
            }
            None => {
                let source = if side == Side::Cloud { Source::Cloud } else { Source::Local };
                self.answer(flight, source, first).await;
            }
        }
    }

    fn refusal(&self, kind: ErrorKind) -> Error {
        match kind {
            ErrorKind::Stopped => {
                let reason = self.parts.stop.current().reason.unwrap_or_else(|| "none given".to_owned());
                Error::new(kind, "the stop switch is set: `everreach resume` clears it").with("reason", reason)
            }
            ErrorKind::CostCapExceeded => {
                Error::new(kind, "the monthly cap is reached: only essential calls still go to the cloud")
            }
            ErrorKind::Offline => Error::new(kind, "the cloud cannot be reached and this call may not run elsewhere"),
            other => Error::new(other, "the call is refused"),
        }
    }

    /// The answer of the side that was chosen.
    async fn answer(&self, flight: &mut Flight, source: Source, execution: Execution) {
        flight.envelope.outcome = execution.outcome;
        flight.envelope.source = (execution.outcome != Outcome::NotExecuted).then_some(source);
        match execution.result {
            Ok(result) => {
                self.keep_for_later(flight, source, &result);
                flight.envelope.ok = true;
                flight.envelope.result = Some(result);
            }
            Err(error) => {
                if error.kind() == ErrorKind::UnknownAction {
                    flight.envelope.suggestions = self.nearest(flight, execution.suggestions).await;
                }
                flight.envelope.fail(&error);
            }
        }
    }

    /// The answer of the side that took over. When that one provably did not run it either, the first failure is the one to
    /// report, unless the cache can help.
    async fn answer_moved(&self, flight: &mut Flight, source: Source, second: Execution, first: Option<Error>) {
        let Err(error) = &second.result else { return self.answer(flight, source, second).await };
        if let Some(CacheHit::Fresh(cached)) = self.cached(flight).await {
            return serve(flight, cached.result);
        }
        match first {
            Some(first) if second.outcome == Outcome::NotExecuted => {
                let combined = Error::new(first.kind(), first.to_string()).with("and locally", error);
                if error.kind() == ErrorKind::UnknownAction {
                    flight.envelope.suggestions = self.nearest(flight, second.suggestions).await;
                }
                self.answer_offline(flight, combined).await;
            }
            _ => self.answer(flight, source, second).await,
        }
    }

    /// Fails the call, with a fresh answer from the cache instead or a stale one beside the error.
    async fn answer_offline(&self, flight: &mut Flight, error: Error) {
        match self.cached(flight).await {
            Some(CacheHit::Fresh(cached)) => serve(flight, cached.result),
            hit => {
                flight.envelope.fail(&error);
                if let Some(CacheHit::Stale(cached)) = hit {
                    flight.envelope.cached = Some(cached);
                }
            }
        }
    }

    async fn cached(&self, flight: &Flight) -> Option<CacheHit> {
        if flight.route.cache_ttl.is_zero() || flight.route.effect != Effect::Read {
            return None;
        }
        let hit = self.parts.cache.get(&flight.route.action, &flight.call.params, flight.route.cache_ttl).await;
        hit.inspect_err(|error| tracing::warn!(%error, "the offline cache cannot be read")).ok().flatten()
    }

    fn keep_for_later(&self, flight: &Flight, source: Source, result: &Value) {
        let route = &flight.route;
        let is_cacheable = !route.cache_ttl.is_zero() && route.effect == Effect::Read;
        if source != Source::Cloud || self.parts.config.is_cloud_terminal || !is_cacheable {
            return;
        }
        if !self.parts.cache.is_due(&route.action, &flight.call.params) {
            return;
        }
        let (cache, action, params, result) =
            (self.parts.cache.clone(), route.action.clone(), flight.call.params.clone(), result.clone());
        self.parts.tasks.spawn(async move {
            if let Err(error) = cache.put(&action, &params, result).await {
                tracing::warn!(%error, %action, "the answer was not kept for offline use");
            }
        });
    }

    /// What the other side itself suggests, else the nearest names of the table and of the local side.
    async fn nearest(&self, flight: &Flight, suggested: Vec<String>) -> Vec<String> {
        if !suggested.is_empty() {
            return suggested;
        }
        let listed = self.parts.local.services().await.unwrap_or_default();
        let listed: Vec<_> = listed.into_iter().map(|service| service.action).collect();
        self.parts.table.current().nearest(&flight.route.action, &listed)
    }

    /// After an unknown outcome the cloud's own journal may know more. Only a definite answer changes anything: "not known
    /// there" proves nothing, the request may still be on its way.
    async fn ask_the_other_journal(&self, flight: &Flight, side: Side, execution: Execution) -> Execution {
        let (Some(claim), Some(cloud)) = (&flight.claim, &self.parts.cloud) else { return execution };
        if side != Side::Cloud || execution.outcome != Outcome::Unknown || self.parts.config.is_cloud_terminal {
            return execution;
        }
        match cloud.recall(claim.key.as_str()).await {
            Ok(Some(known)) if known.outcome != Outcome::Unknown => known,
            _ => execution,
        }
    }
}

fn serve(flight: &mut Flight, result: Value) {
    flight.envelope.ok = true;
    flight.envelope.result = Some(result);
    flight.envelope.source = Some(Source::Cache);
}

/// Whether the other side may run it now: provably not run, or harmless to repeat; and not refused for a reason that would be
/// the same there.
fn may_move(flight: &Flight, execution: &Execution) -> bool {
    let Err(error) = &execution.result else { return false };
    let is_safe = match execution.outcome {
        Outcome::NotExecuted => true,
        Outcome::Unknown => flight.route.effect.is_repeatable(),
        _ => false,
    };
    let is_final = matches!(
        error.kind(),
        ErrorKind::InvalidParams
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::IdempotencyConflict
            | ErrorKind::IdempotencyMismatch
            | ErrorKind::Stopped
            | ErrorKind::ApprovalRequired
            | ErrorKind::StoreUnavailable
    );
    is_safe && !is_final
}
