//! Cost: a monthly cap that holds, for any number of tasks and processes.
//!
//! # Law
//! Never over: settled plus reserved spend of capped calls never passes the cap. Reserve, act, then settle or release.

mod booking;
mod config;
mod foreign;
mod guard;
mod memory;
mod month;
mod notice;
mod rates;
mod reconcile;
mod report;
mod sql;
mod store;
mod totals;

#[cfg(test)]
mod tests;

pub use config::{CostConfig, MOST_PER_CALL, RESERVATION_LEASE};
pub use foreign::Absorbed;
#[cfg(feature = "mock")]
pub use guard::MockCostGuard;
pub use guard::{BudgetLevel, CostGuard, CostRequest, MonthlyCost, Reservation, ServiceCost};
pub use memory::MemoryCostGuard;
pub use month::Month;
pub use rates::Rate;
pub use reconcile::Reconciled;
pub use report::{CostAudit, DailyReport};
pub use sql::SqlCostGuard;
