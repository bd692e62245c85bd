//! A dispatcher for Safari's queue, written in Python.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use everreach_core::safari::gate::Dispatchable;
use everreach_core::safari::limits::Limit;
use everreach_core::safari::wire::{DispatchConfig, means};
use everreach_core::safari::{
    DispatchOutcome, DispatchVerdict, HealthStatus, Reason, Repeat, SafariDispatcher, Service, ServiceHealth,
};
use everreach_core::{Error, ErrorKind, Result, Retry, SharedClock, SystemClock};
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::sync::oneshot;

use crate::bridge::callback::{Callback, Ended};
use crate::bridge::callers::Callers;
use crate::bridge::start::Start;
use crate::convert::{dispatchable, errors, json, outcome};
use crate::implement::Implemented;

/// How long one look at a service may take.
const LOOK: Duration = Duration::from_secs(4);

/// An object with `dispatch(command)`, `health(service)` and, where it has it, `limits(service)`; each plain or `async def`.
///
/// What was begun is never cut off: at the end of its time the outcome is unknown, and what it says later is logged.
pub(crate) struct PyDispatcher {
    dispatch: Callback,
    health: Callback,
    limits: Option<Callback>,
    /// How long one dispatch may take, unless as long as the service's own may.
    timeout: Option<Duration>,
    callers: Arc<Callers>,
    clock: SharedClock,
    /// Looks that did not end in time and still hold a thread.
    hanging: Arc<Mutex<BTreeSet<(Look, Service)>>>,
}

/// What is asked of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    Health,
    Limits,
}

/// One look that runs until this is dropped.
struct Looking {
    hanging: Arc<Mutex<BTreeSet<(Look, Service)>>>,
    at: (Look, Service),
}

impl Drop for Looking {
    fn drop(&mut self) {
        let _over = self.hanging.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.at);
    }
}

impl PyDispatcher {
    /// The dispatcher of an object, for a queue with these callers.
    pub(crate) fn of(object: &Bound<'_, PyAny>, callers: &Arc<Callers>) -> PyResult<Implemented<dyn SafariDispatcher>> {
        let method = |name: &str| {
            Callback::method(object, name)?.ok_or_else(|| {
                let error = Error::new(ErrorKind::Config, "a dispatcher has dispatch(command) and health(service)")
                    .with("field", "dispatcher")
                    .with("seen", json::type_name(object))
                    .with("missing", name);
                errors::raise(object.py(), &error)
            })
        };
        let dispatcher = Self {
            dispatch: method("dispatch")?,
            health: method("health")?,
            limits: Callback::method(object, "limits")?,
            timeout: timeout(object)?,
            callers: Arc::clone(callers),
            clock: SystemClock::shared(),
            hanging: Arc::default(),
        };
        let methods = [Some(&dispatcher.dispatch), Some(&dispatcher.health), dispatcher.limits.as_ref()];
        Ok(Implemented { callbacks: methods.into_iter().flatten().cloned().collect(), by: Arc::new(dispatcher) })
    }

    /// Asks one thing of one service. A look that still holds a thread from earlier is not begun again.
    async fn look<T, F>(&self, at: (Look, Service), callback: &Callback, read: F) -> std::result::Result<Result<T>, Ended>
    where
        T: Send + 'static,
        F: for<'py> FnOnce(&Bound<'py, PyAny>) -> Result<T> + Send + 'static,
    {
        let caller = self.callers.for_look().map_err(Ended::Raised)?;
        let arguments = move |py: Python<'_>| PyTuple::new(py, [at.1.as_str()]).map(Bound::unbind);
        if callback.is_async() {
            return callback.call(Some(&caller), Some(LOOK), arguments, read).await;
        }
        if !self.hanging.lock().unwrap_or_else(PoisonError::into_inner).insert(at) {
            return Err(Ended::TimedOut(LOOK));
        }
        let looking = Looking { hanging: Arc::clone(&self.hanging), at };
        let start = Start::default();
        let (callback, begun) = (callback.clone(), start.clone());
        let asked = tokio::spawn(async move {
            let _until_it_ends = looking;
            callback.run(Some(&caller), &begun, arguments, read).await
        });
        match tokio::time::timeout(LOOK, asked).await {
            Ok(ended) => ended.unwrap_or(Err(Ended::Cancelled)),
            Err(_) if start.give_up() => Err(Ended::NotBegun),
            Err(_) => Err(Ended::TimedOut(LOOK)),
        }
    }
}

#[async_trait]
impl SafariDispatcher for PyDispatcher {
    async fn health(&self, service: Service) -> ServiceHealth {
        let begun = self.clock.monotonic();
        let now = self.clock.now();
        let said = self.look((Look::Health, service), &self.health, move |said| outcome::health(said, service, now)).await;
        match said {
            Ok(Ok(health)) => health.after(self.clock.monotonic().saturating_sub(begun)),
            Ok(Err(error)) => {
                ServiceHealth::new(service, HealthStatus::Down, format!("health() said nothing usable: {error}"), now)
            }
            Err(Ended::NotBegun | Ended::TimedOut(_)) => {
                let detail = format!("health() did not end within {} ms", LOOK.as_millis());
                ServiceHealth::new(service, HealthStatus::Timeout, detail, now)
            }
            Err(ended) => {
                let detail = format!("health() failed: {}", ended.into_error());
                ServiceHealth::new(service, HealthStatus::Down, detail, now)
            }
        }
    }

