//! The handle: one call in, one envelope out.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::flight::Flight;
use crate::approval::Approvals;
use crate::breaker::CircuitSet;
use crate::cost::CostGuard;
use crate::events::EventLog;
use crate::failover::ConnectivityView;
use crate::ledger::Ledger;
use crate::retry::{RetryBudget, RetryPolicy};
use crate::routing::offline::OfflineCache;
use crate::routing::relay::LocalRelay;
use crate::routing::{
    ActionClass, Classifier, Conditions, Decision, Executor, ExplainedDecision, Explanation, Preference, Route, RouteRequest,
    RoutingConfig, Rule, RuleVerdict, ServiceListing, SharedRouteTable, Target, decide,
};
use crate::stop::StopSwitch;
use crate::{ActionName, Effect, Envelope, ErrorKind, Id, MicroUsd, Mode, Outcome, Result, SharedClock, Side};

/// Everything an orchestrator works with.
pub(crate) struct OrchestratorParts {
    pub(crate) config: RoutingConfig,
    pub(crate) clock: SharedClock,
    pub(crate) table: SharedRouteTable,
    pub(crate) classifier: Arc<dyn Classifier>,
    pub(crate) local: Arc<dyn Executor>,
    pub(crate) cloud: Option<Arc<dyn Executor>>,
    pub(crate) cost: Arc<dyn CostGuard>,
    pub(crate) default_rate: Option<MicroUsd>,
    pub(crate) ledger: Ledger,
    pub(crate) approvals: Approvals,
    pub(crate) stop: StopSwitch,
    pub(crate) events: EventLog,
    pub(crate) cache: OfflineCache,
    pub(crate) circuits: CircuitSet,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) retry_budget: RetryBudget,
    pub(crate) connectivity: ConnectivityView,
    /// Whoever looks after the rows of calls for the local machine, where both machines use this database.
    pub(crate) relay: Option<Arc<dyn LocalRelay>>,
    pub(crate) tasks: TaskTracker,
}

/// A cheap-to-clone handle that routes calls.
#[derive(Clone)]
pub struct Orchestrator {
    pub(super) parts: Arc<OrchestratorParts>,
}

impl std::fmt::Debug for Orchestrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orchestrator").field("config", &self.parts.config).finish_non_exhaustive()
    }
}

