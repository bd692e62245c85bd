//! A list of unread conversations, read from whatever shape a service gives it.

use serde::Serialize;
use serde_json::Value;

use crate::safari::{Contact, Platform};

const LISTS: [&str; 6] = ["conversations", "unread", "messages", "threads", "items", "data"];
const HANDLES: [&str; 6] = ["username", "handle", "user", "participant", "sender", "from"];
const PROFILES: [&str; 3] = ["profileUrl", "participantProfileUrl", "url"];
const NAMES: [&str; 5] = ["displayName", "participantName", "name", "fullName", "title"];
const PREVIEWS: [&str; 6] = ["preview", "lastMessage", "snippet", "text", "content", "message"];
const COUNTS: [&str; 4] = ["unreadCount", "count", "totalCount", "total"];
const LONGEST_PREVIEW: usize = 1_000;

/// The unread conversations of one platform.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Unread {
    /// How many there are, where the service tells; else how many are listed.
    pub count: usize,
    /// Those that are listed.
    pub conversations: Vec<UnreadConversation>,
}

/// One unread conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnreadConversation {
    /// The person, where the list has a user name.
    pub contact: Option<Contact>,
    /// The name that is shown.
    pub name: Option<String>,
    /// The beginning of the last message.
    pub preview: Option<String>,
}

impl Unread {
    /// Reads an answer: `None` when it says that it failed, or holds neither a list nor a count.
    ///
    /// ```
    /// use everreach_core::safari::inbox::Unread;
    /// use everreach_core::safari::{Contact, Platform};
    /// use serde_json::json;
    /// let answer = json!({"conversations": [{"username": "@Bob", "lastMessage": "yes!", "unread": true}], "count": 1});
    /// let unread = Unread::read(Platform::Twitter, &answer).expect("a list");
    /// assert!(unread.is_from(&Contact::new(Platform::Twitter, "bob")));
    /// assert!(Unread::read(Platform::Twitter, &json!({"error": "no tab"})).is_none());
    /// ```
    #[must_use]
    pub fn read(platform: Platform, answer: &Value) -> Option<Self> {
        let has_failed =
            answer.get("success") == Some(&Value::Bool(false)) || answer.get("error").is_some_and(|error| !error.is_null());
        if has_failed {
            return None;
        }
        let said = COUNTS.iter().find_map(|name| answer.get(name)).and_then(Value::as_u64);
        let entries = entries(answer);
        if entries.is_none() && said.is_none() {
            return None;
        }
        let conversations: Vec<_> =
            entries.unwrap_or_default().into_iter().filter_map(|entry| conversation(platform, entry)).collect();
        let count = said.and_then(|count| usize::try_from(count).ok()).unwrap_or(conversations.len());
        Some(Self { count, conversations })
    }

    /// Whether an unread conversation with this person is listed.
    #[must_use]
    pub fn is_from(&self, contact: &Contact) -> bool {
        self.conversations.iter().any(|conversation| conversation.contact.as_ref() == Some(contact))
    }

    /// Whether an unread conversation is listed that has no user name, and is shown under this name. LinkedIn's are.
    ///
    /// ```
    /// use everreach_core::safari::{Platform, inbox::Unread};
    /// use serde_json::json;
    /// let answer = json!({"conversations": [{"participantName": "Bob Ross", "unread": true}]});
    /// let unread = Unread::read(Platform::Linkedin, &answer).expect("a list");
    /// assert!(unread.is_shown_as("bob ross\nPainter") && !unread.is_shown_as("Bob"));
    /// ```
    #[must_use]
    pub fn is_shown_as(&self, name: &str) -> bool {
        let wanted = shown_name(name).to_lowercase();
        let nameless = self.conversations.iter().filter(|conversation| conversation.contact.is_none());
        let mut names = nameless.filter_map(|conversation| conversation.name.as_deref());
        !wanted.is_empty() && names.any(|name| shown_name(name).to_lowercase() == wanted)
    }
}

/// The first line: names may come with a headline below.
fn shown_name(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim()
}

/// The entries: a list, a list under a usual name, or an object of lists there, one for each tab of the inbox.
fn entries(answer: &Value) -> Option<Vec<&Value>> {
    let found = match answer {
        Value::Array(_) => Some(answer),
        _ => LISTS.iter().filter_map(|name| answer.get(name)).find(|found| found.is_array() || found.is_object()),
    }?;
    match found {
        Value::Array(entries) => Some(entries.iter().collect()),
        Value::Object(tabs) if tabs.values().any(Value::is_array) => {
            Some(tabs.values().filter_map(Value::as_array).flatten().collect())
        }
        // Another envelope around the list.
        Value::Object(_) => entries(found),
        _ => None,
    }
}

fn conversation(platform: Platform, entry: &Value) -> Option<UnreadConversation> {
    let is_read = entry.get("unread") == Some(&Value::Bool(false))
        || entry.get("isUnread") == Some(&Value::Bool(false))
        || entry.get("unreadCount").and_then(Value::as_u64) == Some(0);
    if is_read {
        return None;
    }
    let shown = |names: &[&str]| names.iter().find_map(|name| text(entry.get(name)?));
    let handle = match entry {
        Value::String(handle) => Some(handle.clone()),
        _ => PROFILES.iter().find_map(|name| profile_name(platform, entry.get(name)?.as_str()?)).or_else(|| shown(&HANDLES)),
    };
    let contact = handle.filter(|handle| is_handle(handle)).map(|handle| Contact::new(platform, &handle));
    let name = shown(&NAMES).or_else(|| shown(&HANDLES));
    let preview = shown(&PREVIEWS).map(|text| text.chars().take(LONGEST_PREVIEW).collect());
    (contact.is_some() || name.is_some()).then_some(UnreadConversation { contact, name, preview })
}

/// A text, or the one that an object holds: `{"username": …}` for a person, `{"text": …}` for a message.
fn text(value: &Value) -> Option<String> {
    let found = match value {
        Value::String(text) => Some(text.as_str()),
        Value::Object(fields) => {
            ["username", "handle", "text", "content", "name"].iter().find_map(|name| fields.get(*name)?.as_str())
        }
        _ => None,
    };
    found.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Whether it is a user name. Some lists hold the name that is shown in its place.
fn is_handle(text: &str) -> bool {
    let name = text.strip_prefix('@').unwrap_or(text);
    !name.is_empty() && name.len() <= 100 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// The user name in the address of a LinkedIn profile.
fn profile_name(platform: Platform, url: &str) -> Option<String> {
    let name = url.split_once("/in/")?.1.split(['/', '?', '#']).next()?;
    (platform == Platform::Linkedin && is_handle(name)).then(|| name.to_owned())
}
