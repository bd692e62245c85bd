//! What can be shown of the failover.

use serde::Serialize;

use super::{OwnNetwork, Phase, Place, TwoNodeMode};
use crate::lease::LeaseState;
use crate::{Id, Timestamp};

/// Where the way in which two sides agree is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ModeSource {
    /// A setting says so.
    Setting,
    /// The other side was found to lead by a lease in this database, or in another one.
    Found,
    /// It was found so in an earlier run.
    Remembered,
    /// Nothing is known yet: the careful one is taken.
    Assumed,
    /// The setting says `shared`, and the other side uses another database.
    Refused,
}

/// Where the failover stands, as seen from this process.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FailoverState {
    /// Which place this process has.
    pub place: Place,
    /// The id of this process; what `lease.holder` shows when it leads by the lease.
    pub instance: Id,
    /// Whether this process does the work now.
    pub leads: bool,
    /// The fencing number it leads with.
    pub epoch: Option<i64>,
    /// How the two sides agree.
    pub mode: Option<TwoNodeMode>,
    /// Where that is known from.
    pub mode_from: Option<ModeSource>,
    /// Where the local side is between watching and working.
    pub phase: Option<Phase>,
    /// Since when.
    pub since: Timestamp,
    /// Whether calls are kept away from the cloud.
    pub offline_mode: bool,
    /// Whether the cloud counts as failed.
    pub cloud_failed: bool,
    /// This machine's own network, as of the last look that found no cloud.
    pub own_network: OwnNetwork,
    /// Who leads by the lease in this process's database.
    pub lease: Option<LeaseState>,
}
