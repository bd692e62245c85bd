//! Shapes of the failover.

use utoipa::ToSchema;

/// Where the failover stands, as seen from the process that was asked.
#[derive(ToSchema)]
pub(crate) struct FailoverState {
    /// alone, local or cloud.
    place: String,
    /// The id of this process in this run.
    instance: String,
    /// Whether this process does the work now.
    leads: bool,
    /// The fencing number it leads with.
    #[schema(required = true)]
    epoch: Option<i64>,
    /// shared, manual, `local_grants` or available.
    #[schema(required = true)]
    mode: Option<String>,
    /// setting, found, remembered, assumed or refused.
    #[schema(required = true)]
    mode_from: Option<String>,
    /// standby, armed, active or draining; on the local side.
    #[schema(required = true)]
    phase: Option<String>,
    since: String,
    offline_mode: bool,
    cloud_failed: bool,
    /// `not_checked`, up or down.
    own_network: String,
    #[schema(required = true)]
    lease: Option<FailoverLease>,
}

/// Who leads by the lease in the database of the process that was asked.
#[derive(ToSchema)]
pub(crate) struct FailoverLease {
    #[schema(required = true)]
    holder: Option<String>,
    epoch: i64,
    acquired_at: String,
    expires_at: String,
    is_held: bool,
    /// What the last holder left.
    #[schema(value_type = Option<Object>, required = true)]
    note: Option<serde_json::Value>,
}

/// The cloud's answer to a grant.
#[derive(ToSchema)]
pub(crate) struct Grant {
    accepted: bool,
    /// What the next grant has to name.
    challenge: String,
}
