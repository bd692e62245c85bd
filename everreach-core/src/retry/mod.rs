//! Retry: whether, when and how often a failed try is repeated. Pure decisions and a budget; the loop is its caller's.
//!
//! # Law
//! A try that may have run is repeated only when running twice does no harm; a try that provably did not run may be repeated
//! by anybody. Over all calls together, repeats stay a fixed share of first tries.

mod backoff;
mod budget;

pub use backoff::{Attempt, Next, RetryPolicy, StopReason, decide, parse_retry_after};
pub use budget::{BudgetConfig, RetryBudget};
