//! How the bus is.

use serde::Serialize;

use crate::store::Db;
use crate::{Result, Timestamp};

/// Whether Redis is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RedisState {
    /// Whether it answers.
    pub is_up: bool,
    /// Since when.
    pub since: Timestamp,
    /// Why it does not.
    pub error: Option<String>,
}

impl RedisState {
    #[cfg(feature = "redis")]
    pub(super) const fn new(is_up: bool, since: Timestamp, error: Option<String>) -> Self {
        Self { is_up, since, error }
    }
}

/// How far a subscription is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriptionState {
    /// Its name.
    pub name: String,
    /// Its topic.
    pub topic: String,
    /// Messages that it has not had.
    pub waiting: i64,
    /// Why the message at its head failed.
    pub error: Option<String>,
}

/// How the bus is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct BusStatus {
    /// Redis; nothing when none is configured.
    pub redis: Option<RedisState>,
    /// Messages of this database that did not go to Redis yet; counted without Redis too.
    pub unsent: i64,
    /// Messages that were given up.
    pub parked: i64,
    /// The subscriptions of this database, by name and topic.
    pub subscriptions: Vec<SubscriptionState>,
}

pub(super) async fn read(db: &mut Db<'_>, redis: Option<RedisState>) -> Result<BusStatus> {
    let (unsent, parked) = super::retention::counts(db).await?;
    let rows = super::retention::waiting(db).await?;
    let subscription = |(name, topic, waiting, error)| SubscriptionState { name, topic, waiting, error };
    Ok(BusStatus { redis, unsent, parked, subscriptions: rows.into_iter().map(subscription).collect() })
}
