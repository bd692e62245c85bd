//! What several tests need.

pub(crate) mod cluster;
pub(crate) mod http;
pub(crate) mod random;
pub(crate) mod redis;
pub(crate) mod safari;
pub(crate) mod store;
