//! Bearer keys with scopes.
//!
//! # Law
//! A key is shown once, when it is made; only its hash is kept. [`KeyRing::verify`] takes the same time whichever key is wrong, and
//! wherever it is wrong. A key that was made or revoked by any process counts within half a second on a ring that is watched.

mod keys;
mod ring;
mod scope;
mod store;
#[cfg(test)]
mod tests;
mod text;

pub use keys::{AccessKey, AccessKeys, NewKey};
pub use ring::{KeyIdentity, KeyRing};
pub use scope::{Scope, Scopes};
