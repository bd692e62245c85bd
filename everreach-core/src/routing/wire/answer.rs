//! The fields of an answer, whoever sent it: the registry's envelope, ours, a problem document or some framework's error.

use serde_json::{Map, Value};

use super::super::verdict::text_of;
use crate::{ErrorKind, Outcome};

/// Phrases with which registries say that they do not have a topic.
const UNKNOWN_PHRASES: [&str; 10] = [
    "unknown_action",
    "unknown_topic",
    "unknown_service",
    "unknown action",
    "unknown topic",
    "unknown service",
    "no such topic",
    "no such action",
    "topic not found",
    "service not found",
];

/// A decoded JSON object.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) ok: Option<bool>,
    pub(super) outcome: Option<Outcome>,
    pub(super) result: Value,
    /// The stable word, when the other side uses our words.
    pub(super) word: Option<ErrorKind>,
    /// The sentence for people, if there is one.
    pub(super) detail: Option<String>,
    pub(super) suggestions: Option<Vec<String>>,
}

impl Answer {
    /// `None` when the body is not a JSON object.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok().map(Self::of)
    }

    /// The fields that matter.
    pub(super) fn of(mut fields: Map<String, Value>) -> Self {
        let word = ["error", "code"].into_iter().find_map(|name| ErrorKind::from_code(fields.get(name)?.as_str()?));
        let said = |name: &str| text_of(fields.get(name)?);
        let detail = said("detail").or_else(|| said("error")).or_else(|| said("message")).or_else(|| said("title"));
        let suggestions = fields.get("suggestions").and_then(Value::as_array);
        Self {
            ok: fields.get("ok").and_then(Value::as_bool),
            outcome: fields.get("outcome").and_then(Value::as_str).and_then(|word| word.parse().ok()),
            word,
            detail,
            suggestions: suggestions.map(|names| names.iter().filter_map(text_of).collect()),
            result: fields.remove("result").unwrap_or_default(),
        }
    }

    /// Whether it says that the topic does not exist. A list of suggestions alone is not enough: a wrong yes would let an
    /// outward call run again elsewhere.
    pub(super) fn names_unknown_action(&self) -> bool {
        if self.word == Some(ErrorKind::UnknownAction) {
            return true;
        }
        let Some(detail) = self.detail.as_deref().map(str::to_lowercase) else { return false };
        let suggests =
            self.suggestions.is_some() && ["unknown", "not found", "no such"].iter().any(|phrase| detail.contains(phrase));
        // `unknown topic: dm.sned` or no more than the phrase; not `unknown action type in the profile, the message was sent`.
        let is_whole = |rest: &str| rest.trim_start().chars().next().is_none_or(|first| ":'\"`(".contains(first));
        suggests || UNKNOWN_PHRASES.iter().any(|phrase| detail.strip_prefix(phrase).is_some_and(is_whole))
    }
}
