//! From what became of the tries to the envelope that says so.

use serde_json::Value;

use super::Orchestrator;
use super::flight::Flight;
use crate::routing::offline::CacheHit;
use crate::routing::{Execution, RouteMatch};
use crate::{Effect, Error, ErrorKind, Outcome, Side, Source};

impl Orchestrator {
    /// The answer of the side that was chosen.
    pub(super) async fn answer(&self, flight: &mut Flight, source: Source, execution: Execution) {
        flight.envelope.outcome = execution.outcome;
        flight.envelope.source = (execution.outcome != Outcome::NotExecuted).then_some(source);
        match execution.result {
            Ok(result) => {
                self.keep_for_later(flight, source, &result);
                flight.envelope.ok = true;
                flight.envelope.result = Some(result);
            }
            Err(error) => {
                let error = Box::pin(self.unknown_rather_than_unpriced(flight, error)).await;
                if error.kind() == ErrorKind::UnknownAction {
                    flight.envelope.suggestions = Box::pin(self.nearest(flight, execution.suggestions)).await;
                }
                flight.envelope.fail(&error);
            }
        }
    }

    /// The answer of the side that took over. When that one provably did not run it either, the first failure is the one to
    /// report, unless the cache can help.
    pub(super) async fn answer_moved(&self, flight: &mut Flight, source: Source, second: Execution, first: Execution) {
        let (Err(error), Err(before)) = (&second.result, &first.result) else {
            return self.answer(flight, source, second).await;
        };
        let is_in_doubt = [first.outcome, second.outcome].contains(&Outcome::Unknown);
        if let Some(CacheHit::Fresh(cached)) = self.cached(flight).await {
            flight.envelope.outcome = if is_in_doubt { Outcome::Unknown } else { second.outcome };
            return serve(flight, cached.result);
        }
        if second.outcome != Outcome::NotExecuted {
            return self.answer(flight, source, second).await;
        }
        // Only a call that may be repeated moves in doubt, so the first side is the one that may have run it.
        flight.envelope.outcome = first.outcome;
        flight.envelope.source = is_in_doubt.then_some(if source == Source::Cloud { Source::Local } else { Source::Cloud });
        let is_known_nowhere = before.kind() == ErrorKind::Unpriced && error.kind() == ErrorKind::UnknownAction;
        let kind = if is_known_nowhere { ErrorKind::UnknownAction } else { before.kind() };
        let elsewhere = if source == Source::Cloud { "in the cloud" } else { "on this machine" };
        let combined = Error::new(kind, before.to_string()).with(elsewhere, error);
        if error.kind() == ErrorKind::UnknownAction {
            flight.envelope.suggestions = self.nearest(flight, second.suggestions).await;
        }
        self.answer_offline(flight, combined).await;
    }

    /// Fails the call, with a fresh answer from the cache instead or a stale one beside the error.
    pub(super) async fn answer_offline(&self, flight: &mut Flight, error: Error) {
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

    /// An action without a price and without a row is more likely a slip of the pen: whoever would run it is asked.
    async fn unknown_rather_than_unpriced(&self, flight: &Flight, error: Error) -> Error {
        if error.kind() != ErrorKind::Unpriced || flight.route.matched == RouteMatch::Exact {
            return error;
        }
        let Some(executor) = self.executor(Side::Cloud) else { return error };
        let patience = flight.remaining(&self.parts);
        let listed = tokio::time::timeout(patience, executor.services()).await.ok().and_then(Result::ok).unwrap_or_default();
        if listed.is_empty() || listed.iter().any(|service| service.action == flight.route.action) {
            return error;
        }
        Error::new(ErrorKind::UnknownAction, "no row speaks of this action and the cloud does not offer it")
    }

    /// The nearest names of the table and of the local side, else what the other side itself suggests.
    async fn nearest(&self, flight: &Flight, suggested: Vec<String>) -> Vec<String> {
        let patience = flight.remaining(&self.parts);
        let listed = tokio::time::timeout(patience, self.parts.local.services()).await.ok().and_then(Result::ok);
        let listed: Vec<_> = listed.unwrap_or_default().into_iter().map(|service| service.action).collect();
        let ours = self.parts.table.current().nearest(&flight.route.action, &listed);
        if ours.is_empty() { suggested } else { ours }
    }
}

fn serve(flight: &mut Flight, result: Value) {
    flight.envelope.ok = true;
    flight.envelope.result = Some(result);
    flight.envelope.source = Some(Source::Cache);
}
