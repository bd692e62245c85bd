//! Events: what was decided and what changed, in the order it happened, kept in `everreach_events`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Id, Timestamp};

/// One decision or change of state.
///
/// `kind` is a dotted word such as `call.finished` or `cost.refused`, `subject` what it is about (an action, a key, a month).
///
/// ```
/// use everreach_core::{Event, Id};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let event = Event::new(now, "stop.set", "stop").with_data(serde_json::json!({"reason": "maintenance"}));
/// assert_eq!(event.kind, "stop.set");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: Cow<'static, str>,
    /// What it is about.
    pub subject: String,
    /// The call it belongs to.
    pub request_id: Option<Id>,
    /// The particulars; never a secret.
    pub data: Value,
}

impl Event {
    /// An event without particulars.
    #[must_use]
    pub fn new(at: Timestamp, kind: impl Into<Cow<'static, str>>, subject: impl Into<String>) -> Self {
        Self { at, kind: kind.into(), subject: subject.into(), request_id: None, data: Value::Null }
    }

    /// Ties it to a call.
    #[must_use]
    pub fn with_request(mut self, request_id: Id) -> Self {
        self.request_id = Some(request_id);
        self
    }

    /// Adds the particulars.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}
