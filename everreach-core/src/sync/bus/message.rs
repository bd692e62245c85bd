//! Messages, as publishers and subscriptions have them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, ErrorKind, Result, Timestamp};

/// Longest topic, subscription name and dedup key, in bytes.
const LONGEST_NAME: usize = 200;
/// Longest payload, in bytes of JSON.
const LONGEST_PAYLOAD: usize = 1 << 20;

/// A message to be published.
///
/// ```
/// use everreach_core::sync::bus::NewMessage;
/// let message = NewMessage::new("crm.updated", serde_json::json!({"contact": 7})).with_dedup_key("crm-7-3");
/// assert!(message.validate().is_ok());
/// assert!(NewMessage::new("", serde_json::Value::Null).validate().is_err());
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NewMessage {
    /// What it is about; subscriptions are for one topic each.
    pub topic: String,
    /// What it says: at most 1 MiB of JSON.
    pub payload: Value,
    /// A second message of the topic with the same key is not published.
    pub dedup_key: Option<String>,
}

impl NewMessage {
    /// A message without a dedup key.
    #[must_use]
    pub fn new(topic: impl Into<String>, payload: Value) -> Self {
        Self { topic: topic.into(), payload, dedup_key: None }
    }

    /// With a key that keeps a repeat out.
    #[must_use]
    pub fn with_dedup_key(mut self, key: impl Into<String>) -> Self {
        self.dedup_key = Some(key.into());
        self
    }

    /// Whether it can be published.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] for a topic or key that is empty, longer than 200 bytes or has control characters, and for a payload
    /// over 1 MiB.
    pub fn validate(&self) -> Result<()> {
        validate_name("topic", &self.topic)?;
        if let Some(key) = &self.dedup_key {
            validate_name("dedup key", key)?;
        }
        let bytes = self.payload.to_string().len();
        if bytes > LONGEST_PAYLOAD {
            return Err(Error::new(ErrorKind::InvalidInput, "a payload has at most 1 MiB of JSON: send a reference instead")
                .with("topic", &self.topic)
                .with("bytes", bytes));
        }
        Ok(())
    }
}

fn validate_name(what: &'static str, name: &str) -> Result<()> {
    if !name.is_empty() && name.len() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::InvalidInput, "a name on the bus has 1 to 200 bytes and no control characters")
        .with("name of", what)
        .with("seen", name.escape_debug().take(80).collect::<String>()))
}

/// A message that is in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Published {
    /// Its id, the same on every machine.
    pub id: String,
    /// Whether it was published now; `false` when the topic had its dedup key already.
    pub is_new: bool,
}

impl Published {
    /// What a bus answers to a publisher.
    #[must_use]
    pub fn new(id: impl Into<String>, is_new: bool) -> Self {
        Self { id: id.into(), is_new }
    }
}

/// A message as it is delivered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// Its id, the same at every delivery.
    pub id: String,
    /// What it is about.
    pub topic: String,
    /// What it says.
    pub payload: Value,
    /// When it was published, by the publisher's clock.
    pub created_at: Timestamp,
}

impl Message {
    /// A message with this id.
    #[must_use]
    pub fn new(id: impl Into<String>, topic: impl Into<String>, payload: Value, created_at: Timestamp) -> Self {
        Self { id: id.into(), topic: topic.into(), payload, created_at }
    }
}

/// Where a subscription begins when it is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Start {
    /// With the oldest message that is kept.
    #[default]
    Oldest,
    /// With what is published from now on.
    Newest,
}

/// A named reader of one topic. Processes with the same name on one database share the work: one of them gets the messages, another
/// takes over when it is gone. It lives on in the database, so that nothing is missed while nobody reads.
///
/// ```
/// use everreach_core::sync::bus::{Start, Subscription};
/// let subscription = Subscription::new("dashboard", "crm.updated").starting(Start::Newest);
/// assert_eq!(subscription.name, "dashboard");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// The topic that it reads.
    pub topic: String,
    /// Where it begins when it is new.
    pub start: Start,
}

impl Subscription {
    /// One that begins with the oldest message that is kept.
    #[must_use]
    pub fn new(name: impl Into<String>, topic: impl Into<String>) -> Self {
        Self { name: name.into(), topic: topic.into(), start: Start::default() }
    }

    /// The same, beginning elsewhere.
    #[must_use]
    pub fn starting(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    pub(super) fn validate(&self) -> Result<()> {
        validate_name("subscription", &self.name)?;
        validate_name("topic", &self.topic)
    }
}

/// A message that a subscription is to handle now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Who gets it.
    pub subscription: String,
    /// Which delivery this is, as far as is known; the first is 1.
    pub attempt: u32,
    /// Its place in the log; none when it had been parked and is replayed.
    pub place: Option<i64>,
}

impl Delivery {
    /// A delivery as a bus makes it.
    #[must_use]
    pub fn new(message: Message, subscription: impl Into<String>, attempt: u32, place: Option<i64>) -> Self {
        Self { message, subscription: subscription.into(), attempt, place }
    }
}

/// What becomes of a message that was not handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// It is delivered again from this time on; until then it holds back those after it.
    RetryAt(Timestamp),
    /// It is parked, and the next one follows.
    Parked,
}

/// A message that a subscription gave up on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ParkedMessage {
    /// Who gave it up.
    pub subscription: String,
    /// Its id.
    pub id: String,
    /// Its topic.
    pub topic: String,
    /// Its payload as it was published, which may be no JSON when another program wrote it.
    pub payload: String,
    /// How often it was delivered.
    pub attempts: u32,
    /// Why the last delivery failed.
    pub error: String,
    /// Since when it is parked.
    pub parked_at: Timestamp,
    /// Whether it waits to be delivered once more.
    pub is_replayed: bool,
}
