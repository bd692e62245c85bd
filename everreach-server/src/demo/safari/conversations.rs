//! Conversations that somebody answered.

use everreach_core::safari::Service;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::exchange::{Asked, Reply};
use super::station::Station;

/// A conversation with something unread in it.
///
/// ```
/// use everreach_server::demo::safari::Unread;
/// assert_eq!(Unread::new("bob", "yes, please").username, "bob");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unread {
    /// Who wrote.
    pub username: String,
    /// The last thing they wrote.
    pub text: String,
}

impl Unread {
    /// Something unread from this person.
    #[must_use]
    pub fn new(username: impl Into<String>, text: impl Into<String>) -> Self {
        Self { username: username.into(), text: text.into() }
    }
}

/// Answers the lists of conversations; `None` for other paths. The fields differ from service to service.
pub(super) fn answer(station: &Station, asked: &Asked) -> Option<Reply> {
    if asked.method != Method::GET {
        return None;
    }
    let unread = station.memory().unread.clone();
    let list = |field: fn(&Unread) -> Value| unread.iter().map(field).collect::<Vec<_>>();
    let listed = match (station.service, asked.path.as_str()) {
        (Service::InstagramDm, "/api/conversations/unread") => {
            list(|one| json!({"username": one.username, "lastMessage": one.text, "unread": true}))
        }
        (Service::TwitterDm, "/api/twitter/conversations/unread") => {
            list(|one| json!({"username": format!("@{}", one.username), "lastMessage": one.text, "unread": true}))
        }
        (Service::TiktokDm, "/api/tiktok/conversations/unread") => {
            list(|one| json!({"username": one.username, "preview": one.text}))
        }
        // Only a number; the names are in the list of all conversations.
        (Service::LinkedinAutomation, "/api/linkedin/messages/unread") => {
            return Some(Reply::ok(json!({"unreadCount": unread.len()})));
        }
        (Service::LinkedinAutomation, "/api/linkedin/conversations") => {
            list(|one| json!({"participantName": one.username, "lastMessage": one.text, "unread": true}))
        }
        _ => return None,
    };
    Some(Reply::ok(json!({"conversations": listed, "count": listed.len()})))
}
