//! Results and errors as the table keeps them: whole, bounded, and valid JSON.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::safari::{DispatchOutcome, DispatchVerdict, Reason};

/// The longest answer of a service that is kept, in bytes of JSON.
const LONGEST_ANSWER: usize = 16 * 1024;
/// The longest sentence, in characters.
const LONGEST_DETAIL: usize = 2_000;

/// The result of an attempt.
#[derive(Debug, Serialize)]
pub(super) struct AttemptResult<'a> {
    outcome: DispatchVerdict,
    reason: Reason,
    detail: Cow<'a, str>,
    verified: bool,
    attempt: u32,
    at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Value>,
}

impl<'a> AttemptResult<'a> {
    pub(super) fn of(outcome: &'a DispatchOutcome, attempt: u32, at: &'a str) -> Self {
        Self {
            outcome: outcome.verdict,
            reason: outcome.reason,
            detail: detail(&outcome.detail),
            verified: outcome.verdict == DispatchVerdict::Sent,
            attempt,
            at,
            answer: outcome.answer.as_ref().map(bounded),
        }
    }
}

/// A sentence that the table takes: PostgreSQL's text holds every character but one.
pub(super) fn detail(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_DETAIL && !text.contains('\0') {
        return text.into();
    }
    let mut chars = text.chars();
    let mut kept: String = chars.by_ref().take(LONGEST_DETAIL).map(storable).collect();
    if chars.next().is_some() {
        kept.push('…');
    }
    kept.into()
}

const fn storable(c: char) -> char {
    if c == '\0' { '\u{fffd}' } else { c }
}

/// The answer, or its beginning in an object that says so.
pub(super) fn bounded(answer: &Value) -> Value {
    let text = answer.to_string();
    if text.len() <= LONGEST_ANSWER {
        return without_nul(answer);
    }
    let mut end = LONGEST_ANSWER;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    json!({"truncated": true, "bytes": text.len(), "beginning": without_nul(&Value::from(&text[..end]))})
}

fn without_nul(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.chars().map(storable).collect()),
        Value::Array(items) => items.iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.chars().map(storable).collect::<String>(), without_nul(value))).collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_stays_valid_json_and_says_what_it_was() {
        let answer = json!({"posts": "ü".repeat(LONGEST_ANSWER)});
        let kept = bounded(&answer);
        assert_eq!(kept["truncated"], true);
        assert_eq!(kept["bytes"], answer.to_string().len());
        assert!(kept.to_string().len() < 2 * LONGEST_ANSWER);
        assert_eq!(bounded(&json!({"a": 1})), json!({"a": 1}));
    }

    #[test]
    fn what_postgres_cannot_hold_is_replaced() {
        assert_eq!(bounded(&json!({"a\0": ["b\0"]})), json!({"a\u{fffd}": ["b\u{fffd}"]}));
        assert_eq!(detail("a\0b"), "a\u{fffd}b");
        assert_eq!(detail(&"x".repeat(5_000)).chars().count(), LONGEST_DETAIL + 1);
    }
}
