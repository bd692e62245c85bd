//! `CostGuard`, without its Python clothes: the core's guard over a database of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::cost::{BudgetLevel, CostConfig, CostGuard, CostRequest, MonthlyCost, Reservation, SqlCostGuard};
use everreach_core::events::EventLog;
use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Error, ErrorKind, MicroUsd, Result, SystemClock};
use everreach_server::settings::table;
use futures_util::FutureExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::sync::OnceCell;

use crate::bridge::awaiting::Awaiting;
use crate::bridge::process::{self, Process};
use crate::convert::errors::{self, OrRaise};
use crate::convert::reservation::{from_python, to_python};
use crate::convert::settings::Given;
use crate::convert::{json, money};
use crate::implement::Implemented;
use crate::implement::cost_guard::PyCostGuard;

/// Keeps spending under a monthly cap, in the database that the orchestrator of the same URL uses too.
#[pyclass(frozen, name = "CostGuard")]
pub(crate) struct NativeCostGuard {
    lazy: Arc<LazyGuard>,
    guard: Arc<dyn CostGuard>,
}

/// Opens its database at the first use.
struct LazyGuard {
    store: StoreConfig,
    config: CostConfig,
    open: OnceCell<Open>,
    /// The process of the first use; 0 before it.
    pid: AtomicU32,
}

struct Open {
    guard: SqlCostGuard,
    process: Arc<Process>,
    number: u64,
}

#[pymethods]
impl NativeCostGuard {
    #[new]
    fn new(
        py: Python<'_>,
        cap_usd: Option<&Bound<'_, PyAny>>,
        soft_cap_usd: Option<&Bound<'_, PyAny>>,
        database_url: Option<String>,
    ) -> PyResult<Self> {
        let dollars =
            |usd: Option<&Bound<'_, PyAny>>, field: &str| usd.map(|usd| money::amount(usd, field)).transpose().or_raise(py);
        let config = Given::default()
            .with("cap_usd", &table::COST_CAP, dollars(cap_usd, "cap_usd")?)
            .with("soft_cap_usd", &table::COST_SOFT_CAP, dollars(soft_cap_usd, "soft_cap_usd")?)
            .with("database_url", &table::DATABASE_URL, database_url)
            .runtime_config()
            .or_raise(py)?;
        config.cost.validate().or_raise(py)?;
        let lazy = LazyGuard { store: config.store, config: config.cost, open: OnceCell::new(), pid: AtomicU32::new(0) };
        let lazy = Arc::new(lazy);
        Ok(Self { guard: Arc::<LazyGuard>::clone(&lazy), lazy })
    }

    fn get_monthly_cost(&self, py: Python<'_>) -> PyResult<Awaiting> {
        let (_, guard) = self.enter(py)?;
        Awaiting::new(py, async move { guard.monthly_cost().await }, |py, month: Result<_>| {
            month_to_python(py, &month.or_raise(py)?)
        })
    }

    fn get_monthly_cost_sync(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (process, guard) = self.enter(py)?;
        month_to_python(py, &process.wait(py, guard.monthly_cost())?.or_raise(py)?)
    }

    fn is_soft_cap_reached(&self, py: Python<'_>) -> PyResult<bool> {
        let (process, guard) = self.enter(py)?;
        Ok(process.wait(py, guard.level())?.or_raise(py)? != BudgetLevel::Open)
    }

    fn reserve(
        &self,
        py: Python<'_>,
        service: &str,
        action: &str,
        usd: &Bound<'_, PyAny>,
        essential: bool,
        call_key: Option<String>,
    ) -> PyResult<Awaiting> {
        let (_, guard) = self.enter(py)?;
        let request = request(service, action, usd, essential, call_key).or_raise(py)?;
        Awaiting::new(py, async move { guard.reserve(request).await }, |py, held: Result<_>| {
            Ok(to_python(py, &held.or_raise(py)?)?.unbind())
        })
    }

    fn reserve_sync(
        &self,
        py: Python<'_>,
        service: &str,
        action: &str,
        usd: &Bound<'_, PyAny>,
        essential: bool,
        call_key: Option<String>,
    ) -> PyResult<Py<PyAny>> {
        let (process, guard) = self.enter(py)?;
        let request = request(service, action, usd, essential, call_key).or_raise(py)?;
        Ok(to_python(py, &process.wait(py, guard.reserve(request))?.or_raise(py)?)?.unbind())
    }

    fn settle(&self, py: Python<'_>, reservation: &Bound<'_, PyAny>, usd: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let (_, guard) = self.enter(py)?;
        let (held, actual) = (from_python(reservation).or_raise(py)?, money::amount(usd, "usd").or_raise(py)?);
        Awaiting::new(py, async move { guard.settle(&held, actual).await }, none)
    }

    fn settle_sync(&self, py: Python<'_>, reservation: &Bound<'_, PyAny>, usd: &Bound<'_, PyAny>) -> PyResult<()> {
        let (process, guard) = self.enter(py)?;
        let (held, actual) = (from_python(reservation).or_raise(py)?, money::amount(usd, "usd").or_raise(py)?);
        process.wait(py, guard.settle(&held, actual))?.or_raise(py)
    }

