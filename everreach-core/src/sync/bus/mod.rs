//! The sync bus: messages by topic, between the processes of a database and, over Redis, between databases.
//!
//! # Law
//! What [`publish_all`](SyncBus::publish_all) answered `Ok` for is delivered to every subscription at least once, and what a subscription gets
//! of a topic comes in the order of its publication: a message that fails holds back those after it until it is handled or parked.
//!
//! The table `hybrid_messages` is the truth. A subscription only ever reads the log of its own database, so that nothing changes for it
//! when Redis comes or goes. Redis carries messages from the log of one database into that of another: the publishing side numbers
//! each topic without a gap, the receiving side takes only the number that follows and asks for what it misses, whether that was
//! trimmed, flushed, or lost with a Redis that was killed.

mod config;
mod cursor;
mod deliver;
mod log;
mod message;
mod outbox;
mod retention;
mod status;
mod subscriber;
mod sync_bus;
mod wake;

mod carrier;

pub use config::{BusConfig, Retention};
pub use cursor::first_time;
pub use log::publish_within;
pub use message::{Delivery, Failure, Message, NewMessage, ParkedMessage, Published, Start, Subscription};
pub use outbox::OutboxBus;
pub use status::{BusStatus, RedisState, SubscriptionState};
pub use subscriber::{Handler, Subscriber};
#[cfg(feature = "mock")]
pub use sync_bus::MockSyncBus;
pub use sync_bus::SyncBus;
