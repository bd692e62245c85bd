//! What a caller passes, as requests of the core.

use std::num::NonZeroUsize;
use std::time::Duration;

use everreach_core::routing::RouteRequest;
use everreach_core::{Error, ErrorKind, Result, Side};
use pyo3::prelude::*;
use pyo3::types::PyMapping;

use crate::bridge::caller::Caller;
use crate::convert::{errors, json};

const FIELDS: [&str; 6] = ["action", "params", "force_env", "idempotency_key", "timeout", "timeout_ms"];

pub(crate) fn read(
    action: &str,
    params: &Bound<'_, PyAny>,
    force_env: Option<&str>,
    idempotency_key: Option<String>,
    timeout: Option<f64>,
) -> Result<RouteRequest> {
    let mut request = RouteRequest::new(action.parse()?, json::params(params, "params")?);
    if let Some(env) = force_env {
        request = request.forced_to(side(env)?);
    }
    if let Some(key) = idempotency_key {
        request = request.with_idempotency_key(key);
    }
    if let Some(seconds) = timeout {
        request = request.with_timeout(duration(seconds)?);
    }
    Ok(request)
}

/// The requests of a batch. One that cannot be read refuses the batch before anything runs.
pub(crate) fn read_all(actions: &Bound<'_, PyAny>, caller: &Caller) -> PyResult<Vec<RouteRequest>> {
    let read = |(index, item): (usize, PyResult<Bound<'_, PyAny>>)| {
        let item = item?;
        read_item(&item).map(|request| request.with_extension(caller.clone())).map_err(|raised| at(index, &item, &raised))
    };
    actions.try_iter()?.enumerate().map(read).collect()
}

fn read_item(item: &Bound<'_, PyAny>) -> PyResult<RouteRequest> {
    let py = item.py();
    let refuse =
        |message: &'static str, seen: String| errors::raise(py, &Error::new(ErrorKind::InvalidInput, message).with("seen", seen));
    let mapping = item
        .cast::<PyMapping>()
        .map_err(|_| refuse("an item of a batch is a mapping with `action` and `params`", json::type_name(item)))?;
    for name in mapping.keys()?.iter() {
        let name: String = name.extract()?;
        if !FIELDS.contains(&name.as_str()) {
            return Err(refuse("an item of a batch has action, params, force_env, idempotency_key, timeout or timeout_ms", name));
        }
    }
    let get = |name: &str| mapping.call_method1("get", (name,));
    let action: Option<String> = get("action")?.extract()?;
    let action = action.ok_or_else(|| refuse("an item of a batch needs `action`", "nothing".to_owned()))?;
    let timeout: Option<f64> = get("timeout")?.extract()?;
    let milliseconds: Option<f64> = get("timeout_ms")?.extract()?;
    let timeout = timeout.or_else(|| milliseconds.map(|limit| limit / 1e3));
    let env: Option<String> = get("force_env")?.extract()?;
    read(&action, &get("params")?, env.as_deref(), get("idempotency_key")?.extract()?, timeout)
        .map_err(|error| errors::raise(py, &error))
}

/// The same failure, with the item's place in the batch.
fn at(index: usize, item: &Bound<'_, PyAny>, raised: &PyErr) -> PyErr {
    let py = item.py();
    let sentence = raised.value(py).str().map_or_else(|_| String::new(), |text| text.to_string());
    errors::raise(py, &Error::new(ErrorKind::InvalidInput, sentence).with("item", index))
}

pub(crate) fn at_once(max_concurrent: i64) -> Result<NonZeroUsize> {
    usize::try_from(max_concurrent).ok().and_then(NonZeroUsize::new).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "at least one call runs at a time")
            .with("field", "max_concurrent")
            .with("seen", max_concurrent)
    })
}

fn side(env: &str) -> Result<Side> {
    env.parse().map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "a call is forced to local or cloud").with("field", "force_env").with("seen", env)
    })
}

fn duration(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "a timeout is a number of seconds, zero or more")
            .with("field", "timeout")
            .with("seen", seconds)
    })
}
