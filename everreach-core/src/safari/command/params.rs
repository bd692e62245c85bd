//! The parameters column.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The parameters of a command as an object. The column may hold an object, an object as JSON text (some writers do that) or
/// nothing, which is an empty object; `None` for all else.
///
/// ```
/// use everreach_core::safari::params_object;
/// use serde_json::json;
/// let text = json!("{\"username\": \"bob\"}");
/// assert_eq!(params_object(&text).expect("an object")["username"], "bob");
/// assert!(params_object(&json!(null)).expect("an object").is_empty());
/// assert!(params_object(&json!([1])).is_none() && params_object(&json!("bob")).is_none());
/// ```
#[must_use]
pub fn params_object(params: &Value) -> Option<Cow<'_, Map<String, Value>>> {
    match params {
        Value::Object(fields) => Some(Cow::Borrowed(fields)),
        Value::Null => Some(Cow::Owned(Map::new())),
        Value::String(text) => serde_json::from_str(text).ok().map(Cow::Owned),
        _ => None,
    }
}
