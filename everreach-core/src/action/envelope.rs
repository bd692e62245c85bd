//! The envelope: the one shape in which every call is answered.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{ActionName, Outcome};
use crate::{Error, ErrorKind, Id, MicroUsd};

/// Where a result came from.
///
/// ```
/// assert_eq!(everreach_core::Source::LocalFallback.as_str(), "local_fallback");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Source {
    /// This machine, as decided.
    Local,
    /// The cloud terminal.
    Cloud,
    /// This machine, because the cloud could not.
    LocalFallback,
    /// A stored answer of a read.
    Cache,
}

impl Source {
    /// The word for it in answers and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Cloud => "cloud",
            Self::LocalFallback => "local_fallback",
            Self::Cache => "cache",
        }
    }
}

/// An older answer that is offered when nothing fresh can be had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CachedResult {
    /// How old it is, in whole seconds.
    pub age_s: u64,
    /// The answer as it was.
    pub result: Value,
}

impl CachedResult {
    /// An answer of this age.
    #[must_use]
    pub const fn new(age_s: u64, result: Value) -> Self {
        Self { age_s, result }
    }
}

/// The answer to one call: what happened, where, at what price, and what to do about a failure.
///
/// ```
/// use everreach_core::{ActionName, Envelope, Id, Outcome};
/// let action: ActionName = "system.heartbeat".parse().expect("a name");
/// let envelope = Envelope::new(action, Id::new());
/// assert!(!envelope.ok);
/// assert_eq!(envelope.outcome, Outcome::NotExecuted);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Envelope {
    /// Whether the action ran and succeeded.
    pub ok: bool,
    /// The action's name; an alias is replaced by what it stands for.
    pub action: ActionName,
    /// What the action returned.
    pub result: Option<Value>,
    /// The stable word of a failure.
    pub error: Option<ErrorKind>,
    /// The sentence that goes with it.
    pub detail: Option<String>,
    /// Where the result came from; `None` when nothing ran.
    pub source: Option<Source>,
    /// What became of the call.
    pub outcome: Outcome,
    /// Whether this is the stored answer to an earlier call with the same key.
    #[serde(default)]
    pub replayed: bool,
    /// How many tries were made.
    pub attempts: u32,
    /// Time from accepting the call to this answer, in milliseconds.
    pub duration_ms: f64,
    /// What was booked for the call, US dollars.
    pub cost_usd: MicroUsd,
    /// Whether the budget changed the decision.
    pub cost_guard_triggered: bool,
    /// An older answer, offered while offline.
    pub cached: Option<CachedResult>,
    /// The key under which the call is journaled, if it is.
    pub idempotency_key: Option<String>,
    /// The id that logs and events carry.
    pub request_id: Id,
    /// What to do next, or the nearest names of an unknown action.
    pub suggestions: Vec<String>,
}

impl Envelope {
    /// An envelope for a call that has not run.
    #[must_use]
    pub const fn new(action: ActionName, request_id: Id) -> Self {
        Self {
            ok: false,
            action,
            result: None,
            error: None,
            detail: None,
            source: None,
            outcome: Outcome::NotExecuted,
            replayed: false,
            attempts: 0,
            duration_ms: 0.0,
            cost_usd: MicroUsd::ZERO,
            cost_guard_triggered: false,
            cached: None,
            idempotency_key: None,
            request_id,
            suggestions: Vec::new(),
        }
    }

    /// Marks the call as failed with this error's word and sentence.
    pub fn fail(&mut self, error: &Error) {
        self.ok = false;
        self.error = Some(error.kind());
        self.detail = Some(error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_has_the_published_fields() {
        let mut envelope = Envelope::new("dm.send".parse().expect("a name"), Id::new());
        envelope.fail(&Error::new(ErrorKind::Timeout, "no answer in time"));
        let json = serde_json::to_value(&envelope).expect("json");
        let mut fields: Vec<_> = json.as_object().expect("an object").keys().map(String::as_str).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "action", "attempts", "cached", "cost_guard_triggered", "cost_usd", "detail", "duration_ms", "error",
                "idempotency_key", "ok", "outcome", "replayed", "request_id", "result", "source", "suggestions"
            ]
        );
        assert_eq!(json["error"], "timeout");
        assert_eq!(json["source"], Value::Null);
        assert_eq!(serde_json::from_value::<Envelope>(json).expect("read back"), envelope);
    }
}