impl Orchestrator {
    pub(crate) fn new(parts: OrchestratorParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Runs one call. Every failure is an envelope.
    ///
    /// A call that is journaled (an outward one, or any with a key) runs in a task of its own, so that a caller who goes away
    /// does not cut it off; others stop when this future is dropped.
    pub async fn route(&self, request: RouteRequest) -> Envelope {
        let route = self.parts.table.current().resolve(&request.action);
        let flight = Flight::new(&self.parts, route, request);
        if !flight.is_journaled() && self.relay_for(&flight).is_none() {
            return self.route_unjournaled(flight).await;
        }
        let (action, request_id) = (flight.route.action.clone(), flight.call.request_id);
        let orchestrator = self.clone();
        // Boxed: the journaled path is long, and reads should not carry its state around.
        let call = self.parts.tasks.spawn(async move { Box::pin(orchestrator.route_journaled(flight)).await });
        call.await.unwrap_or_else(|_| ended_early(action, request_id))
    }

    async fn route_unjournaled(&self, mut flight: Flight) -> Envelope {
        let parts = &*self.parts;
        match self.decide(&flight, false, &mut |_, _, _| {}).await {
            Ok(decision) => {
                flight.decided(&decision);
                self.carry_out(&mut flight, &decision).await;
            }
            Err(error) => flight.envelope.fail(&error),
        }
        flight.close(parts);
        parts.events.record(flight.finished_event(parts.clock.now()));
        flight.envelope
    }

    /// Looks at the conditions of the moment and weighs the rules. Reads the budget only when the cloud is in question and the
    /// stop switch freshly only when the call changes something.
    pub(super) async fn decide(
        &self,
        flight: &Flight,
        is_approved: bool,
        seen: &mut (dyn FnMut(Rule, crate::routing::Verdict, &'static str) + Send),
    ) -> Result<Decision> {
        let parts = &*self.parts;
        let mut conditions = Conditions::new(parts.config.mode, self.class_of(&flight.route));
        conditions.force_env = flight.force_env;
        conditions.is_cloud_terminal = parts.config.is_cloud_terminal;
        conditions.is_offline = parts.config.offline || parts.connectivity.is_offline();
        conditions.can_queue = self.relay_for(flight).is_some();
        conditions.is_failed = parts.connectivity.is_failed();
        conditions.is_approved = is_approved;
        conditions.is_stopped = match flight.route.effect {
            Effect::Read | Effect::Compute => parts.stop.is_stopped(),
            // Boxed, as is everything here that talks to the database: a read should not carry that state around.
            _ => Box::pin(flight.in_time(parts, parts.stop.check_now())).await?.stopped,
        };
        // The usual answer, for a month with money in it; it tells whether the budget matters at all.
        let unhindered = decide(&flight.route, &conditions, &mut |_, _, _| {});
        let is_paid_elsewhere = conditions.is_cloud_terminal && flight.call.hops > 0;
        let wants_cloud =
            matches!(unhindered.target, Target::Run(Side::Cloud) | Target::Queue) || unhindered.fallback == Some(Side::Cloud);
        if wants_cloud && !is_paid_elsewhere {
            conditions.budget = Box::pin(flight.in_time(parts, parts.cost.level())).await?;
        }
        Ok(decide(&flight.route, &conditions, seen))
    }

    /// The class where it can matter; the row's own everywhere else, which costs nothing to look up.
    fn class_of(&self, route: &Route) -> ActionClass {
        if self.parts.config.mode == Mode::Hybrid && route.preferred_env == Preference::Auto {
            return self.parts.classifier.classify(&route.action).class;
        }
        route.class
    }

    /// The decision for this request as it would fall now, with every rule that was weighed. Runs nothing.
    ///
    /// # Errors
    /// The store's, when the budget or the stop switch cannot be read.
    pub async fn explain(&self, request: &RouteRequest) -> Result<Explanation> {
        let route = self.parts.table.current().resolve(&request.action);
        let flight = Flight::new(&self.parts, route, request.clone());
        let mut rules = Vec::new();
        let decision =
            self.decide(&flight, false, &mut |rule, verdict, why| rules.push(RuleVerdict::new(rule, verdict, why))).await?;
        let env = match decision.target {
            Target::Run(side) => Some(side),
            Target::Queue => Some(Side::Local),
            Target::Refuse(_) => None,
        };
        let price = if env == Some(Side::Cloud) { self.price(&flight.route) } else { Some(MicroUsd::ZERO) };
        let would = would(&flight.route, &decision, price);
        let class = self.parts.classifier.classify(&flight.route.action).class;
        Ok(Explanation::new(
            flight.route.action.clone(),
            ExplainedDecision::new(env, decision.rule, rules),
            flight.route.effect,
            class,
            price.unwrap_or(MicroUsd::ZERO),
            would,
        ))
    }

    /// Whatever the local side offers.
    ///
    /// # Errors
    /// When a worker cannot be asked.
    pub async fn local_services(&self) -> Result<Vec<ServiceListing>> {
        self.parts.local.services().await
    }
}

/// The answer of a call whose task is gone.
pub(super) fn ended_early(action: ActionName, request_id: Id) -> Envelope {
    let mut envelope = Envelope::new(action, request_id);
    envelope.error = Some(ErrorKind::Internal);
    envelope.detail = Some("the call's task ended early: ask GET /api/calls for what became of it".to_owned());
    envelope.outcome = Outcome::Unknown;
    envelope
}

fn would(route: &Route, decision: &Decision, price: Option<MicroUsd>) -> String {
    let action = &route.action;
    match decision.target {
        Target::Refuse(kind) => format!("refuse {action}: {kind}"),
        Target::Queue => format!("queue {action} for the local machine"),
        Target::Run(Side::Cloud) => match price {
            Some(price) => format!("run {action} in the cloud for {price} USD{}", fallback_clause(decision)),
            None => format!("refuse {action}: {} (its route states no cost_usd)", ErrorKind::Unpriced),
        },
        Target::Run(side) => format!("run {action} on the {side} side{}", fallback_clause(decision)),
    }
}

fn fallback_clause(decision: &Decision) -> String {
    decision.fallback.map_or_else(String::new, |side| format!(", falling back to {side} if it provably did not run"))
}
