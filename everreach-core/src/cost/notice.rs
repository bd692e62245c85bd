//! What the operator is told about money, and when.

use std::fmt;

use super::totals::MonthTotals;
use super::{CostConfig, Month};
use crate::{MicroUsd, event};

/// A message to the operator. The first two go out once a month, from whichever process gets there first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    SoftCap { month: Month, total: MicroUsd, soft_cap: MicroUsd, cap: MicroUsd },
    Cap { month: Month, total: MicroUsd, cap: MicroUsd },
    Overrun { month: Month, action: String, held: MicroUsd, actual: MicroUsd },
    Unreadable { rows: u64 },
}

/// Which of the month's alerts have gone out.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Alerted {
    pub(super) soft: bool,
    pub(super) hard: bool,
}

impl Notice {
    /// The alert that is due. At the cap means: nothing is left, or past the soft cap a call of this price no longer fits.
    pub(super) fn due(
        month: Month,
        totals: &MonthTotals,
        alerted: Alerted,
        config: &CostConfig,
        refused: Option<MicroUsd>,
    ) -> Option<Self> {
        let total = totals.total();
        let is_soft = total >= config.soft_cap;
        let no_longer_fits = refused.is_some_and(|amount| is_soft && total.saturating_add(amount) > config.cap);
        if !alerted.hard && (total >= config.cap || no_longer_fits) {
            return Some(Self::Cap { month, total, cap: config.cap });
        }
        (is_soft && !alerted.soft && !alerted.hard).then_some(Self::SoftCap {
            month,
            total,
            soft_cap: config.soft_cap,
            cap: config.cap,
        })
    }

    /// The same as an event.
    pub(super) fn event(&self, now: crate::Timestamp) -> event::Event {
        let (kind, subject, data) = match self {
            Self::SoftCap { month, total, soft_cap, .. } => {
                ("cost.soft_cap_reached", month.to_string(), serde_json::json!({"total_usd": total, "soft_cap_usd": soft_cap}))
            }
            Self::Cap { month, total, cap } => {
                ("cost.cap_reached", month.to_string(), serde_json::json!({"total_usd": total, "cap_usd": cap}))
            }
            Self::Overrun { month, action, held, actual } => (
                "cost.overrun",
                action.clone(),
                serde_json::json!({"month": month.to_string(), "reserved_usd": held, "actual_usd": actual}),
            ),
            Self::Unreadable { rows } => ("cost.unreadable", "actp_cost_log".to_owned(), serde_json::json!({"rows": rows})),
        };
        event::Event::new(now, kind, subject).with_data(data)
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftCap { month, total, soft_cap, cap } => write!(
                f,
                "Soft cap reached: {total} USD spent in {month} (soft cap {soft_cap}, cap {cap}). In hybrid mode everything runs locally now."
            ),
            Self::Cap { month, total, cap } => write!(
                f,
                "Monthly cap reached: {total} of {cap} USD spent in {month}. Cloud calls are refused, essential ones excepted, until the month ends or MONTHLY_COST_CAP is raised."
            ),
            Self::Overrun { month, action, held, actual } => {
                write!(
                    f,
                    "{action} cost {actual} USD where {held} was reserved; the whole amount is booked in {month}. Check its price."
                )
            }
            Self::Unreadable { rows } => write!(
                f,
                "{rows} row(s) in actp_cost_log have no readable cost_usd or created_at; they are not counted, and marked `unreadable` in everreach_month."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(total: &str, alerted: Alerted, refused: Option<&str>) -> Option<&'static str> {
        let usd = |text: &str| text.parse::<MicroUsd>().expect("an amount");
        let totals = MonthTotals { settled: usd(total), ..MonthTotals::default() };
        let month = "2026-11".parse().expect("a month");
        Notice::due(month, &totals, alerted, &CostConfig::default(), refused.map(usd)).map(|notice| match notice {
            Notice::Cap { .. } => "cap",
            _ => "soft",
        })
    }

    #[test]
    fn each_cap_is_told_once_and_the_higher_one_silences_the_lower() {
        let (nothing, soft, hard) =
            (Alerted::default(), Alerted { soft: true, hard: false }, Alerted { soft: false, hard: true });
        assert_eq!(due("379.999999", nothing, None), None);
        assert_eq!((due("380", nothing, None), due("380", soft, None)), (Some("soft"), None));
        assert_eq!((due("400", nothing, None), due("400", soft, None), due("400", hard, None)), (Some("cap"), Some("cap"), None));
    }

    #[test]
    fn a_refusal_near_the_cap_is_the_cap_but_one_dear_call_early_in_the_month_is_not() {
        assert_eq!(due("399.999", Alerted { soft: true, hard: false }, Some("0.01")), Some("cap"));
        assert_eq!(due("10", Alerted::default(), Some("500")), None);
        assert_eq!(due("385", Alerted { soft: true, hard: false }, Some("0.01")), None);
    }
}
