//! Whether a month's running totals agree with the rows they stand for.

use serde::Serialize;

use super::store;
use crate::cost::SqlCostGuard;
use crate::{MicroUsd, Result};

/// The running totals of the current month beside the sums of their rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CostAudit {
    /// The month.
    pub month: String,
    /// Booked, by the running totals.
    pub total_usd: MicroUsd,
    /// Booked, by the rows of the log.
    pub logged_usd: MicroUsd,
    /// Held, by the running totals.
    pub reserved_usd: MicroUsd,
    /// Held, by the open reservations.
    pub held_usd: MicroUsd,
}

impl CostAudit {
    /// Whether both ways of counting agree.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        self.total_usd == self.logged_usd && self.reserved_usd == self.held_usd
    }
}

impl SqlCostGuard {
    /// Adds the current month up row by row. Exact while nothing is being spent; `doctor` runs it.
    ///
    /// # Errors
    /// The store's.
    pub async fn audit(&self) -> Result<CostAudit> {
        let period = self.period();
        let cost = self.cost_of(period.month).await?;
        let held = store::held(&mut self.store.read().await?.db(), &period.key).await?;
        Ok(CostAudit {
            month: period.key,
            total_usd: cost.total_usd,
            logged_usd: cost.by_service.iter().map(|line| line.cost_usd).sum(),
            reserved_usd: cost.reserved_usd,
            held_usd: held,
        })
    }
}
