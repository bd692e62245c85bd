//! An answer, read with care.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use crate::Timestamp;
use crate::retry::parse_retry_after;

const SHOWN: usize = 300;

/// An answer of a service. It need not be JSON: an unknown path is answered with a page by some.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    body: Option<Value>,
}

impl Answer {
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let retry_after =
            headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| parse_retry_after(text, now));
        let body = serde_json::from_slice(body).ok().filter(Value::is_object);
        Self { status, retry_after, body }
    }

    pub(super) fn into_body(self) -> Option<Value> {
        self.body
    }

    /// Whether the answer is a JSON object.
    pub(super) fn is_object(&self) -> bool {
        self.body.is_some()
    }

    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name).filter(|value| !value.is_null())
    }

    /// What `success` says; anything but true and false says nothing.
    pub(super) fn success(&self) -> Option<bool> {
        self.field("success")?.as_bool()
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.field(name) == Some(&Value::Bool(true))
    }

    /// What it gives as its reason: `error` and `message`, as they stand.
    pub(super) fn said(&self) -> String {
        let texts = ["error", "message"].into_iter().filter_map(|name| match self.field(name)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        });
        texts.collect::<Vec<_>>().join(": ")
    }

    /// The status and the reason, short and harmless to print.
    pub(super) fn summary(&self) -> String {
        let said = self.said();
        let clean: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN).collect();
        match clean.trim() {
            "" => format!("HTTP {}", self.status.as_u16()),
            said => format!("HTTP {}, {said}", self.status.as_u16()),
        }
    }
}
