//! What a month's totals allow: the cap's arithmetic, without a database.

use super::{BudgetLevel, CostConfig, CostRequest, MOST_PER_CALL, Month, MonthlyCost};
use crate::{Error, ErrorKind, MicroUsd, Result, Timestamp};

/// The running totals of one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct MonthTotals {
    /// Booked under the cap, rows of other programs included.
    pub(super) settled: MicroUsd,
    pub(super) reserved: MicroUsd,
    pub(super) essential_settled: MicroUsd,
    pub(super) essential_reserved: MicroUsd,
}

impl MonthTotals {
    /// Everything booked.
    pub(super) const fn total(&self) -> MicroUsd {
        self.settled.saturating_add(self.essential_settled)
    }

    /// Everything held.
    pub(super) const fn held(&self) -> MicroUsd {
        self.reserved.saturating_add(self.essential_reserved)
    }

    /// Whether a capped request fits now.
    pub(super) fn admits(&self, amount: MicroUsd, cap: MicroUsd) -> bool {
        self.total().saturating_add(self.held()) <= room_limit(amount, cap)
    }

    pub(super) fn level(&self, config: &CostConfig) -> BudgetLevel {
        let total = self.total();
        if total >= config.cap {
            BudgetLevel::Exceeded
        } else if total >= config.soft_cap {
            BudgetLevel::Soft
        } else {
            BudgetLevel::Open
        }
    }

    /// The month as it is told; the split is the caller's to fill in.
    pub(super) fn monthly_cost(&self, month: Month, config: &CostConfig, now: Timestamp) -> MonthlyCost {
        let level = self.level(config);
        let left = config.cap.saturating_sub(self.total()).saturating_sub(self.held());
        MonthlyCost {
            total_usd: self.total(),
            reserved_usd: self.held(),
            essential_usd: self.essential_settled,
            remaining_usd: left.max(MicroUsd::ZERO),
            warning: level >= BudgetLevel::Soft,
            exceeded: level == BudgetLevel::Exceeded,
            forecast_usd: month.forecast(self.total(), now, config.zone),
            ..MonthlyCost::new(month.to_string(), config)
        }
    }

    pub(super) fn refusal(&self, request: &CostRequest, month: Month, config: &CostConfig) -> Error {
        let left = config.cap.saturating_sub(self.total()).saturating_sub(self.held()).max(MicroUsd::ZERO);
        Error::new(
            ErrorKind::CostCapExceeded,
            "the monthly cap leaves no room for the call: raise MONTHLY_COST_CAP, or wait for the next month",
        )
        .with_operation("reserve")
        .with("action", &request.action)
        .with("needed", request.amount)
        .with("left", left)
        .with("cap", config.cap)
        .with("month", month)
        .with("resets at", month.end(config.zone).to_rfc3339())
    }
}

/// What may be booked and held already for this amount to fit. At the cap even nothing does not, hence the millionth.
pub(super) fn room_limit(amount: MicroUsd, cap: MicroUsd) -> MicroUsd {
    cap.saturating_sub(amount.max(MicroUsd::from_micros(1)))
}

/// Refuses amounts that no single call can cost.
pub(super) fn check_amount(amount: MicroUsd) -> Result<()> {
    if (MicroUsd::ZERO..=MOST_PER_CALL).contains(&amount) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, "the cost of one call is zero or more dollars and below 10000: check its unit")
        .with("seen", amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> MicroUsd {
        text.parse().expect("an amount")
    }

    fn totals(settled: &str, held: &str) -> MonthTotals {
        MonthTotals { settled: usd(settled), reserved: usd(held), ..MonthTotals::default() }
    }

    #[test]
    fn the_last_millionth_fits_and_at_the_cap_nothing_does() {
        let cap = usd("400");
        assert!(totals("399.9", "0.099999").admits(usd("0.000001"), cap));
        assert!(totals("399.9", "0.099999").admits(MicroUsd::ZERO, cap));
        assert!(!totals("399.9", "0.099999").admits(usd("0.000002"), cap));
        assert!(!totals("399.9", "0.1").admits(MicroUsd::ZERO, cap));
        assert!(!totals("0", "0").admits(MicroUsd::ZERO, MicroUsd::ZERO));
    }

    #[test]
    fn the_level_counts_what_is_booked_essential_spend_included() {
        let config = CostConfig::default();
        let booked = |settled: &str, essential: &str| MonthTotals { essential_settled: usd(essential), ..totals(settled, "20") };
        assert_eq!(booked("379.999999", "0").level(&config), BudgetLevel::Open);
        assert_eq!(booked("300", "80").level(&config), BudgetLevel::Soft);
        assert_eq!(booked("0", "400").level(&config), BudgetLevel::Exceeded);
    }

    #[test]
    fn what_remains_is_never_below_zero() {
        let now = "2026-11-16T00:00:00Z".parse().expect("a time");
        let month = Month::of(now, chrono_tz::UTC);
        let cost = totals("399", "5").monthly_cost(month, &CostConfig::default(), now);
        assert_eq!((cost.remaining_usd, cost.reserved_usd, cost.forecast_usd), (MicroUsd::ZERO, usd("5"), usd("798")));
        assert!(cost.warning && !cost.exceeded);
    }

    #[test]
    fn an_amount_that_no_call_costs_is_refused() {
        for amount in [MicroUsd::from_micros(-1), MicroUsd::from_usd(10_000), MicroUsd::MAX] {
            assert_eq!(check_amount(amount).expect_err("too odd").kind(), ErrorKind::InvalidInput);
        }
        assert!(check_amount(MOST_PER_CALL).is_ok() && check_amount(MicroUsd::ZERO).is_ok());
    }
}
