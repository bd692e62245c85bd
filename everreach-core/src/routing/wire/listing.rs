//! The list of services another side offers, in any of the shapes that are about.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::{ServiceListing, verdict::text_of};
use crate::ActionName;

/// Reads what `GET /api/services` answered: our own shape, a map of names to descriptions or to topics, or a plain list; sorted
/// by name. What is not an action's name is left out.
///
/// ```
/// use everreach_core::routing::wire::parse_listing;
/// let ours = serde_json::json!({"services": [{"name": "dm", "topics": [{"name": "send", "description": "Send a DM"}]}]});
/// let plain = serde_json::json!({"dm.send": "Send a DM"});
/// assert_eq!(parse_listing(&ours), parse_listing(&plain));
/// ```
#[must_use]
pub fn parse_listing(body: &Value) -> Vec<ServiceListing> {
    let mut found = BTreeMap::new();
    collect(body, None, &mut found);
    found.into_iter().map(|(action, description)| ServiceListing::new(action, description)).collect()
}

fn collect(value: &Value, service: Option<&str>, found: &mut BTreeMap<ActionName, String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect_item(item, service, found)),
        Value::Object(fields) => collect_object(fields, service, found),
        _ => {}
    }
}

fn collect_object(fields: &Map<String, Value>, service: Option<&str>, found: &mut BTreeMap<ActionName, String>) {
    if let Some(inner) = fields.get("result").filter(|_| fields.contains_key("ok")).or_else(|| fields.get("services")) {
        return collect(inner, service, found);
    }
    if let Some(topics) = fields.get("topics").filter(|topics| topics.is_array() || topics.is_object()) {
        return collect(topics, fields.get("name").and_then(Value::as_str).or(service), found);
    }
    for (key, value) in fields {
        match full_name(key, service) {
            Some(action) => drop(found.insert(action, description(value))),
            None => collect(value, Some(key), found),
        }
    }
}

fn collect_item(item: &Value, service: Option<&str>, found: &mut BTreeMap<ActionName, String>) {
    let Value::Object(fields) = item else {
        if let Some(action) = item.as_str().and_then(|name| full_name(name, service)) {
            found.insert(action, String::new());
        }
        return;
    };
    if fields.get("topics").is_some_and(|topics| topics.is_array() || topics.is_object()) {
        return collect_object(fields, service, found);
    }
    let service = fields.get("service").and_then(Value::as_str).or(service);
    let name = ["topic", "name", "action"].into_iter().find_map(|key| fields.get(key)?.as_str());
    if let Some(action) = name.and_then(|name| full_name(name, service)) {
        found.insert(action, description(item));
    }
}

fn full_name(name: &str, service: Option<&str>) -> Option<ActionName> {
    match service {
        Some(service) if !name.contains('.') => ActionName::new(service, name).ok(),
        _ => name.parse().ok(),
    }
}

fn description(value: &Value) -> String {
    let said = match value {
        Value::Object(fields) => fields.get("description").and_then(text_of),
        Value::String(_) => text_of(value),
        _ => None,
    };
    said.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(body: &Value) -> Vec<String> {
        parse_listing(body).into_iter().map(|listing| listing.action.to_string()).collect()
    }

    #[test]
    fn every_shape_that_is_about_is_read() {
        for body in [
            json!({"services": [{"name": "dm", "topics": [{"name": "send"}, {"name": "stats"}]}]}),
            json!({"services": [{"name": "dm", "topics": ["send", "dm.stats"]}]}),
            json!({"services": {"dm": {"description": "Messages", "topics": {"send": "Send", "stats": "Count"}}}}),
            json!({"services": {"dm": ["send", "stats"]}}),
            json!({"dm.send": "Send", "dm.stats": {"description": "Count"}}),
            json!(["dm.stats", "dm.send"]),
            json!([{"topic": "dm.send", "description": "Send"}, {"service": "dm", "topic": "stats"}]),
            json!({"ok": true, "topic": "system.list", "result": {"dm": ["send", "stats"]}}),
        ] {
            assert_eq!(names(&body), ["dm.send", "dm.stats"], "{body}");
        }
    }

    #[test]
    fn what_names_no_action_is_left_out() {
        for body in [json!(null), json!(7), json!("dm.send"), json!({"dm": "Messages"}), json!(["DM Send", 3, null])] {
            assert!(names(&body).is_empty(), "{body}");
        }
    }
}
