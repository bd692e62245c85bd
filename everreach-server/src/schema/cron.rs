//! Shapes of the schedule.

use utoipa::ToSchema;

/// What came of firing a job.
#[derive(ToSchema)]
pub(crate) struct CronFired {
    job: String,
    /// The slot, RFC 3339 UTC.
    slot: Option<String>,
    /// Whether this call fired it.
    fired: bool,
    /// Why not; absent when it was fired.
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// Every job.
#[derive(ToSchema)]
pub(crate) struct CronJobs {
    jobs: Vec<CronJob>,
}

/// A job with its next and last firing.
#[derive(ToSchema)]
pub(crate) struct CronJob {
    name: String,
    description: String,
    /// Five fields: minute, hour, day of the month, month, day of the week.
    schedule: String,
    /// The IANA name of the zone.
    timezone: String,
    enabled: bool,
    disabled_because: Option<String>,
    /// `cloud`, `local` or `either`.
    fires_on: String,
    next: Option<String>,
    last: Option<CronLast>,
    /// The actions, in order.
    chain: Vec<String>,
    timeout_s: u64,
    policy: CronPolicy,
}

/// The newest run of a job.
#[derive(ToSchema)]
pub(crate) struct CronLast {
    slot: Option<String>,
    fired_at: String,
    status: String,
    ok: Option<bool>,
    reason: Option<String>,
    duration_ms: Option<i64>,
    env: String,
}

/// What becomes of missed slots, and of those that come while an earlier one runs.
#[derive(ToSchema)]
pub(crate) struct CronPolicy {
    /// `skip`, `once` or `all`.
    missed: String,
    within_s: Option<u64>,
    max: Option<u16>,
    /// `forbid` or `allow`.
    overlap: String,
}

/// Rows of the log, newest first.
#[derive(ToSchema)]
pub(crate) struct CronHistory {
    runs: Vec<CronRun>,
}

/// One firing, or one that was missed.
#[derive(ToSchema)]
pub(crate) struct CronRun {
    id: String,
    job: String,
    slot: Option<String>,
    fired_at: String,
    env: String,
    /// `running`, `ok`, `failed`, `missed` or `abandoned`.
    status: String,
    ok: Option<bool>,
    reason: Option<String>,
    duration_ms: Option<i64>,
    /// `schedule`, `call` or `forced`.
    origin: Option<String>,
    epoch: Option<i64>,
    steps: Vec<CronStep>,
}

/// What a step answered.
#[derive(ToSchema)]
pub(crate) struct CronStep {
    at: String,
    optional: bool,
    envelope: super::Envelope,
}
