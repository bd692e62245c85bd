//! Keys derived from content: the same words to the same target on one day are one call.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::{Map, Value};

use super::key::{IdempotencyKey, sha256_hex, write_canonical, write_object};
use crate::ActionName;

/// Parameters that say whom or what a call is aimed at, by the part they play. Several names of one part mean the same thing.
const TARGETS: [(&str, &[&str]); 5] = [
    ("person", &["username", "handle", "to", "profile", "recipient", "handles"]),
    ("url", &["profileUrl", "profile_url", "postUrl", "post_url", "url"]),
    ("contact", &["contact_id", "contactId"]),
    ("account", &["account_id", "accountId"]),
    ("platform", &["platform", "platforms"]),
];
/// Says on which service, not to whom: alone it does not make a target.
const PLATFORM: &str = "platform";
/// Parameters that say what is sent. A file counts: one caption under two videos is two posts.
const CONTENT: [&str; 11] =
    ["text", "message", "content", "caption", "body", "file_path", "filePath", "media_url", "mediaUrl", "video_url", "videoUrl"];

/// The key of a call whose caller gave none: derived from topic, target, content and UTC day.
///
/// Handles are compared without surrounding space, a leading `@` and letter case. When the parameters name neither target nor
/// content, all of them count. Use it with [`Fingerprint::of_key`](super::Fingerprint::of_key).
///
/// ```
/// use everreach_core::ledger::content_day_key;
/// let action = "dm.send".parse().expect("a name");
/// let day = "2026-11-20".parse().expect("a day");
/// let one = serde_json::from_str(r#"{"platform": "instagram", "username": "@Bob ", "text": "hi"}"#).expect("an object");
/// let other = serde_json::from_str(r#"{"platform": "instagram", "handle": "bob", "message": "hi"}"#).expect("an object");
/// assert_eq!(content_day_key(&action, &one, day), content_day_key(&action, &other, day));
/// assert!(content_day_key(&action, &one, day).as_str().starts_with("content_day:2026-11-20:"));
/// ```
#[must_use]
pub fn content_day_key(action: &ActionName, params: &Map<String, Value>, day: NaiveDate) -> IdempotencyKey {
    let mut said = format!("{action}\n");
    let targets = targets(params);
    let content = content(params);
    if content.is_empty() && targets.iter().all(|(part, _)| *part == PLATFORM) {
        write_object(params, &mut said);
    } else {
        for (part, values) in targets {
            append(&mut said, part, values);
        }
        append(&mut said, "content", content);
    }
    IdempotencyKey::derived(format!("content_day:{}:{}", day.format("%Y-%m-%d"), sha256_hex(&said)))
}

/// One line per part, as JSON, so that no value can pass for two.
fn append(said: &mut String, part: &str, values: impl IntoIterator<Item = String>) {
    said.push_str(part);
    said.push(' ');
    write_canonical(&values.into_iter().collect(), said);
    said.push('\n');
}

fn targets(params: &Map<String, Value>) -> Vec<(&'static str, BTreeSet<String>)> {
    let of_part = |names: &[&str]| -> BTreeSet<String> {
        names
            .iter()
            .filter_map(|name| params.get(*name))
            .flat_map(each)
            .map(|value| normal_target(&value))
            .filter(|value| !value.is_empty())
            .collect()
    };
    TARGETS.into_iter().map(|(part, names)| (part, of_part(names))).filter(|(_, values)| !values.is_empty()).collect()
}

fn content(params: &Map<String, Value>) -> Vec<String> {
    let values = CONTENT.into_iter().filter_map(|name| params.get(name)).flat_map(each);
    values.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect()
}

/// The value as texts: an array is several, null is none.
fn each(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(each).collect(),
        other => {
            let mut text = String::new();
            write_canonical(other, &mut text);
            vec![text]
        }
    }
}

/// Paths of addresses tell upper from lower case; handles do not.
fn normal_target(value: &str) -> String {
    let value = value.trim();
    if value.contains("://") {
        return value.trim_end_matches('/').to_owned();
    }
    value.strip_prefix('@').unwrap_or(value).to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(action: &str, params: Value) -> String {
        let Value::Object(params) = params else { panic!("parameters are an object") };
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a day");
        content_day_key(&action.parse().expect("a name"), &params, day).to_string()
    }

    #[test]
    fn handles_are_compared_without_at_space_and_case() {
        let plain = key("dm.send", json!({"platform": "instagram", "username": "bob", "text": "hi"}));
        for username in ["@bob", " Bob ", "@BOB", "\tbob\n"] {
            assert_eq!(
                key("dm.send", json!({"platform": "Instagram", "username": username, "text": "hi "})),
                plain,
                "{username:?}"
            );
        }
    }

    #[test]
    fn options_that_are_neither_target_nor_content_do_not_matter() {
        let one = json!({"platform": "x", "postUrl": "https://x.test/p/1", "text": "nice"});
        let other = json!({"platform": "x", "postUrl": "https://x.test/p/1/", "text": "nice", "useAI": false});
        assert_eq!(key("comments.post", one), key("comments.post", other));
    }

    #[test]
    fn another_topic_target_platform_text_or_file_is_another_call() {
        let keys = [
            key("dm.send", json!({"platform": "x", "username": "bob", "text": "hi"})),
            key("dm.queue", json!({"platform": "x", "username": "bob", "text": "hi"})),
            key("dm.send", json!({"platform": "x", "username": "bo", "text": "hi"})),
            key("dm.send", json!({"platform": "tiktok", "username": "bob", "text": "hi"})),
            key("dm.send", json!({"platform": "x", "username": "bob", "text": "Hi"})),
            key("dm.send", json!({"platform": "x", "username": "bob"})),
            key("dm.send", json!({"platform": "x", "url": "https://x.test/Bob", "text": "hi"})),
            key("dm.send", json!({"platform": "x", "url": "https://x.test/bob", "text": "hi"})),
            key("dm.send", json!({"platform": "bob", "username": "x", "text": "hi"})),
            key("dm.send", json!({"platforms": ["x", "bob"], "text": "hi"})),
            key("publish.auto", json!({"platform": "x", "caption": "hi", "file_path": "a.mp4"})),
            key("publish.auto", json!({"platform": "x", "caption": "hi", "file_path": "b.mp4"})),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn a_list_of_platforms_is_a_set() {
        let one = key("publish.auto", json!({"platforms": ["x", "tiktok"], "text": "hi"}));
        assert_eq!(one, key("publish.auto", json!({"platforms": ["tiktok", "x", "x"], "text": "hi"})));
    }

    #[test]
    fn without_target_and_content_all_parameters_count() {
        assert_ne!(
            key("comments.threads_engage", json!({"platform": "threads", "niche": "a"})),
            key("comments.threads_engage", json!({"platform": "threads", "niche": "b"}))
        );
        assert_eq!(
            key("linkedin.prospect", json!({"limit": 3, "query": "q"})),
            key("linkedin.prospect", json!({"query": "q", "limit": 3}))
        );
    }

    #[test]
    fn the_day_is_part_of_the_key() {
        let action = "dm.send".parse().expect("a name");
        let params = Map::new();
        let day = NaiveDate::from_ymd_opt(2026, 11, 20).expect("a day");
        let next = day.succ_opt().expect("a next day");
        assert_ne!(content_day_key(&action, &params, day), content_day_key(&action, &params, next));
    }
}
