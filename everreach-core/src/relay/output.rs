//! What the local machine writes into a row when it is done.

use serde_json::{Value, json};

use super::task::TaskStatus;
use crate::ledger::Verdict;
use crate::{Envelope, Error, ErrorKind, Outcome};

/// Failures after which the row waits for another try: nothing has run, or somebody else runs it.
const PASSING: [ErrorKind; 3] = [ErrorKind::Stopped, ErrorKind::StoreUnavailable, ErrorKind::IdempotencyConflict];

/// What becomes of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    /// It goes back to those that wait.
    Release,
    /// It is over.
    Over { status: TaskStatus, output: Value, error: Option<String> },
}

/// Reads the end of a row from the answer of its call. What may have run is never released.
pub(super) fn end_of(envelope: &Envelope) -> End {
    let passes = envelope.error.is_some_and(|kind| PASSING.contains(&kind));
    if envelope.outcome == Outcome::NotExecuted && passes {
        return End::Release;
    }
    let status = match (envelope.ok, envelope.error) {
        (true, _) => TaskStatus::Succeeded,
        (false, Some(ErrorKind::Timeout)) => TaskStatus::TimedOut,
        (false, _) => TaskStatus::Failed,
    };
    let output = json!({
        "ok": envelope.ok,
        "outcome": envelope.outcome,
        "result": envelope.result,
        "error": envelope.error,
        "detail": envelope.detail,
        "source": envelope.source,
        "idempotency_key": envelope.idempotency_key,
    });
    let error = envelope.error.map(|kind| {
        let detail = envelope.detail.as_deref().unwrap_or_default();
        without_nul(&Value::from(format!("{kind}: {detail}"))).as_str().unwrap_or_default().to_owned()
    });
    End::Over { status, output: without_nul(&output), error }
}

/// The end of a row that cannot be read.
pub(super) fn refused(error: &Error) -> End {
    let detail = error.to_string();
    let output = json!({"ok": false, "outcome": Outcome::NotExecuted, "error": error.kind(), "detail": detail});
    End::Over { status: TaskStatus::Failed, output: without_nul(&output), error: Some(format!("{}: {detail}", error.kind())) }
}

/// The end of a row by a person's word.
pub(super) fn confirmed(verdict: Verdict) -> (TaskStatus, Value, Option<&'static str>) {
    match verdict {
        Verdict::Happened => {
            let output =
                json!({"ok": true, "outcome": Outcome::Executed, "result": null, "detail": "a person says that it was done"});
            (TaskStatus::Succeeded, output, None)
        }
        Verdict::DidNotHappen => {
            let detail = "a person says that it was not done";
            (TaskStatus::Failed, json!({"ok": false, "outcome": Outcome::NotExecuted, "detail": detail}), Some(detail))
        }
    }
}

/// PostgreSQL's jsonb and text hold every character but one.
fn without_nul(value: &Value) -> Value {
    let storable = |text: &str| text.replace('\0', "\u{fffd}");
    match value {
        Value::String(text) => storable(text).into(),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (storable(name), without_nul(value))).collect(),
        other => other.clone(),
    }
}
