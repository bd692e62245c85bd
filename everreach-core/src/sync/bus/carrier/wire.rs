//! How messages and positions look in Redis.

use std::collections::HashMap;

use redis::streams::StreamId;
use serde::Serialize;
use serde_json::value::RawValue;

/// The names of our keys.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) const fn new(prefix: String) -> Self {
        Self { prefix }
    }

    pub(super) fn stream(&self, topic: &str) -> String {
        format!("{}:stream:{topic}", self.prefix)
    }

    /// The topic of a stream.
    pub(super) fn topic<'k>(&self, stream: &'k str) -> Option<&'k str> {
        stream.strip_prefix(&self.prefix)?.strip_prefix(":stream:")
    }

    pub(super) fn sent(&self) -> String {
        format!("{}:sent", self.prefix)
    }

    pub(super) fn have(&self, origin: &str) -> String {
        format!("{}:have:{origin}", self.prefix)
    }

    pub(super) fn want(&self, origin: &str) -> String {
        format!("{}:want:{origin}", self.prefix)
    }

    pub(super) fn wake(&self, database: &str) -> String {
        format!("{}:wake:{database}", self.prefix)
    }
}

/// A field of the hashes: a database and a topic.
pub(super) fn field(database: &str, topic: &str) -> String {
    format!("{database}|{topic}")
}

/// The positions of a hash: database, topic, place. What is none of ours is left out.
pub(super) fn positions(hash: HashMap<String, String>) -> Vec<(String, String, i64)> {
    let position = |(field, place): (String, String)| {
        let (database, topic) = field.split_once('|')?;
        Some((database.to_owned(), topic.to_owned(), place.parse().ok()?))
    };
    hash.into_iter().filter_map(position).collect()
}

/// A message of this database on its way out.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) place: i64,
    pub(super) previous: i64,
    pub(super) id: String,
    pub(super) at: String,
    pub(super) payload: String,
}

/// A message of another database that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arrival {
    pub(super) origin: String,
    pub(super) topic: String,
    pub(super) place: i64,
    pub(super) previous: i64,
    pub(super) id: String,
    pub(super) at: String,
    pub(super) payload: String,
}

/// Adds a message to its stream.
pub(super) fn add(stream: &str, length: u32, origin: &str, message: &Outgoing) -> redis::Cmd {
    let mut command = redis::cmd("XADD");
    command.arg(stream).arg("MAXLEN").arg("~").arg(length).arg("*");
    command.arg("origin").arg(origin).arg("place").arg(message.place).arg("previous").arg(message.previous);
    command.arg("id").arg(&message.id).arg("at").arg(&message.at).arg("payload").arg(&message.payload);
    command
}

/// Reads an entry; nothing when it is none of ours, or gone from its stream.
pub(super) fn read(topic: &str, entry: &StreamId) -> Option<Arrival> {
    Some(Arrival {
        origin: entry.get("origin")?,
        topic: topic.to_owned(),
        place: entry.get("place")?,
        previous: entry.get("previous")?,
        id: entry.get("id")?,
        at: entry.get("at")?,
        payload: entry.get::<String>("payload")?.replace('\0', "\u{fffd}"),
    })
}

#[derive(Serialize)]
struct Announcement<'a> {
    id: &'a str,
    topic: &'a str,
    payload: &'a RawValue,
    created_at: &'a str,
}

/// A message for programs that listen on its topic's channel; nothing when its payload is not JSON.
pub(super) fn announcement(topic: &str, message: &Outgoing) -> Option<String> {
    let payload = serde_json::from_str(&message.payload).ok()?;
    serde_json::to_string(&Announcement { id: &message.id, topic, payload, created_at: &message.at }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_and_what_is_none_is_left_out() {
        let hash = [("a|b|c", "7"), ("nothing", "1"), ("a|d", "much")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(positions(hash.into_iter().collect()), [("a".to_owned(), "b|c".to_owned(), 7)]);
        let keys = Keys::new("p".to_owned());
        assert_eq!(keys.topic(&keys.stream("crm:updated")), Some("crm:updated"));
        assert_eq!(keys.topic("other:stream:x"), None);
    }

    #[test]
    fn listeners_get_the_payload_as_it_was_published() {
        let mut message =
            Outgoing { place: 1, previous: 0, id: "i".to_owned(), at: "t".to_owned(), payload: r#"{"n": 1.50}"#.to_owned() };
        let told = announcement("crm", &message).expect("it is JSON");
        assert_eq!(told, r#"{"id":"i","topic":"crm","payload":{"n": 1.50},"created_at":"t"}"#);
        message.payload = "no json".to_owned();
        assert_eq!(announcement("crm", &message), None);
    }
}
