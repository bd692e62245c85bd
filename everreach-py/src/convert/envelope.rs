//! The envelope as a dict with attributes.

use everreach_core::{Envelope, MicroUsd};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList};

use crate::convert::json;

/// An `everreach.Envelope`.
pub(crate) fn to_python(py: Python<'_>, envelope: Envelope) -> PyResult<Py<PyAny>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let object = CLASS.import(py, "everreach.envelope", "Envelope")?.call0()?;
    let fields = object.cast::<PyDict>()?;
    fields.set_item(intern!(py, "ok"), envelope.ok)?;
    fields.set_item(intern!(py, "action"), envelope.action.as_str())?;
    fields.set_item(intern!(py, "result"), envelope.result.map(|result| json::to_python(py, &result)).transpose()?)?;
    fields.set_item(intern!(py, "error"), envelope.error.map(everreach_core::ErrorKind::code))?;
    fields.set_item(intern!(py, "detail"), envelope.detail)?;
    fields.set_item(intern!(py, "source"), envelope.source.map(everreach_core::Source::as_str))?;
    fields.set_item(intern!(py, "outcome"), envelope.outcome.as_str())?;
    fields.set_item(intern!(py, "replayed"), envelope.replayed)?;
    fields.set_item(intern!(py, "attempts"), envelope.attempts)?;
    fields.set_item(intern!(py, "duration_ms"), envelope.duration_ms)?;
    fields.set_item(intern!(py, "cost_usd"), usd(envelope.cost_usd))?;
    fields.set_item(intern!(py, "cost_guard_triggered"), envelope.cost_guard_triggered)?;
    let cached = envelope.cached.map(|cached| {
        let dict = PyDict::new(py);
        dict.set_item(intern!(py, "age_s"), cached.age_s)?;
        dict.set_item(intern!(py, "result"), json::to_python(py, &cached.result)?)?;
        Ok::<_, PyErr>(dict)
    });
    fields.set_item(intern!(py, "cached"), cached.transpose()?)?;
    fields.set_item(intern!(py, "idempotency_key"), envelope.idempotency_key)?;
    fields.set_item(intern!(py, "request_id"), envelope.request_id.to_string())?;
    fields.set_item(intern!(py, "suggestions"), envelope.suggestions)?;
    Ok(object.unbind())
}

/// A list of them, in order.
pub(crate) fn all_to_python(py: Python<'_>, envelopes: Vec<Envelope>) -> PyResult<Py<PyAny>> {
    let list = PyList::empty(py);
    for envelope in envelopes {
        list.append(to_python(py, envelope)?)?;
    }
    Ok(list.into_any().unbind())
}

/// An amount as in JSON: a number of dollars.
#[allow(clippy::cast_precision_loss, reason = "exact up to nine billion dollars")]
pub(crate) fn usd(amount: MicroUsd) -> f64 {
    amount.micros() as f64 / 1e6
}
