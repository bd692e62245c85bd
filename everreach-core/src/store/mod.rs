//! The database: one handle over SQLite (always there) or PostgreSQL (feature `postgres`).
//!
//! # Law
//! What [`Store::write`] returned `Ok` for is on disk. On SQLite all writes of a process go through one writer that puts
//! concurrent ones into one commit; readers never wait for it. SQL lives in the `store.rs` of each capability and runs on
//! either database through `on_db!`; time always comes in as a parameter.

mod adopt;
mod codec;
mod db;
mod error;
mod hot;
mod migrate;
mod open;
mod pending_write;
#[cfg(feature = "postgres")]
mod postgres;
mod redact;
mod sqlite;
mod sqlite_listener;
mod wal_watch;
mod writer;

pub use codec::Stamp;
pub(crate) use db::on_db;
pub use db::{Db, ReadConnection};
pub use migrate::MigrationState;
pub use open::{Dialect, Listener, Store, StoreConfig};
pub use redact::redact_url;
