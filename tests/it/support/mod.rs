//! Helpers of the integration tests.

pub(crate) mod http;
pub(crate) mod store;
