//! Money for a try: held before it, settled or given back after it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::Orchestrator;
use super::flight::Flight;
use crate::cost::{CostGuard, CostRequest, Reservation};
use crate::routing::Route;
use crate::{Error, ErrorKind, MicroUsd, Outcome, Result, Side};

/// Money held for a try that is under way.
///
/// A try that is dropped in the middle may have run, so dropping books the money. That of a journaled call stays held instead:
/// its journal will tell.
pub(super) struct HeldMoney {
    reservation: Option<Reservation>,
    is_journaled: bool,
    cost: Arc<dyn CostGuard>,
    tasks: TaskTracker,
}

impl HeldMoney {
    fn take(&mut self) -> Option<Reservation> {
        self.reservation.take()
    }
}

impl Drop for HeldMoney {
    fn drop(&mut self) {
        let Some(reservation) = self.reservation.take().filter(|_| !self.is_journaled) else { return };
        let Ok(tokio) = Handle::try_current() else { return };
        let cost = Arc::clone(&self.cost);
        self.tasks.spawn_on(async move { tell(cost.settle(&reservation, reservation.amount).await, &reservation) }, &tokio);
    }
}

impl Orchestrator {
    /// What one call of this route in the cloud costs; `None` when nobody stated it.
    pub(super) fn price(&self, route: &Route) -> Option<MicroUsd> {
        route.cost_usd.or(self.parts.default_rate)
    }

    /// Only cloud calls are priced. A call that reached the cloud terminal from another EverReach was paid for there.
    pub(super) async fn reserve(&self, flight: &Flight, side: Side) -> Result<Option<HeldMoney>> {
        let parts = &*self.parts;
        if side == Side::Local || (parts.config.is_cloud_terminal && flight.call.hops > 0) {
            return Ok(None);
        }
        let Some(price) = self.price(&flight.route) else {
            return Err(Error::new(
                ErrorKind::Unpriced,
                "nobody stated what this action costs in the cloud: give its route a cost_usd",
            ));
        };
        if price == MicroUsd::ZERO {
            return Ok(None);
        }
        let mut request = CostRequest::new(flight.route.action.clone(), price);
        request.is_essential = flight.route.essential;
        request.call_key = flight.claim.as_ref().map(|claim| claim.key.to_string());
        let is_journaled = request.call_key.is_some();
        let reservation = Some(flight.in_time(parts, parts.cost.reserve(request)).await?);
        Ok(Some(HeldMoney { reservation, is_journaled, cost: Arc::clone(&parts.cost), tasks: parts.tasks.clone() }))
    }

    /// Settles what was spent, releases what provably was not. Of a journaled call with an unknown outcome the money stays held.
    pub(super) async fn close_money(&self, flight: &mut Flight, money: Option<HeldMoney>, outcome: Outcome) {
        let Some(mut money) = money else { return };
        let Some(reservation) = money.take() else { return };
        if outcome == Outcome::NotExecuted {
            return tell(self.parts.cost.release(&reservation).await, &reservation);
        }
        flight.envelope.cost_usd = flight.envelope.cost_usd.saturating_add(reservation.amount);
        if outcome != Outcome::Unknown || !money.is_journaled {
            tell(self.parts.cost.settle(&reservation, reservation.amount).await, &reservation);
        }
    }
}

fn tell(closed: Result<()>, reservation: &Reservation) {
    if let Err(error) = closed {
        tracing::error!(?error, reservation = %reservation.id, "the reservation stays held until it is reconciled");
    }
}
