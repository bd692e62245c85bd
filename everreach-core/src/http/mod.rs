//! The one way out over HTTP: a client factory, header names, bounded bodies, and a witness of what was sent.
//!
//! # Law
//! A client made here repeats nothing, follows no redirect and knows no proxy from the environment, so that one call is one
//! request to the address that was configured; no body is read past its bound.

mod body;
mod client;

pub use body::{SendWitness, read_bounded, witnessed_body};
pub(crate) use client::client_with_resolver;
pub use client::{HttpConfig, client};

/// The claim under which a call is forwarded, for a receiver with the same journal.
pub const CLAIM: &str = "Everreach-Claim";
/// How many EverReach processes a call has passed through, this hop included.
pub const HOP: &str = "Everreach-Hop";
/// The key under which a call happens at most once.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// The id that logs and events of both sides carry.
pub const REQUEST_ID: &str = "X-Request-Id";
/// How long the caller will wait, in milliseconds.
pub const TIMEOUT_MS: &str = "Everreach-Timeout-Ms";
