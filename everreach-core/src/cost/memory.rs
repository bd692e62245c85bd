//! The cost guard in memory: the same rules for tests, and for embedders without a database.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::month::MonthClock;
use super::sql::unknown_reservation;
use super::totals::{MonthTotals, check_amount};
use super::{BudgetLevel, CostConfig, CostGuard, CostRequest, Month, MonthlyCost, Reservation, ServiceCost};
use crate::{ActionName, Id, MicroUsd, Result, SharedClock};

/// Keeps the cap within one process; everything is forgotten when it ends.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// use everreach_core::cost::{CostConfig, CostGuard, CostRequest, MemoryCostGuard};
/// use everreach_core::{ErrorKind, MicroUsd, SystemClock};
/// let guard = MemoryCostGuard::new(CostConfig::default(), SystemClock::shared())?;
/// let all = guard.reserve(CostRequest::new("dm.send".parse()?, MicroUsd::from_usd(400))).await?;
/// let refused = guard.reserve(CostRequest::new("dm.send".parse()?, MicroUsd::ZERO)).await;
/// assert_eq!(refused.expect_err("the cap is held").kind(), ErrorKind::CostCapExceeded);
/// guard.release(&all).await?;
/// # Ok::<(), everreach_core::Error>(())
/// # }).expect("it works");
/// ```
#[derive(Debug)]
pub struct MemoryCostGuard {
    config: CostConfig,
    clock: SharedClock,
    months: MonthClock,
    books: Mutex<Books>,
}

#[derive(Debug, Default)]
struct Books {
    months: BTreeMap<Month, MonthBook>,
    reservations: HashMap<Id, Held>,
}

#[derive(Debug, Default)]
struct MonthBook {
    totals: MonthTotals,
    by_action: BTreeMap<ActionName, (u64, MicroUsd)>,
}

#[derive(Debug)]
struct Held {
    month: Month,
    amount: MicroUsd,
    is_essential: bool,
    action: ActionName,
    is_open: bool,
}

impl MemoryCostGuard {
    /// An empty guard.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the caps make no sense.
    pub fn new(config: CostConfig, clock: SharedClock) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, clock, months: MonthClock::new(), books: Mutex::default() })
    }

    fn month(&self) -> Month {
        self.months.month(self.clock.now(), self.config.zone)
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Books {
    /// Opens a month; what was closed before the last one is forgotten.
    fn open(&mut self, month: Month) -> &mut MonthBook {
        if !self.months.contains_key(&month) {
            self.reservations.retain(|_, held| held.is_open || held.month >= month.previous());
        }
        self.months.entry(month).or_default()
    }

    fn close(&mut self, id: Id, actual: Option<MicroUsd>) -> Result<()> {
        let held = self.reservations.get_mut(&id).ok_or_else(|| unknown_reservation(id))?;
        if !held.is_open {
            return Ok(());
        }
        held.is_open = false;
        let (month, amount, is_essential, action) = (held.month, held.amount, held.is_essential, held.action.clone());
        let book = self.months.entry(month).or_default();
        let totals = &mut book.totals;
        let (settled, reserved) = if is_essential {
            (&mut totals.essential_settled, &mut totals.essential_reserved)
        } else {
            (&mut totals.settled, &mut totals.reserved)
        };
        *reserved = reserved.saturating_sub(amount);
        let Some(actual) = actual else { return Ok(()) };
        *settled = settled.saturating_add(actual);
        if actual > amount {
            tracing::warn!(target: "everreach::cost", %action, reserved = %amount, %actual, "a call cost more than was reserved");
        }
        let (calls, cost) = book.by_action.entry(action).or_default();
        *calls += 1;
        *cost = cost.saturating_add(actual);
        Ok(())
    }
}

#[async_trait]
impl CostGuard for MemoryCostGuard {
    async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
        check_amount(request.amount)?;
        let month = self.month();
        let mut books = self.books();
        let totals = &mut books.open(month).totals;
        if request.is_essential {
            totals.essential_reserved = totals.essential_reserved.saturating_add(request.amount);
        } else if totals.admits(request.amount, self.config.cap) {
            totals.reserved = totals.reserved.saturating_add(request.amount);
        } else {
            return Err(totals.refusal(&request, month, &self.config));
        }
        let reservation = Reservation::new(Id::new(), month.to_string(), &request);
        let CostRequest { action, amount, is_essential, .. } = request;
        books.reservations.insert(reservation.id, Held { month, amount, is_essential, action, is_open: true });
        Ok(reservation)
    }

    async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()> {
        check_amount(actual)?;
        self.books().close(reservation.id, Some(actual))
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        self.books().close(reservation.id, None)
    }

    async fn level(&self) -> Result<BudgetLevel> {
        let month = self.month();
        Ok(self.books().months.get(&month).map(|book| book.totals).unwrap_or_default().level(&self.config))
    }

    async fn monthly_cost(&self) -> Result<MonthlyCost> {
        let month = self.month();
        let books = self.books();
        let book = books.months.get(&month);
        let totals = book.map(|book| book.totals).unwrap_or_default();
        let mut cost = totals.monthly_cost(month, &self.config, self.clock.now());
        let line = |(action, (calls, usd)): (&ActionName, &(u64, MicroUsd))| {
            ServiceCost::new(action.service(), action.as_str(), *calls, *usd)
        };
        cost.by_service = book.map(|book| book.by_action.iter().map(line).collect()).unwrap_or_default();
        cost.by_service.sort_by_key(|line| std::cmp::Reverse(line.cost_usd));
        Ok(cost)
    }
}
