//! The report of one day.

use std::fmt;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::store;
use crate::cost::month::start_of_day;
use crate::cost::{Month, MonthlyCost, ServiceCost, SqlCostGuard};
use crate::{MicroUsd, Result};

/// What one day cost, and where its month stands. `Display` is the text of a notice.
///
/// ```
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(async {
/// use everreach_core::cost::{CostConfig, SqlCostGuard};
/// use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let guard = SqlCostGuard::new(store.clone(), CostConfig::default(), SystemClock::shared(), EventLog::start(store))?;
/// let report = guard.daily_report(guard.today()).await?;
/// assert!(report.to_string().contains("nothing was spent"));
/// # Ok::<(), everreach_core::Error>(())
/// # }).expect("it works");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DailyReport {
    /// The day, in the configured zone.
    pub day: NaiveDate,
    /// The zone's name.
    pub zone: String,
    /// What the day cost.
    pub spent_usd: MicroUsd,
    /// The essential part of it.
    pub essential_usd: MicroUsd,
    /// The split of the day, dearest first.
    pub by_service: Vec<ServiceCost>,
    /// Where the day's month stands.
    pub month: MonthlyCost,
}

impl DailyReport {
    /// What the figures leave out.
    pub const NOTE: &str = "Only entries of actp_cost_log are counted; other ledgers (anthropic_cost_log, credits) are not.";
}

impl fmt::Display for DailyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Cost report for {} ({})", self.day, self.zone)?;
        if self.by_service.is_empty() {
            writeln!(f, "Today: nothing was spent")?;
        } else {
            writeln!(f, "Today: {} USD, {} of it essential", self.spent_usd, self.essential_usd)?;
        }
        for line in &self.by_service {
            writeln!(f, "  {} {}: {} USD in {} call(s)", line.service, line.action, line.cost_usd, line.calls)?;
        }
        let month = &self.month;
        write!(f, "{}: {} of {} USD", month.month, month.total_usd, month.cap_usd)?;
        writeln!(f, " ({} essential, {} reserved, {} left)", month.essential_usd, month.reserved_usd, month.remaining_usd)?;
        writeln!(f, "Forecast: {} USD at the end of the month", month.forecast_usd)?;
        f.write_str(Self::NOTE)
    }
}

impl SqlCostGuard {
    /// Today's date in the configured zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.config.zone).date_naive()
    }

    /// What this day cost by service and action, and where its month stands.
    ///
    /// # Errors
    /// The store's.
    pub async fn daily_report(&self, day: NaiveDate) -> Result<DailyReport> {
        let zone = self.config.zone;
        let start = start_of_day(day, zone);
        let end = day.checked_add_days(Days::new(1)).map_or(start, |next| start_of_day(next, zone));
        let split = store::between(&mut self.store.read().await?.db(), start, end).await?;
        Ok(DailyReport {
            day,
            zone: zone.to_string(),
            spent_usd: split.spent,
            essential_usd: split.essential,
            by_service: split.by_service,
            month: self.cost_of(Month::of(start, zone)).await?,
        })
    }
}
