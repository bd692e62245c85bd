//! How the exchange stands, for people.

use serde::Serialize;

use crate::{Side, Timestamp};

/// How the exchange of state stands on this side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateStatus {
    /// Which side this is.
    pub side: Side,
    /// Whether there is a key to seal payloads with; without one nothing is exchanged.
    pub is_sealed: bool,
    /// Documents that wait for the cloud.
    pub pending: u64,
    /// Those among them that were tried and failed.
    pub failing: u64,
    /// When the oldest change that waits was made.
    pub oldest_pending_at: Option<Timestamp>,
    /// Why something waits.
    pub error: Option<String>,
    /// When the cloud last answered a push.
    pub pushed_at: Option<Timestamp>,
    /// When the cloud was last asked for news.
    pub pulled_at: Option<Timestamp>,
    /// How many conflicts are kept.
    pub conflicts: u64,
}
