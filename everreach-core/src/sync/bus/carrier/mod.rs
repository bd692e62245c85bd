//! Redis: it carries messages from the log of one database into that of another.
//!
//! One process of a database at a time, by a lease, does both directions. **Out** ([`relay`]): each topic of this database goes to a
//! stream of its own, in order, and is marked as sent after Redis has it. **In** ([`ingest`]): entries of other databases are put into
//! our log, each only when it follows the last one of its origin and topic, and are acknowledged to Redis after that is committed.
//!
//! Nothing relies on what Redis remembers. Every interval the sending side says anew how far it is, and the receiving side compares:
//! what it misses after it has read its stream to the end (trimmed, flushed, rolled back by a Redis that was killed) it asks for, and
//! the sender goes back to there. Repeats are known by their place.
//!
//! | key | what it is |
//! |---|---|
//! | `P:stream:TOPIC` | the stream, with one consumer group per receiving database |
//! | `P:sent` | hash: `ORIGIN\|TOPIC` to the newest place that was sent |
//! | `P:have:ORIGIN` | hash: `PEER\|TOPIC` to the newest place that the peer has committed |
//! | `P:want:ORIGIN` | hash: `PEER\|TOPIC` to the place after which the peer misses something |
//! | `P:wake:DATABASE` | channel: there is something to do for the processes of this database |
//! | `TOPIC` | channel: each message as JSON, for programs that only listen; nothing relies on it |

#[cfg(feature = "redis")]
mod admission;
#[cfg(feature = "redis")]
mod ingest;
#[cfg(feature = "redis")]
mod link;
#[cfg(feature = "redis")]
mod relay;
#[cfg(feature = "redis")]
mod session;
#[cfg(feature = "redis")]
mod store;
#[cfg(feature = "redis")]
mod wire;

use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::{OutboxBus, RedisState};
use crate::Result;

/// Starts the traffic with Redis if there is a URL.
#[cfg(feature = "redis")]
pub(super) fn start(bus: &OutboxBus, tasks: &TaskTracker, state: watch::Sender<Option<RedisState>>) -> Result<()> {
    if let Some(url) = &bus.inner.config.redis_url {
        let client = link::client(url)?;
        tasks.spawn(session::run(bus.clone(), client, state));
    }
    Ok(())
}

/// Without the feature there is never a URL: [`BusConfig::validate`](super::BusConfig::validate) refuses it.
#[cfg(not(feature = "redis"))]
#[allow(clippy::unnecessary_wraps, reason = "the twin with the feature can fail")]
pub(super) fn start(_: &OutboxBus, _: &TaskTracker, _: watch::Sender<Option<RedisState>>) -> Result<()> {
    Ok(())
}
