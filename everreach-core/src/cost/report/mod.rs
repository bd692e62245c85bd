//! Reports about money: the split of a month, one day, and whether the books agree.

mod audit;
mod daily;
pub(super) mod store;

pub use audit::CostAudit;
pub use daily::DailyReport;
