//! The cost guard: money is reserved before it is spent.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{ActionName, Id, MicroUsd, Result};

/// What is about to be spent.
///
/// ```
/// use everreach_core::cost::CostRequest;
/// use everreach_core::MicroUsd;
/// let request = CostRequest::new("dm.send".parse().expect("a name"), MicroUsd::from_micros(1_000)).essential();
/// assert!(request.is_essential);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CostRequest {
    /// What for.
    pub action: ActionName,
    /// How much at most; never negative.
    pub amount: MicroUsd,
    /// Whether it passes the cap.
    pub is_essential: bool,
    /// The journaled call it belongs to, so that a crash can be told from a call that never left.
    pub call_key: Option<String>,
}

impl CostRequest {
    /// A capped request.
    #[must_use]
    pub const fn new(action: ActionName, amount: MicroUsd) -> Self {
        Self { action, amount, is_essential: false, call_key: None }
    }

    /// Lets it pass the cap; it is booked apart and reported.
    #[must_use]
    pub fn essential(mut self) -> Self {
        self.is_essential = true;
        self
    }

    /// Ties it to a journaled call.
    #[must_use]
    pub fn for_call(mut self, key: impl Into<String>) -> Self {
        self.call_key = Some(key.into());
        self
    }
}

/// Money held for one try.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reservation {
    /// Its id.
    pub id: Id,
    /// The month it is booked in, `YYYY-MM`, fixed when it was made.
    pub month: String,
    /// What for.
    pub action: ActionName,
    /// How much is held.
    pub amount: MicroUsd,
    /// Whether it is booked apart.
    pub is_essential: bool,
}

impl Reservation {
    /// A reservation as a guard makes it.
    #[must_use]
    pub fn new(id: Id, month: impl Into<String>, request: &CostRequest) -> Self {
        Self { id, month: month.into(), action: request.action.clone(), amount: request.amount, is_essential: request.is_essential }
    }
}

/// How full the month is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum BudgetLevel {
    /// Below the soft cap.
    Open,
    /// At or over the soft cap: hybrid sends everything local.
    Soft,
    /// At or over the cap: only essential calls may still go to the cloud.
    Exceeded,
}

/// What one action cost in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServiceCost {
    /// The service.
    pub service: String,
    /// The whole action name, or whatever another program wrote there.
    pub action: String,
    /// How many entries.
    pub calls: u64,
    /// How much.
    pub cost_usd: MicroUsd,
}

impl ServiceCost {
    /// One line of the split.
    #[must_use]
    pub fn new(service: impl Into<String>, action: impl Into<String>, calls: u64, cost_usd: MicroUsd) -> Self {
        Self { service: service.into(), action: action.into(), calls, cost_usd }
    }
}

/// Where the month stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MonthlyCost {
    /// `YYYY-MM` in the configured zone.
    pub month: String,
    /// Everything settled, essential calls and rows of other programs included.
    pub total_usd: MicroUsd,
    /// Held for calls under way.
    pub reserved_usd: MicroUsd,
    /// The essential part of the total.
    pub essential_usd: MicroUsd,
    /// What capped calls can still reserve; never below zero.
    pub remaining_usd: MicroUsd,
    /// The cap.
    pub cap_usd: MicroUsd,
    /// The soft cap.
    pub soft_cap_usd: MicroUsd,
    /// Whether the total has reached the soft cap.
    pub warning: bool,
    /// Whether the total has reached the cap.
    pub exceeded: bool,
    /// The total at the month's end at the pace so far.
    pub forecast_usd: MicroUsd,
    /// The split, dearest first.
    pub by_service: Vec<ServiceCost>,
}

/// Keeps spending under the monthly cap.
///
/// # Law
/// - Settled plus reserved spend of capped requests never passes the cap, under any concurrency, across processes and crashes.
/// - [`CostGuard::reserve`] is one conditional write: it holds the money or refuses with
///   [`ErrorKind::CostCapExceeded`](crate::ErrorKind::CostCapExceeded). At the cap even a request for nothing is refused unless essential.
/// - [`CostGuard::settle`] and [`CostGuard::release`] are idempotent: the first of them decides, later ones change nothing.
/// - A reservation that nobody closes stays held until it is reconciled.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CostGuard: Send + Sync + 'static {
    /// Holds the money.
    ///
    /// # Errors
    /// [`CostCapExceeded`](crate::ErrorKind::CostCapExceeded), [`InvalidInput`](crate::ErrorKind::InvalidInput) for a negative
    /// amount, or the store's.
    async fn reserve(&self, request: CostRequest) -> Result<Reservation>;

    /// Books what it really cost. More than was held is booked whole and reported.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) for a reservation that was never made, or the store's.
    async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()>;

    /// Gives the money back: the call provably did not happen.
    ///
    /// # Errors
    /// As [`CostGuard::settle`].
    async fn release(&self, reservation: &Reservation) -> Result<()>;

    /// How full the month is now.
    ///
    /// # Errors
    /// The store's.
    async fn level(&self) -> Result<BudgetLevel>;

    /// Where the month stands.
    ///
    /// # Errors
    /// The store's.
    async fn monthly_cost(&self) -> Result<MonthlyCost>;
}

const _OBJECT_SAFE: Option<&dyn CostGuard> = None;
