//! Verdicts that every executor reaches in the same way.

use serde_json::Value;

use super::Execution;
use crate::{Effect, Error, ErrorKind, Outcome, Retry};

const DETAIL_LIMIT: usize = 500;

/// Why nobody knows whether a try took effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The time was up.
    TimedOut,
    /// The connection, the answer or the handler broke.
    Broken,
}

/// A try that may have run. What may be repeated says what happened; anything else says that it is held.
pub(super) fn in_doubt(effect: Effect, doubt: Doubt, detail: String) -> Execution {
    let kind = match doubt {
        _ if !effect.is_repeatable() => ErrorKind::OutcomeUnknown,
        Doubt::TimedOut => ErrorKind::Timeout,
        Doubt::Broken => ErrorKind::Unreachable,
    };
    Execution::failed(Outcome::Unknown, Error::new(kind, detail))
}

/// A try whose result came back: a result that says `success: false` is a failure.
pub(super) fn judged(result: Value) -> Execution {
    if result.get("success") != Some(&Value::Bool(false)) {
        return Execution::done(result);
    }
    let said = ["error", "message", "detail", "reason"].into_iter().find_map(|name| text_of(result.get(name)?));
    let detail = said.unwrap_or_else(|| "the action reported `success: false` without a reason".into());
    Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, detail))
}

/// An action that is not known here.
pub(super) fn unknown_action(detail: String, suggestions: Vec<String>) -> Execution {
    Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::UnknownAction, detail).with_retry(Retry::Never))
        .with_suggestions(suggestions)
}

/// A text that another program gave as its reason, short and without control characters; `None` when it gave none.
pub(super) fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Object(fields) => match fields.get("message").or_else(|| fields.get("detail")) {
            Some(inner) => return text_of(inner),
            None => value.to_string(),
        },
        other => other.to_string(),
    };
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.trim().chars().map(clean).take(DETAIL_LIMIT).collect();
    (!text.is_empty()).then_some(text)
}
