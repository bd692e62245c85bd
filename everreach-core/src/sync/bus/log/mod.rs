//! The log: the messages of this database in one order.
//!
//! A message is first inserted, by us or by another program, and numbered afterwards. On PostgreSQL a number taken at the insert
//! could become visible after a higher one, and whoever reads by number would pass it by.

mod store;

use serde::Serialize;

pub(super) use store::{Entry, has_new, number, read};
#[cfg(feature = "redis")]
pub(super) use store::{advance, lock, read_time, set_last};

use super::{NewMessage, Published};
use crate::store::Db;
use crate::{Id, Result, Timestamp};

/// Publishes in the caller's own transaction: the message exists if and only if the change that it tells of does. After the commit,
/// [`OutboxBus::wake`](super::OutboxBus::wake) lets it be delivered at once; else it is found within the interval.
///
/// # Errors
/// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a message that cannot be published; or the store's.
///
/// ```
/// # use everreach_core::{Clock, SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::sync::bus::{NewMessage, publish_within};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let now = SystemClock::new().now();
/// let published = store
///     .write(move |mut db| {
///         Box::pin(async move {
///             // … the change itself, on `db` …
///             publish_within(&mut db, vec![NewMessage::new("crm.updated", serde_json::json!({"contact": 7}))], now).await
///         })
///     })
///     .await?;
/// assert!(published[0].is_new);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
pub async fn publish_within(db: &mut Db<'_>, messages: Vec<NewMessage>, now: Timestamp) -> Result<Vec<Published>> {
    for message in &messages {
        message.validate()?;
    }
    let rows: Vec<NewRow> = messages.into_iter().map(|message| NewRow::new(message, now)).collect();
    store::append(db, &rows).await
}

/// A message as the statements take it.
#[derive(Debug, Serialize)]
struct NewRow {
    id: String,
    topic: String,
    payload: String,
    at: String,
    dedup: Option<String>,
}

impl NewRow {
    fn new(message: NewMessage, now: Timestamp) -> Self {
        let NewMessage { topic, payload, dedup_key } = message;
        let at = crate::store::Stamp(now).to_string();
        Self { id: Id::new().to_string(), topic, payload: payload.to_string(), at, dedup: dedup_key }
    }
}
