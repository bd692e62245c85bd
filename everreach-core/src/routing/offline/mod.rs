//! The offline cache: the last good answers of reads, for when the cloud is away.
//!
//! # Law
//! Only reads whose route states a `cache_ttl_s`, never an outward call, never an error. A fresh answer is at most an hour old.

mod cache;
mod store;

pub use cache::{CacheHit, OfflineCache};
