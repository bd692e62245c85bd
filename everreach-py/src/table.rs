//! The route table and the classifier over it.

use std::path::PathBuf;
use std::sync::Arc;

use everreach_core::routing::{Classification, Classifier, RouteMatch, RouteTable};
use everreach_core::{ActionName, Error};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyString;
use serde_json::json;

use crate::convert::errors::OrRaise;
use crate::convert::json::to_python;
use crate::convert::settings::Given;
use crate::implement::Implemented;
use crate::implement::classifier::PyClassifier;

/// What is known about each action: where it runs best, what it does, what it costs.
#[pyclass(frozen, name = "RouteTable", module = "everreach")]
pub(crate) struct PyRouteTable {
    table: RouteTable,
}

#[pymethods]
impl PyRouteTable {
    #[new]
    #[pyo3(signature = (path = None))]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        Ok(Self { table: load(py, path)? })
    }

    /// The row for an action: its own, that of the longest prefix, or the default.
    fn resolve<'py>(&self, py: Python<'py>, action: &str) -> PyResult<Bound<'py, PyAny>> {
        let route = self.table.resolve(&parse(action).or_raise(py)?);
        let row = json!({
            "action": route.action,
            "listed": route.matched == RouteMatch::Exact,
            "preferred_env": route.preferred_env,
            "fallback_env": route.fallback_env,
            "class": route.class,
            "effect": route.effect,
            "essential": route.essential,
            "cost_usd": route.cost_usd,
            "cache_ttl_s": route.cache_ttl.as_secs_f64(),
            "timeout_s": route.timeout.map(|timeout| timeout.as_secs_f64()),
            "approval": route.approval,
            "dedupe": route.dedupe,
            "requires": route.requires,
            "description": route.description,
        });
        to_python(py, &row)
    }

    /// The names of all rows.
    fn actions(&self) -> Vec<String> {
        self.table.routes().map(|route| route.action.to_string()).collect()
    }

    /// The names nearest to a mistyped one.
    fn nearest(&self, py: Python<'_>, action: &str) -> PyResult<Vec<String>> {
        Ok(self.table.nearest(&parse(action).or_raise(py)?, &[]))
    }

    /// A digest of the rows: two tables with the same one are equal.
    #[getter]
    fn digest(&self) -> &str {
        self.table.digest()
    }

    fn __len__(&self) -> usize {
        self.table.routes().count()
    }

    fn __repr__(&self) -> String {
        format!("RouteTable({} actions, digest {})", self.table.routes().count(), self.table.digest())
    }
}

/// Says whether an action is computing or a call to another service.
#[pyclass(frozen, name = "ActionClassifier", module = "everreach")]
pub(crate) struct PyActionClassifier {
    table: RouteTable,
}

#[pymethods]
impl PyActionClassifier {
    #[new]
    #[pyo3(signature = (path = None))]
    fn new(py: Python<'_>, path: Option<PathBuf>) -> PyResult<Self> {
        Ok(Self { table: load(py, path)? })
    }

    /// `"compute"` (best on this machine) or `"api"` (best in the cloud).
    fn classify<'py>(&self, py: Python<'py>, action: &str) -> PyResult<Bound<'py, PyString>> {
        let class = self.table.resolve(&parse(action).or_raise(py)?).class;
        Ok(match class.as_str() {
            "api" => intern!(py, "api").clone(),
            _ => intern!(py, "compute").clone(),
        })
    }

    /// The rule that gave the class, for people.
    fn reason(&self, py: Python<'_>, action: &str) -> PyResult<String> {
        let Classification { reason, .. } = self.table.classify(&parse(action).or_raise(py)?);
        Ok(reason)
    }

    fn __repr__(&self) -> String {
        format!("ActionClassifier({} actions)", self.table.routes().count())
    }
}

/// The classifier of an object: our own without a detour through Python, any other by its method.
pub(crate) fn classifier(object: &Bound<'_, PyAny>) -> PyResult<Implemented<dyn Classifier>> {
    match object.cast::<PyActionClassifier>() {
        Ok(own) => Ok(Implemented { by: Arc::new(own.get().table.clone()), callbacks: Vec::new() }),
        Err(_) => PyClassifier::of(object),
    }
}

fn parse(action: &str) -> Result<ActionName, Error> {
    action.parse()
}

/// The table of this file, or of the settings: the built-in one unless `EVERREACH_ROUTE_TABLE` names another.
fn load(py: Python<'_>, path: Option<PathBuf>) -> PyResult<RouteTable> {
    let path = match path {
        Some(path) => Some(path),
        None => Given::default().runtime_config().or_raise(py)?.routing.table,
    };
    path.map_or_else(|| Ok(RouteTable::builtin()), |path| RouteTable::load(&path)).or_raise(py)
}
