//! Cost: a monthly cap that holds, for any number of tasks and processes.
//!
//! # Law
//! Never over: settled plus reserved spend of capped calls never passes the cap. Reserve, act, then settle or release.

mod config;
mod guard;

pub use config::CostConfig;
#[cfg(feature = "mock")]
pub use guard::MockCostGuard;
pub use guard::{BudgetLevel, CostGuard, CostRequest, MonthlyCost, Reservation, ServiceCost};