    async fn dispatch(&self, command: &Dispatchable) -> DispatchOutcome {
        let limit = self.timeout.unwrap_or_else(|| means(command, &DispatchConfig::default()).timeout());
        let caller = match self.callers.for_dispatch() {
            Ok(caller) => caller,
            Err(raised) => {
                tracing::error!(error = %raised, "a dispatch cannot be begun");
                return judge(command, Err(Ended::NotBegun));
            }
        };
        let start = Start::default();
        let (answer, answered) = oneshot::channel();
        let (callback, command, begun) = (self.dispatch.clone(), command.clone(), start.clone());
        let on_its_loop = self.callers.dispatching(&caller);
        let given = command.clone();
        let _goes_on = tokio::spawn(async move {
            let _until_it_ends = on_its_loop;
            let sent = given.clone();
            let arguments = move |py: Python<'_>| PyTuple::new(py, [dispatchable::to_python(py, &sent)?]).map(Bound::unbind);
            let ended = callback.run(Some(&caller), &begun, arguments, outcome::dispatched).await;
            // What nobody knows even then, or never began, is no news.
            let is_news = |late: &DispatchOutcome| late.verdict != DispatchVerdict::Unknown && late.reason != Reason::NotStarted;
            if let Err(late) = answer.send(judge(&given, ended))
                && is_news(&late)
            {
                let (verdict, reason, detail) = (late.verdict, late.reason, &late.detail);
                let id = given.command_id();
                tracing::warn!(command = %id, %verdict, %reason, %detail, "a dispatch ended after its time: say what became of it");
            }
        });
        match tokio::time::timeout(limit, answered).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => doubt(&command, Reason::ServiceFailed, "dispatch() was cut off".to_owned()),
            Err(_) if start.give_up() => judge(&command, Err(Ended::NotBegun)),
            Err(_) => doubt(&command, Reason::TimedOut, format!("dispatch() did not end within {} ms", limit.as_millis())),
        }
    }

    async fn limits(&self, service: Service) -> Result<Option<Limit>> {
        let Some(limits) = &self.limits else { return Ok(None) };
        let said = self.look((Look::Limits, service), limits, outcome::limit).await;
        said.unwrap_or_else(|ended| Err(ended.into_error()))
    }
}

/// What the end of `dispatch()` says about the command.
fn judge(command: &Dispatchable, ended: std::result::Result<Result<DispatchOutcome>, Ended>) -> DispatchOutcome {
    match ended {
        Ok(Ok(mut outcome)) => {
            // What sends nothing does no harm twice.
            if outcome.verdict == DispatchVerdict::Unknown && !command.verb().is_outward() {
                outcome.verdict = DispatchVerdict::Refused(Repeat::Counted);
            }
            outcome
        }
        Ok(Err(error)) => doubt(command, Reason::BadAnswer, format!("dispatch() returned no outcome: {error}")),
        Err(Ended::NotBegun) => {
            let detail = "dispatch() was not begun: its event loop is closed or busy, or no thread was free within the time";
            DispatchOutcome::refused(Repeat::Free, Reason::NotStarted, detail)
        }
        Err(Ended::Cancelled) => doubt(command, Reason::ServiceFailed, "dispatch() was cancelled".to_owned()),
        Err(ended) => {
            let error = ended.into_error();
            let Some((repeat, reason)) = refusal(error.kind()) else {
                let reason = if error.kind() == ErrorKind::Timeout { Reason::TimedOut } else { Reason::ServiceFailed };
                return doubt(command, reason, format!("dispatch() failed: {error}"));
            };
            let wait = match error.retry() {
                Retry::Later(wait) => (!wait.is_zero()).then_some(wait),
                _ => None,
            };
            DispatchOutcome::refused(repeat, reason, error.to_string()).with_retry_after(wait)
        }
    }
}

/// What an exception means with which `dispatch()` says that it did not begin; none for any other.
const fn refusal(kind: ErrorKind) -> Option<(Repeat, Reason)> {
    match kind {
        ErrorKind::InvalidParams | ErrorKind::UnknownAction | ErrorKind::IdempotencyMismatch => {
            Some((Repeat::Never, Reason::InvalidRequest))
        }
        ErrorKind::Unauthorized | ErrorKind::Forbidden => Some((Repeat::Counted, Reason::TokenRefused)),
        ErrorKind::Offline => Some((Repeat::Counted, Reason::ServiceUnreachable)),
        ErrorKind::RateLimited => Some((Repeat::Free, Reason::RateLimited)),
        ErrorKind::RequiresLocal
        | ErrorKind::ApprovalRequired
        | ErrorKind::Stopped
        | ErrorKind::CircuitOpen
        | ErrorKind::CostCapExceeded
        | ErrorKind::Unpriced => Some((Repeat::Free, Reason::ServiceUnavailable)),
        _ => None,
    }
}

/// It began, and nobody knows what it did: held when it reaches people, repeated when it does no harm twice.
fn doubt(command: &Dispatchable, reason: Reason, what: String) -> DispatchOutcome {
    if command.verb().is_outward() {
        return DispatchOutcome::unknown(reason, format!("{what}; it may have been sent"));
    }
    DispatchOutcome::refused(Repeat::Counted, reason, what)
}

fn timeout(object: &Bound<'_, PyAny>) -> PyResult<Option<Duration>> {
    let Some(given) = object.getattr_opt("timeout")?.filter(|given| !given.is_none()) else { return Ok(None) };
    let seconds = given.extract::<f64>().ok().filter(|seconds| *seconds > 0.0);
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(timeout) => Ok(Some(timeout)),
        None => {
            let error = Error::new(ErrorKind::Config, "a timeout is a number of seconds, more than zero")
                .with("field", "dispatcher.timeout")
                .with("seen", given);
            Err(errors::raise(object.py(), &error))
        }
    }
}
