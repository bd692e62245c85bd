//! State that both sides share: changes are recorded with what they belong to, pushed to the cloud, and the cloud's are pulled.
//!
//! # Law
//! A change that was recorded is pushed until the cloud has decided about it, also after a crash between sending and noting the answer;
//! a repeat changes nothing. When both sides changed a document without knowing of each other, [`winner`] decides from the kind and the
//! contents, never from a clock, and both versions are kept. Only the kinds of [`StateKind`] leave a side, with no client data or
//! embeddings in them ([`may_leave`]), and never in clear: payloads are sealed for the way ([`SealingKeys`]) and opened on arrival, so that
//! each side keeps them in its own database like all its other data.

mod cloud;
mod config;
mod conflict;
mod document;
#[cfg(test)]
mod fixture;
mod kind;
mod local;
mod privacy;
mod seal;
mod state_sync;
mod status;
mod store;
mod wire;

pub use config::{Exchange, StateConfig};
pub use conflict::{Conflict, ConflictVersion, winner};
pub use document::{Document, StateChange, StateKey, StateView};
pub use kind::{Precedence, StateKind};
pub use local::{CloudPeer, PullReport, PushReport};
pub use privacy::{MAX_PAYLOAD, may_leave};
pub use seal::SealingKeys;
pub use state_sync::{Recorded, StateSync, StateSyncParts};
pub use status::StateStatus;
pub use wire::{MAX_ITEMS, PullItem, PullPage, Push, PushAnswer, PushOutcome, PushResult, SealedDocument, Seen};
