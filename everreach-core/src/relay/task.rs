//! A row of the workflow engine's tasks, as far as it concerns us.

use std::fmt;
use std::str::FromStr;

use serde_json::{Value, json};

use crate::ledger::{Fingerprint, IdempotencyKey};
use crate::routing::{Call, Params};
use crate::{ActionName, Error, ErrorKind, Id, Result, Timestamp};

/// The status words of the table; others are never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TaskStatus {
    Pending,
    Claimed,
    Running,
    Succeeded,
    Failed,
    TimedOut,
}

impl TaskStatus {
    const ALL: [Self; 6] = [Self::Pending, Self::Claimed, Self::Running, Self::Succeeded, Self::Failed, Self::TimedOut];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TaskStatus {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::Store, "a task is pending, claimed, running, succeeded, failed or timed_out")
                .with("seen", text.escape_debug())
        })
    }
}

/// A row.
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: Id,
    pub(super) status: TaskStatus,
    pub(super) input: Value,
    pub(super) output: Option<Value>,
    pub(super) claimed_by: Option<String>,
    pub(super) error: Option<String>,
    /// The key of the row, when it stands for a call of the journal.
    pub(super) key: Option<String>,
}

/// What a row asks for.
#[derive(Debug, PartialEq)]
pub(super) struct TaskCall {
    pub(super) action: ActionName,
    pub(super) params: Params,
    /// The key to run it under.
    pub(super) key: IdempotencyKey,
    /// Whether the journal holds the call under that key, queued by a terminal.
    pub(super) is_journaled: bool,
    /// From then on nobody begins with it any more.
    pub(super) not_after: Option<Timestamp>,
}

impl Task {
    /// Reads what the row asks for. A row that stands for no call of the journal runs under a key made of its id, so that it too is
    /// attempted once.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`] for an input that is not `{action, params?, idempotency_key?, not_after?}`.
    pub(super) fn call(&self) -> Result<TaskCall> {
        let wrong = |sentence: &str| Error::new(ErrorKind::InvalidParams, sentence.to_owned()).with("task", self.id);
        let action = self.input.get("action").and_then(Value::as_str);
        let action = action
            .ok_or_else(|| wrong("input_data has no `action`: {\"action\": \"service.topic\", \"params\": {}} is wanted"))?;
        let action = action.parse().map_err(|error: Error| wrong("the action is no name").with_source(error))?;
        let params = match self.input.get("params") {
            None | Some(Value::Null) => Params::new(),
            Some(Value::Object(params)) => params.clone(),
            Some(_) => return Err(wrong("`params` is not an object")),
        };
        let named = self.input.get("idempotency_key").and_then(Value::as_str).and_then(|key| key.parse().ok());
        let journaled = named.filter(|key| self.key.as_deref() == Some(row_key(key).as_str()));
        let is_journaled = journaled.is_some();
        let key = match journaled {
            Some(key) => key,
            None => format!("task:{}", self.id).parse()?,
        };
        let not_after = self.input.get("not_after").and_then(Value::as_str).and_then(|time| time.parse().ok());
        Ok(TaskCall { action, params, key, is_journaled, not_after })
    }
}

/// A call that nobody took up in time.
pub(super) fn lapsed() -> Error {
    Error::new(
        ErrorKind::Timeout,
        "the call waited too long for the local machine and is not run any more: send it again if it is still wanted",
    )
}

/// The key of the row that stands for a call.
pub(super) fn row_key(call: &IdempotencyKey) -> String {
    let plain = format!("call:{call}");
    if plain.parse::<IdempotencyKey>().is_ok() { plain } else { format!("call:{}", Fingerprint::of_key(call)) }
}

/// What is written into a row for a call.
pub(super) fn input_of(call: &Call, key: &IdempotencyKey, not_after: Timestamp) -> Result<Value> {
    let input = json!({
        "action": call.action, "params": call.params, "idempotency_key": key, "request_id": call.request_id, "not_after": not_after,
    });
    // PostgreSQL's jsonb holds every character but this one.
    if input.to_string().contains("\\u0000") {
        let error = Error::new(ErrorKind::InvalidParams, "a parameter holds the character U+0000: leave it out");
        return Err(error.with_operation("queue a call"));
    }
    Ok(input)
}
