//! The key under which a call happens at most once, and the fingerprint that tells one request from another.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{ActionName, Error, ErrorKind, Id, Result};

const MAX_LENGTH: usize = 255;

/// The key of a call: 1 to 255 visible ASCII characters, no spaces.
///
/// ```
/// use everreach_core::ledger::IdempotencyKey;
/// let key: IdempotencyKey = "order-4711".parse().expect("a key");
/// assert_eq!(key.as_str(), "order-4711");
/// assert!("two words".parse::<IdempotencyKey>().is_err());
/// assert_ne!(IdempotencyKey::fresh(), IdempotencyKey::fresh());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(Arc<str>);

impl IdempotencyKey {
    /// A key that nobody has used.
    #[must_use]
    pub fn fresh() -> Self {
        Self(Id::new().to_string().into())
    }

    /// The text of the key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For keys built here, whose characters are known to be fine.
    pub(super) fn derived(text: String) -> Self {
        debug_assert!(text.parse::<Self>().is_ok(), "a derived key has the form of a key");
        Self(text.into())
    }
}

impl FromStr for IdempotencyKey {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.into()));
        }
        let shown: String = text.chars().take(64).collect();
        Err(Error::new(ErrorKind::InvalidInput, "an idempotency key is 1 to 255 visible ASCII characters without spaces")
            .with_operation("parse idempotency key")
            .with("seen", shown.escape_debug())
            .with("bytes", text.len()))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for IdempotencyKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for IdempotencyKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What a request is, in 64 hexadecimal digits: two requests with one key must agree in it.
///
/// ```
/// use everreach_core::ledger::{Fingerprint, IdempotencyKey};
/// let key: IdempotencyKey = "content_day:2026-11-20:abc".parse().expect("a key");
/// assert_eq!(Fingerprint::of_key(&key).as_str().len(), 64);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint that goes with a key derived from content. Such a key already says what the request is; parameters that it
    /// leaves out (`@Bob` for `bob`, an option of the executor) must not turn a repeat into a mismatch.
    #[must_use]
    pub fn of_key(key: &IdempotencyKey) -> Self {
        Self(sha256_hex(key.as_str()))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) const fn from_stored(digits: String) -> Self {
        Self(digits)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The fingerprint of an action with these parameters: SHA-256 over its name and canonical JSON.
///
/// ```
/// use everreach_core::ledger::fingerprint;
/// let action = "dm.send".parse().expect("a name");
/// let one = serde_json::from_str(r#"{"to": "bob", "text": "hi"}"#).expect("an object");
/// let other = serde_json::from_str(r#"{"text": "hi", "to": "bob"}"#).expect("an object");
/// assert_eq!(fingerprint(&action, &one), fingerprint(&action, &other));
/// ```
#[must_use]
pub fn fingerprint(action: &ActionName, params: &Map<String, Value>) -> Fingerprint {
    let mut text = format!("{action}\n");
    write_object(params, &mut text);
    Fingerprint(sha256_hex(&text))
}

pub(super) fn sha256_hex(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// JSON with the keys of every object in order, whatever order the map keeps them in.
pub(super) fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => write_object(fields, out),
        scalar => out.push_str(&scalar.to_string()),
    }
}

pub(super) fn write_object(fields: &Map<String, Value>, out: &mut String) {
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| name.as_str());
    out.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(&Value::from(name.as_str()).to_string());
        out.push(':');
        write_canonical(value, out);
    }
    out.push('}');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn print(params: Value) -> Fingerprint {
        let Value::Object(params) = params else { panic!("parameters are an object") };
        fingerprint(&"dm.send".parse().expect("a name"), &params)
    }

    #[test]
    fn keys_of_every_other_shape_are_refused_without_echoing_control_characters() {
        let long = "k".repeat(256);
        for text in ["", " ", "a b", "tab\t", "ünïcode", "line\n", "\u{7f}", &long] {
            let error = text.parse::<IdempotencyKey>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(!error.to_string().contains(['\t', '\n', '\u{7f}']));
        }
        assert!("k".repeat(255).parse::<IdempotencyKey>().is_ok());
    }

    #[test]
    fn order_of_keys_does_not_matter_and_order_of_items_does() {
        assert_eq!(print(json!({"a": {"x": 1, "y": [1, 2]}, "b": null})), print(json!({"b": null, "a": {"y": [1, 2], "x": 1}})));
        assert_ne!(print(json!({"a": [1, 2]})), print(json!({"a": [2, 1]})));
    }

    #[test]
    fn different_requests_do_not_look_alike() {
        let prints = [
            print(json!({})),
            print(json!({"a": "1"})),
            print(json!({"a": 1})),
            print(json!({"a": "1,\"b\":2"})),
            print(json!({"a": "1", "b": 2})),
            print(json!({"a": ["1", "b"]})),
            print(json!({"a": null})),
        ];
        for (index, print) in prints.iter().enumerate() {
            assert!(!prints[..index].contains(print), "{index}");
        }
    }

    #[test]
    fn the_action_is_part_of_the_fingerprint() {
        let params = Map::new();
        assert_ne!(
            fingerprint(&"dm.send".parse().expect("a name"), &params),
            fingerprint(&"dm.queue".parse().expect("a name"), &params)
        );
    }

    #[test]
    fn the_digits_stay_the_same_from_version_to_version() {
        // Stored rows are compared with fresh prints: sha256 of `dm.send\n{"text":"hi","to":"bob"}`.
        assert_eq!(print(json!({"to": "bob", "text": "hi"})).as_str(), sha256_hex("dm.send\n{\"text\":\"hi\",\"to\":\"bob\"}"));
    }
}
