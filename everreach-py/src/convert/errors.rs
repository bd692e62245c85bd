//! Errors of the core as Python exceptions, and exceptions of a caller's code as errors of the core.

use std::fmt;
use std::time::Duration;

use everreach_core::{Error, ErrorKind, Retry};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;

const MODULE: &str = "everreach.errors";

/// The exception for an error, with its kind, whether and when a repeat can help, and the context pairs.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let (retryable, retry_after) = match error.retry() {
        Retry::Later(wait) => (true, (!wait.is_zero()).then_some(wait.as_secs_f64())),
        _ => (false, None),
    };
    let context = PyDict::new(py);
    for (key, value) in error.context() {
        if let Err(failure) = context.set_item(key, value) {
            return failure;
        }
    }
    exception(py, error.kind().code(), &error.to_string(), retryable, retry_after, &context).unwrap_or_else(|failure| failure)
}

/// An exception that only this side has: `forked`, `closed`.
pub(crate) fn own(py: Python<'_>, kind: &str, message: &str) -> PyErr {
    exception(py, kind, message, false, None, &PyDict::new(py)).unwrap_or_else(|failure| failure)
}

fn exception(
    py: Python<'_>,
    kind: &str,
    message: &str,
    retryable: bool,
    retry_after: Option<f64>,
    context: &Bound<'_, PyDict>,
) -> PyResult<PyErr> {
    static OF_KIND: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let of_kind = OF_KIND.import(py, MODULE, "of_kind")?;
    Ok(PyErr::from_value(of_kind.call1((kind, message, retryable, retry_after, context))?))
}

/// The traceback of a caller's code, kept underneath the error for logs.
#[derive(Debug)]
struct Traceback(String);

impl fmt::Display for Traceback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Traceback {}

/// The error for an exception of a caller's code. One of ours keeps its kind; what is no `Exception` (an interrupt, a
/// cancellation) leaves the outcome unknown; anything else is a failure of the handler.
pub(crate) fn caught(py: Python<'_>, raised: &PyErr) -> Error {
    let traceback = Traceback(full_text(py, raised));
    let value = raised.value(py);
    let name = raised.get_type(py).name().map_or_else(|_| "Exception".to_owned(), |name| name.to_string());
    if !raised.is_instance_of::<PyException>(py) {
        return Error::new(ErrorKind::OutcomeUnknown, format!("the handler was ended by {name}")).with_source(traceback);
    }
    let text = value.str().map_or_else(|_| String::new(), |text| text.to_string());
    // What some call within the handler reported is no word of the handler's own: it has begun, and failed.
    let is_reported = value.getattr("_is_report").is_ok_and(|flag| flag.is_truthy().unwrap_or(true));
    if let Some(kind) = kind_of(value).filter(|_| !is_reported) {
        let error = Error::new(kind, text).with_source(traceback);
        let wait = value.getattr("retry_after").and_then(|wait| wait.extract::<Option<f64>>()).ok().flatten();
        return match wait.and_then(|wait| Duration::try_from_secs_f64(wait).ok()) {
            Some(wait) => error.with_retry(Retry::Later(wait)),
            None => error,
        };
    }
    let sentence = if text.is_empty() { name } else { format!("{name}: {text}") };
    Error::new(ErrorKind::HandlerError, sentence).with_source(traceback)
}

/// The kind of an exception that is one of ours.
fn kind_of(value: &Bound<'_, PyAny>) -> Option<ErrorKind> {
    static BASE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let base = BASE.import(value.py(), MODULE, "EverReachError").ok()?;
    if !value.is_instance(base).ok()? {
        return None;
    }
    ErrorKind::from_code(&value.getattr("kind").ok()?.extract::<String>().ok()?)
}

fn full_text(py: Python<'_>, raised: &PyErr) -> String {
    let lines = py.import("traceback").and_then(|module| {
        module
            .call_method1("format_exception", (raised.get_type(py), raised.value(py), raised.traceback(py)))?
            .extract::<Vec<String>>()
    });
    lines.map_or_else(|_| raised.to_string(), |lines| lines.concat())
}

/// A result of the core, raised when it is an error.
pub(crate) trait OrRaise<T> {
    /// The value, or the exception.
    fn or_raise(self, py: Python<'_>) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self, py: Python<'_>) -> PyResult<T> {
        self.map_err(|error| raise(py, &error))
    }
}
