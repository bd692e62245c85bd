//! A cost guard written in Python.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::cost::{BudgetLevel, CostConfig, CostGuard, CostRequest, MonthlyCost, Reservation};
use everreach_core::{Error, ErrorKind, MicroUsd, Result};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use serde_json::Value;

use crate::bridge::callback::{Callback, flatten};
use crate::convert::envelope::usd;
use crate::convert::{errors, json, reservation};
use crate::implement::Implemented;

/// How long each of its methods may take: a guard that hangs must not hold up a call for ever.
const LIMIT: Duration = Duration::from_secs(10);

/// An object with `reserve(service, action, usd, essential, call_key)`, `settle(reservation, usd)`, `release(reservation)` and
/// `get_monthly_cost()`, each plain or `async def`.
pub(crate) struct PyCostGuard {
    reserve: Callback,
    settle: Callback,
    release: Callback,
    monthly_cost: Callback,
}

impl PyCostGuard {
    /// The guard of an object.
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> PyResult<Implemented<dyn CostGuard>> {
        let method = |name: &str| {
            Callback::method(object, name)?.ok_or_else(|| {
                let error = Error::new(ErrorKind::Config, "a cost guard has reserve, settle, release and get_monthly_cost")
                    .with("field", "cost_guard")
                    .with("seen", json::type_name(object))
                    .with("missing", name);
                errors::raise(object.py(), &error)
            })
        };
        let guard = Self {
            reserve: method("reserve")?,
            settle: method("settle")?,
            release: method("release")?,
            monthly_cost: method("get_monthly_cost")?,
        };
        let callbacks = [&guard.reserve, &guard.settle, &guard.release, &guard.monthly_cost].map(Callback::clone).to_vec();
        Ok(Implemented { by: Arc::new(guard), callbacks })
    }
}

#[async_trait]
impl CostGuard for PyCostGuard {
    async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
        let arguments = move |py: Python<'_>| {
            let (action, essential) = (request.action.as_str(), request.is_essential);
            let arguments = (request.action.service(), action, usd(request.amount), essential, request.call_key.as_deref());
            arguments.into_pyobject(py).map(Bound::unbind)
        };
        flatten(self.reserve.call(None, Some(LIMIT), arguments, reservation::from_python).await)
    }

    async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()> {
        let held = reservation.clone();
        let arguments = move |py: Python<'_>| {
            PyTuple::new(py, [reservation::to_python(py, &held)?, usd(actual).into_pyobject(py)?.into_any()]).map(Bound::unbind)
        };
        flatten(self.settle.call(None, Some(LIMIT), arguments, |_| Ok(())).await)
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        let held = reservation.clone();
        flatten(
            self.release
                .call(
                    None,
                    Some(LIMIT),
                    move |py| PyTuple::new(py, [reservation::to_python(py, &held)?]).map(Bound::unbind),
                    |_| Ok(()),
                )
                .await,
        )
    }

    async fn level(&self) -> Result<BudgetLevel> {
        let month = self.monthly_cost().await?;
        Ok(match (month.exceeded, month.warning) {
            (true, _) => BudgetLevel::Exceeded,
            (false, true) => BudgetLevel::Soft,
            (false, false) => BudgetLevel::Open,
        })
    }

    async fn monthly_cost(&self) -> Result<MonthlyCost> {
        let finish = |returned: &Bound<'_, PyAny>| json::params(returned, "get_monthly_cost()");
        let given = flatten(self.monthly_cost.call(None, Some(LIMIT), |py| Ok(PyTuple::empty(py).unbind()), finish).await)?;
        // What a guard does not say has the value of a month in which nothing was spent.
        let mut month = serde_json::to_value(MonthlyCost::new("", &CostConfig::default())).unwrap_or_default();
        if let Value::Object(fields) = &mut month {
            fields.extend(given);
        }
        serde_json::from_value(month).map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "get_monthly_cost() returned something else than a month's cost")
                .with("cause", source)
        })
    }
}
