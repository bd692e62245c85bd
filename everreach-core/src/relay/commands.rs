//! Which actions are commands of Safari's queue, and how their parameters are called there.

use serde_json::{Map, Value};

use crate::routing::Params;
use crate::safari::gate::check;
use crate::safari::{Command, Verb};
use crate::{ActionName, Error, ErrorKind, Result, Timestamp};

/// A parameter under a name that callers use, and its name in the queue.
type Renaming = (&'static str, &'static str);

const PERSON: [Renaming; 7] = [
    ("to", "username"),
    ("recipient", "username"),
    ("profile", "username"),
    ("content", "text"),
    ("body", "text"),
    ("profile_url", "profileUrl"),
    ("message", "text"),
];
const POST: [Renaming; 4] = [("content", "text"), ("body", "text"), ("message", "text"), ("post_url", "postUrl")];
const SEARCH: [Renaming; 3] = [("niche", "keyword"), ("query", "keyword"), ("limit", "maxPosts")];

/// An action that Safari's queue carries out.
struct QueuedAction {
    action: &'static str,
    verb: Verb,
    /// The platform of actions that are for one only.
    platform: Option<&'static str>,
    renamings: &'static [Renaming],
}

const fn queued(
    action: &'static str,
    verb: Verb,
    platform: Option<&'static str>,
    renamings: &'static [Renaming],
) -> QueuedAction {
    QueuedAction { action, verb, platform, renamings }
}

/// Every action that becomes a command. All others become tasks.
const QUEUED_ACTIONS: [QueuedAction; 7] = [
    queued("comments.post", Verb::Comment, None, &POST),
    queued("dm.queue", Verb::SendDm, None, &PERSON),
    queued("dm.send", Verb::SendDm, None, &PERSON),
    queued("dm.sync", Verb::Sync, None, &[]),
    queued("linkedin.message", Verb::SendDm, Some("linkedin"), &PERSON),
    queued("research.platform", Verb::MarketResearch, None, &SEARCH),
    queued("safari.navigate", Verb::Navigate, None, &[]),
];

/// The command that carries an action out, checked by the input gate; `None` for an action that is no command.
///
/// # Errors
/// [`ErrorKind::InvalidParams`] with the gate's code.
pub(super) fn command_for(action: &ActionName, params: &Params, now: Timestamp) -> Result<Option<Command>> {
    let Some(queued) = QUEUED_ACTIONS.iter().find(|queued| queued.action == action.as_str()) else { return Ok(None) };
    let mut params = renamed(params, queued.renamings)?;
    let mut command = Command::new(queued.verb, now);
    command.platform = queued.platform.map(str::to_owned);
    // In its column it serves those who look for the commands of a platform; anything but a text is left to the gate.
    if command.platform.is_none() && params.get("platform").is_some_and(Value::is_string) {
        command.platform = params.remove("platform").and_then(|name| name.as_str().map(str::to_lowercase));
    }
    command.params = Value::Object(params);
    let _passed = check(&command)?;
    Ok(Some(command))
}

fn renamed(params: &Params, renamings: &[Renaming]) -> Result<Map<String, Value>> {
    let mut renamed = params.clone();
    for (from, to) in renamings {
        let Some(value) = renamed.remove(*from).filter(|value| !value.is_null()) else { continue };
        match renamed.get(*to) {
            Some(other) if !other.is_null() && *other != value => {
                let message = format!("`{from}` and `{to}` mean the same and differ; keep one of them");
                return Err(Error::new(ErrorKind::InvalidParams, message).with_operation("queue a call"));
            }
            _ => {
                let _same_or_null = renamed.insert((*to).to_owned(), value);
            }
        }
    }
    Ok(renamed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::routing::RouteTable;

    fn made(action: &str, params: Value) -> Result<Option<Command>> {
        let Value::Object(params) = params else { panic!("parameters are an object") };
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        command_for(&action.parse().expect("a name"), &params, now)
    }

    fn command(action: &str, params: Value) -> (String, Option<String>, Value) {
        let command = made(action, params).expect("the gate lets it through").expect("a command");
        (command.action, command.platform, command.params)
    }

    #[test]
    fn each_action_becomes_its_verb_with_the_parameters_under_the_queues_names() {
        let text = |word: &str| Some(word.to_owned());
        assert_eq!(
            command("dm.send", json!({"platform": "Instagram", "to": "ada", "message": "hi"})),
            ("send_dm".to_owned(), text("instagram"), json!({"username": "ada", "text": "hi"}))
        );
        assert_eq!(
            command("comments.post", json!({"platform": "twitter", "post_url": "https://x.com/bob/status/1", "text": "yes"})),
            ("comment".to_owned(), text("twitter"), json!({"postUrl": "https://x.com/bob/status/1", "text": "yes"}))
        );
        assert_eq!(
            command("linkedin.message", json!({"profile_url": "https://www.linkedin.com/in/bob/", "body": "hi"})),
            ("send_dm".to_owned(), text("linkedin"), json!({"profileUrl": "https://www.linkedin.com/in/bob/", "text": "hi"}))
        );
        assert_eq!(
            command("research.platform", json!({"platform": "twitter", "niche": "ai", "limit": 5})),
            ("market_research".to_owned(), text("twitter"), json!({"keyword": "ai", "maxPosts": 5}))
        );
        assert_eq!(command("dm.sync", json!({})), ("sync".to_owned(), None, json!({})));
        let page = json!({"url": "https://example.com/"});
        assert_eq!(command("safari.navigate", page.clone()), ("navigate".to_owned(), None, page));
    }

    #[test]
    fn what_the_gate_would_refuse_on_the_local_machine_is_refused_at_once() {
        for (action, params) in [
            ("dm.send", json!({"platform": "instagram", "username": "bob'; open /", "text": "hi"})),
            ("dm.send", json!({"platform": "instagram", "text": "hi"})),
            ("dm.send", json!({"platform": 3, "username": "bob", "text": "hi"})),
            ("dm.send", json!({"platform": "instagram", "username": "bob", "to": "ada", "text": "hi"})),
            ("linkedin.message", json!({"platform": "twitter", "username": "bob", "text": "hi"})),
            ("comments.post", json!({"platform": "twitter", "postUrl": "http://x.com/bob/status/1", "text": "yes"})),
            ("safari.navigate", json!({"url": "file:///etc/passwd"})),
        ] {
            let error = made(action, params.clone()).expect_err(&format!("{action} {params}"));
            assert_eq!(error.kind(), ErrorKind::InvalidParams, "{action} {params}");
        }
    }

    #[test]
    fn an_action_that_safari_does_not_carry_out_is_no_command() {
        assert_eq!(made("linkedin.search", json!({"query": "x"})).expect("nothing to refuse"), None);
    }

    #[test]
    fn the_map_names_actions_of_the_route_table_only() {
        let table = RouteTable::builtin();
        for queued in QUEUED_ACTIONS {
            assert!(table.routes().any(|route| route.action.as_str() == queued.action), "{}", queued.action);
        }
    }
}
