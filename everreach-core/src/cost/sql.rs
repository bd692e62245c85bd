//! The cost guard over the store.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use super::booking::{self, Admission, Closed, Closing};
use super::month::MonthClock;
use super::notice::Notice;
use super::store::{self, Period};
use super::totals::check_amount;
use super::{BudgetLevel, CostConfig, CostGuard, CostRequest, Month, MonthlyCost, Reservation, report};
use crate::events::EventLog;
use crate::notify::Notifier;
use crate::store::Store;
use crate::{Error, ErrorKind, Event, Id, MicroUsd, Result, SharedClock, Timestamp};

/// Keeps the cap in the database, for any number of tasks, processes and machines that share it.
///
/// Each guard on the same database takes part: nothing is kept in memory but the newest month seen.
///
/// ```
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(async {
/// use everreach_core::cost::{CostConfig, CostGuard, CostRequest, SqlCostGuard};
/// use everreach_core::{MicroUsd, SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let guard = SqlCostGuard::new(store.clone(), CostConfig::default(), SystemClock::shared(), EventLog::start(store))?;
/// let price = MicroUsd::from_micros(2_000);
/// let held = guard.reserve(CostRequest::new("research.platform".parse()?, price)).await?;
/// guard.settle(&held, price).await?;
/// assert_eq!(guard.monthly_cost().await?.total_usd, price);
/// # Ok::<(), everreach_core::Error>(())
/// # }).expect("it works");
/// ```
pub struct SqlCostGuard {
    pub(super) store: Store,
    pub(super) config: CostConfig,
    pub(super) clock: SharedClock,
    events: EventLog,
    notifier: Option<Arc<dyn Notifier>>,
    months: MonthClock,
}

impl std::fmt::Debug for SqlCostGuard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlCostGuard").field("config", &self.config).finish_non_exhaustive()
    }
}

impl SqlCostGuard {
    /// A guard that tells nobody but the event log.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the caps make no sense.
    pub fn new(store: Store, config: CostConfig, clock: SharedClock, events: EventLog) -> Result<Self> {
        config.validate()?;
        Ok(Self { store, config, clock, events, notifier: None, months: MonthClock::new() })
    }

    /// Tells the operator too: once a month at each cap, and of every settlement above its reservation. The notice is sent
    /// after the commit, by the call that caused it.
    #[must_use]
    pub fn with_notifier(mut self, notifier: Arc<dyn Notifier>) -> Self {
        self.notifier = Some(notifier);
        self
    }

    /// Removes closed reservations older than this; returns how many. Closing one of those again is an unknown reservation.
    ///
    /// # Errors
    /// The store's.
    pub async fn forget_closed(&self, before: Timestamp) -> Result<u64> {
        self.store.write(move |mut db| Box::pin(async move { store::forget_closed(&mut db, before).await })).await
    }

    /// The current month.
    pub(super) fn period(&self) -> Period {
        self.period_of(self.months.month(self.clock.now(), self.config.zone))
    }

    pub(super) fn period_of(&self, month: Month) -> Period {
        Period { month, key: month.to_string(), start: month.start(self.config.zone), end: month.end(self.config.zone) }
    }

    /// Where any month stands.
    pub(super) async fn cost_of(&self, month: Month) -> Result<MonthlyCost> {
        let period = self.period_of(month);
        let mut connection = self.store.read().await?;
        let state = store::month_state(&mut connection.db(), &period).await?;
        let split = report::store::month(&mut connection.db(), &period).await?;
        let mut cost = state.totals.monthly_cost(month, &self.config, self.clock.now());
        cost.by_service = split.by_service;
        Ok(cost)
    }

    /// Sends what is due; a notice that cannot be sent is in the event log, and so is the failure.
    pub(super) async fn tell(&self, notices: impl IntoIterator<Item = Notice> + Send) {
        let notices: Vec<_> = notices.into_iter().collect();
        for notice in notices {
            let text = notice.to_string();
            tracing::warn!(target: "everreach::cost", "{text}");
            let Some(notifier) = &self.notifier else { continue };
            if let Err(error) = notifier.notify(&text).await {
                tracing::warn!(%error, "a notice about cost was not sent");
                let data = json!({"notice": text, "error": error.to_string()});
                self.events.record(Event::new(self.clock.now(), "cost.notice_failed", error.kind().code()).with_data(data));
            }
        }
    }

    async fn close(&self, reservation: &Reservation, closing: Closing) -> Result<()> {
        let (id, config, now) = (reservation.id, self.config.clone(), self.clock.now());
        let closed = self
            .store
            .write(move |mut db| Box::pin(async move { booking::close(&mut db, id, closing, &config, now).await }))
            .await?;
        match closed {
            Closed::Now(notices) => {
                self.tell(notices).await;
                Ok(())
            }
            Closed::Before { is_late_settlement } => {
                if is_late_settlement {
                    let data = json!({"reservation": id, "month": reservation.month, "reserved_usd": reservation.amount});
                    self.events
                        .record(Event::new(now, "cost.settled_after_release", reservation.action.as_str()).with_data(data));
                }
                Ok(())
            }
            Closed::NeverMade => Err(unknown_reservation(id)),
        }
    }
}

pub(super) fn unknown_reservation(id: Id) -> Error {
    Error::new(ErrorKind::NotFound, "no such reservation: settle or release only what `reserve` returned").with("reservation", id)
}

#[async_trait]
impl CostGuard for SqlCostGuard {
    async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
        check_amount(request.amount)?;
        let (period, config, now) = (self.period(), self.config.clone(), self.clock.now());
        let month = period.month;
        let reservation = Reservation::new(Id::new(), period.key.clone(), &request);
        let (asked, made) = (request.clone(), reservation.clone());
        let admission = self
            .store
            .write(move |mut db| Box::pin(async move { booking::reserve(&mut db, &asked, &made, &period, &config, now).await }))
            .await?;
        match admission {
            Admission::Held => Ok(reservation),
            Admission::Refused { totals, notice } => {
                self.tell(notice).await;
                Err(totals.refusal(&request, month, &self.config))
            }
        }
    }

    async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()> {
        check_amount(actual)?;
        self.close(reservation, Closing::Settle(actual)).await
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        self.close(reservation, Closing::Release).await
    }

    async fn level(&self) -> Result<BudgetLevel> {
        let period = self.period();
        let mut connection = self.store.read().await?;
        Ok(store::month_state(&mut connection.db(), &period).await?.totals.level(&self.config))
    }

    async fn monthly_cost(&self) -> Result<MonthlyCost> {
        self.cost_of(self.period().month).await
    }
}
