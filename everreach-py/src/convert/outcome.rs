//! What became of a dispatch, how a service is and what it limits, as a dispatcher in Python says it.

use std::time::Duration;

use everreach_core::safari::limits::Limit;
use everreach_core::safari::{DispatchOutcome, DispatchVerdict, HealthStatus, Reason, Repeat, Service, ServiceHealth};
use everreach_core::{Error, ErrorKind, Result, Timestamp};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use serde_json::Value;

use crate::convert::{errors, json};

/// The outcome that an `everreach.safari.DispatchOutcome` states.
pub(crate) fn dispatched(returned: &Bound<'_, PyAny>) -> Result<DispatchOutcome> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    is_a(returned, CLASS.import(returned.py(), "everreach.safari.outcome", "DispatchOutcome"), "a DispatchOutcome")?;
    let verdict: DispatchVerdict = field::<String>(returned, "verdict")?.parse()?;
    let verdict = match verdict {
        DispatchVerdict::Refused(_) => DispatchVerdict::Refused(repeat(&field::<String>(returned, "repeat")?)?),
        other => other,
    };
    let code: String = field(returned, "reason")?;
    let reason = Reason::from_code(&code)
        .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "no such reason").with("field", "reason").with("seen", &code))?;
    let answer = json::value(&get(returned, "answer")?, "answer")?;
    let wait = field::<Option<f64>>(returned, "retry_after")?;
    Ok(DispatchOutcome::new(verdict, reason, field::<String>(returned, "detail")?)
        .with_answer((answer != Value::Null).then_some(answer))
        .with_retry_after(wait.and_then(|wait| Duration::try_from_secs_f64(wait).ok())))
}

/// The health that an `everreach.safari.ServiceHealth` states.
pub(crate) fn health(returned: &Bound<'_, PyAny>, service: Service, now: Timestamp) -> Result<ServiceHealth> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    is_a(returned, CLASS.import(returned.py(), "everreach.safari.dispatcher", "ServiceHealth"), "a ServiceHealth")?;
    let status: HealthStatus = field::<String>(returned, "status")?.parse()?;
    Ok(ServiceHealth::new(service, status, field::<String>(returned, "detail")?, now))
}

/// The limit that an `everreach.safari.Limit` states; none for `None`.
pub(crate) fn limit(returned: &Bound<'_, PyAny>) -> Result<Option<Limit>> {
    static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    if returned.is_none() {
        return Ok(None);
    }
    is_a(returned, CLASS.import(returned.py(), "everreach.safari.dispatcher", "Limit"), "a Limit or None")?;
    Ok(Some(Limit { per_hour: field(returned, "per_hour")?, per_day: field(returned, "per_day")? }))
}

fn repeat(word: &str) -> Result<Repeat> {
    match word {
        "free" => Ok(Repeat::Free),
        "counted" => Ok(Repeat::Counted),
        "never" => Ok(Repeat::Never),
        _ => Err(Error::new(ErrorKind::InvalidInput, "a refusal is repeated free, counted or never").with("seen", word)),
    }
}

fn is_a(returned: &Bound<'_, PyAny>, class: PyResult<&Bound<'_, PyAny>>, wanted: &'static str) -> Result<()> {
    match class.and_then(|class| returned.is_instance(class)) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Error::new(ErrorKind::InvalidInput, format!("{wanted} is wanted")).with("seen", json::type_name(returned)))
        }
        Err(raised) => Err(errors::caught(returned.py(), &raised)),
    }
}

fn get<'py>(returned: &Bound<'py, PyAny>, name: &str) -> Result<Bound<'py, PyAny>> {
    returned.getattr(name).map_err(|raised| errors::caught(returned.py(), &raised))
}

fn field<T>(returned: &Bound<'_, PyAny>, name: &str) -> Result<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr>,
{
    get(returned, name)?.extract().map_err(|raised: PyErr| errors::caught(returned.py(), &raised).with("field", name))
}