    fn release(&self, py: Python<'_>, reservation: &Bound<'_, PyAny>) -> PyResult<Awaiting> {
        let (_, guard) = self.enter(py)?;
        let held = from_python(reservation).or_raise(py)?;
        Awaiting::new(py, async move { guard.release(&held).await }, none)
    }

    fn release_sync(&self, py: Python<'_>, reservation: &Bound<'_, PyAny>) -> PyResult<()> {
        let (process, guard) = self.enter(py)?;
        let held = from_python(reservation).or_raise(py)?;
        process.wait(py, guard.release(&held))?.or_raise(py)
    }
}

/// The guard of an object: our own without a detour through Python, any other by its methods.
pub(crate) fn guard(object: &Bound<'_, PyAny>) -> PyResult<Implemented<dyn CostGuard>> {
    static OURS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    // A subclass, or something that passes everything on, may have other ideas.
    if !object.get_type().is(OURS.import(object.py(), "everreach.cost", "CostGuard")?) {
        return PyCostGuard::of(object);
    }
    let own = object.getattr("_native")?;
    let guard = Arc::clone(&own.cast::<NativeCostGuard>()?.get().guard);
    Ok(Implemented { by: guard, callbacks: Vec::new() })
}

impl NativeCostGuard {
    fn enter(&self, py: Python<'_>) -> PyResult<(Arc<Process>, Arc<dyn CostGuard>)> {
        let process = process::current(py)?;
        let _first_use = self.lazy.pid.compare_exchange(0, process.pid(), Ordering::AcqRel, Ordering::Acquire);
        process::check_fork(py, self.lazy.pid.load(Ordering::Acquire), process.pid())?;
        if !self.lazy.open.initialized() {
            process.check_database(py, &self.lazy.store)?;
        }
        Ok((process, Arc::clone(&self.guard)))
    }
}

fn none(py: Python<'_>, done: Result<()>) -> PyResult<Py<PyAny>> {
    done.or_raise(py).map(|()| py.None())
}

fn month_to_python(py: Python<'_>, month: &MonthlyCost) -> PyResult<Py<PyAny>> {
    let month = serde_json::to_value(month).map_err(|source| errors::own(py, "internal", &source.to_string()))?;
    Ok(json::to_python(py, &month)?.unbind())
}

/// `action` may be the topic alone or the whole name.
fn request(
    service: &str,
    action: &str,
    usd: &Bound<'_, PyAny>,
    essential: bool,
    call_key: Option<String>,
) -> Result<CostRequest> {
    let name = if action.contains('.') { action.to_owned() } else { format!("{service}.{action}") };
    let name: everreach_core::ActionName = name.parse()?;
    if name.service() != service {
        let error = Error::new(ErrorKind::InvalidInput, "the action belongs to another service");
        return Err(error.with("service", service).with("action", action));
    }
    let mut request = CostRequest::new(name, money::amount(usd, "usd")?);
    request.is_essential = essential;
    request.call_key = call_key;
    Ok(request)
}

impl LazyGuard {
    async fn guard(&self) -> Result<&SqlCostGuard> {
        self.open.get_or_try_init(|| self.build()).await.map(|open| &open.guard)
    }

    async fn build(&self) -> Result<Open> {
        let process = Python::attach(process::current)
            .map_err(|raised| Error::new(ErrorKind::Internal, "the runtime cannot be started").with("cause", raised))?;
        let (store, config) = (self.store.clone(), self.config.clone());
        // On the runtime's own threads: the event log's task must outlive this caller's loop.
        let built = process.handle().spawn(async move {
            let store = Store::open(&store).await?;
            let events = EventLog::start(store.clone());
            let guard = SqlCostGuard::new(store.clone(), config, SystemClock::shared(), events.clone())?;
            Ok::<_, Error>((store, events, guard))
        });
        let built = built.await.map_err(|source| Error::new(ErrorKind::Internal, "the start was cut off").with_source(source))?;
        let (store, events, guard) = built?;
        let number = process.opened(
            &self.store,
            Box::new(move |_grace: Duration| {
                let (store, events) = (store.clone(), events.clone());
                async move {
                    events.flush().await;
                    store.close().await;
                }
                .boxed()
            }),
        );
        Ok(Open { guard, process, number })
    }
}

#[async_trait]
impl CostGuard for LazyGuard {
    async fn reserve(&self, request: CostRequest) -> Result<Reservation> {
        self.guard().await?.reserve(request).await
    }

    async fn settle(&self, reservation: &Reservation, actual: MicroUsd) -> Result<()> {
        self.guard().await?.settle(reservation, actual).await
    }

    async fn release(&self, reservation: &Reservation) -> Result<()> {
        self.guard().await?.release(reservation).await
    }

    async fn level(&self) -> Result<BudgetLevel> {
        self.guard().await?.level().await
    }

    async fn monthly_cost(&self) -> Result<MonthlyCost> {
        self.guard().await?.monthly_cost().await
    }
}

impl Drop for LazyGuard {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.process.pid() == std::process::id() {
            open.process.close_later(open.number);
        } else {
            #[allow(clippy::mem_forget, reason = "after a fork it belongs to the parent's threads")]
            std::mem::forget(open);
        }
    }
}
