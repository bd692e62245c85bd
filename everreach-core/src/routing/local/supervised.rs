//! Running an embedder's code: a time limit around it, its panics caught, its end judged.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::time::timeout;

use super::super::Execution;
use super::super::verdict::{Doubt, in_doubt, judged};
use crate::{Effect, Error, ErrorKind, Outcome, Result, Retry};

/// Waits for the work, at most this long. Giving up or a panic leaves an outward call in doubt.
pub(super) async fn supervised(work: impl Future<Output = Execution>, effect: Effect, limit: Duration) -> Execution {
    match timeout(limit, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(execution)) => execution,
        Ok(Err(_)) => panicked(effect),
        Err(_) => {
            let detail =
                format!("the action did not end within {} ms and was given up; it may have taken effect", limit.as_millis());
            in_doubt(effect, Doubt::TimedOut, detail)
        }
    }
}

impl Execution {
    /// What a handler's end says about the call: see [`LocalExecutorBuilder::handler`](super::LocalExecutorBuilder::handler) for how
    /// the kinds of errors are read.
    ///
    /// ```
    /// use everreach_core::routing::Execution;
    /// use everreach_core::{Effect, Error, ErrorKind, Outcome};
    /// let refused = Execution::of_handler(Err(Error::new(ErrorKind::RateLimited, "ten a minute")), Effect::Outward);
    /// assert_eq!(refused.outcome, Outcome::NotExecuted);
    /// ```
    #[must_use]
    pub fn of_handler(end: Result<Value>, effect: Effect) -> Self {
        match end {
            Ok(result) => judged(result),
            Err(error) => failed(effect, error),
        }
    }
}

fn failed(effect: Effect, error: Error) -> Execution {
    match error.kind() {
        ErrorKind::OutcomeUnknown | ErrorKind::Timeout if !effect.is_repeatable() => {
            let held = Error::new(ErrorKind::OutcomeUnknown, error.to_string()).with_source(error);
            Execution::failed(Outcome::Unknown, held)
        }
        // Somebody else may be running it under the same key, so nobody may take over.
        ErrorKind::OutcomeUnknown | ErrorKind::Timeout | ErrorKind::IdempotencyConflict => {
            Execution::failed(Outcome::Unknown, error)
        }
        kind if is_refusal(kind) => Execution::failed(Outcome::NotExecuted, error),
        _ => {
            let failure = Error::new(ErrorKind::HandlerError, error.to_string()).with_retry(Retry::Never).with_source(error);
            Execution::failed(Outcome::Executed, failure)
        }
    }
}

fn panicked(effect: Effect) -> Execution {
    let detail = "the action's handler panicked";
    if effect.is_repeatable() {
        Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail))
    } else {
        in_doubt(effect, Doubt::Broken, format!("{detail}; it may have taken effect"))
    }
}

/// Kinds with which a handler says that it did not begin.
const fn is_refusal(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnknownAction
            | ErrorKind::InvalidParams
            | ErrorKind::Unauthorized
            | ErrorKind::Forbidden
            | ErrorKind::RateLimited
            | ErrorKind::RequiresLocal
            | ErrorKind::ApprovalRequired
            | ErrorKind::Stopped
            | ErrorKind::Offline
            | ErrorKind::CircuitOpen
            | ErrorKind::CostCapExceeded
            | ErrorKind::Unpriced
            | ErrorKind::IdempotencyMismatch
    )
}
