//! Shapes of Safari's queue.

use utoipa::ToSchema;

/// Where a command stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum SafariStatusWord {
    Pending,
    Running,
    Completed,
    Failed,
    Cancelled,
}

/// What a person says about a command whose outcome is unknown.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum SafariVerdict {
    Happened,
    Retry,
    Drop,
}

/// A command that was written, or was known.
#[derive(ToSchema)]
pub(crate) struct SafariEnqueued {
    id: String,
    status: SafariStatusWord,
    /// false when the idempotency key was known.
    created: bool,
    /// The campaign or batch that a person has to agree to.
    waits_for: Option<String>,
}

/// A command with where it stands.
#[derive(ToSchema)]
pub(crate) struct SafariCommand {
    id: String,
    action: String,
    #[schema(required = true)]
    platform: Option<String>,
    #[schema(value_type = Object)]
    params: serde_json::Value,
    priority: i32,
    status: SafariStatusWord,
    #[schema(required = true)]
    scheduled_for: Option<String>,
    retry_count: u32,
    #[schema(required = true)]
    next_retry_at: Option<String>,
    #[schema(required = true)]
    campaign_id: Option<String>,
    #[schema(required = true)]
    batch_id: Option<String>,
    #[schema(required = true)]
    worker_id: Option<String>,
    #[schema(required = true, value_type = Option<Object>)]
    result: Option<serde_json::Value>,
    #[schema(required = true)]
    error: Option<String>,
    created_at: String,
    updated_at: String,
    /// sent, `sent_unverified`, duplicate, refused, unknown; by a person's word happened or dropped.
    #[schema(required = true)]
    outcome: Option<String>,
    /// How often it was tried.
    attempts: u32,
    /// Why it is where it is, in one sentence.
    why: String,
}

/// A page of commands.
#[derive(ToSchema)]
pub(crate) struct SafariCommands {
    commands: Vec<SafariCommand>,
    /// The cursor of the next page.
    #[schema(required = true)]
    next: Option<String>,
}

/// One try of a command.
#[derive(ToSchema)]
pub(crate) struct SafariTry {
    number: u32,
    worker_id: String,
    #[schema(required = true)]
    service: Option<String>,
    started_at: String,
    /// When the request was about to leave; without it nothing left.
    #[schema(required = true)]
    dispatched_at: Option<String>,
    #[schema(required = true)]
    finished_at: Option<String>,
    #[schema(required = true)]
    verdict: Option<String>,
    #[schema(required = true)]
    reason: Option<String>,
    #[schema(required = true)]
    detail: Option<String>,
    #[schema(required = true, value_type = Option<Object>)]
    answer: Option<serde_json::Value>,
}

/// A command with its tries.
#[derive(ToSchema)]
pub(crate) struct SafariCommandDetail {
    #[schema(inline)]
    #[serde(flatten)]
    command: SafariCommand,
    tries: Vec<SafariTry>,
}

/// Commands that are tried again.
#[derive(ToSchema)]
pub(crate) struct SafariRetried {
    retried: Vec<String>,
}

/// So many an hour, so many a day; null for no limit.
#[derive(ToSchema)]
pub(crate) struct SafariLimit {
    #[schema(required = true)]
    per_hour: Option<u32>,
    #[schema(required = true)]
    per_day: Option<u32>,
}

/// What has been used, in hours and days of UTC.
#[derive(ToSchema)]
pub(crate) struct SafariUsage {
    this_hour: u32,
    today: u32,
}

/// A limit and what has been used of it.
#[derive(ToSchema)]
pub(crate) struct SafariLimitUsage {
    platform: String,
    action: String,
    /// The platform whose account it shares: what both do is counted together. null for an account of its own.
    #[schema(required = true)]
    counts_with: Option<String>,
    limit: SafariLimit,
    used: SafariUsage,
    /// Until when the account goes at half its rate after a sign-in, which the limit says; null at its full one.
    #[schema(required = true)]
    half_rate_until: Option<String>,
}

/// The limit over all accounts, and what has been used of it.
#[derive(ToSchema)]
pub(crate) struct SafariCombinedUsage {
    limit: SafariLimit,
    used: SafariUsage,
}

/// When counting begins anew.
#[derive(ToSchema)]
pub(crate) struct SafariResets {
    hour: String,
    day: String,
}

/// Every limit.
#[derive(ToSchema)]
pub(crate) struct SafariRateLimits {
    limits: Vec<SafariLimitUsage>,
    combined: SafariCombinedUsage,
    resets_at: SafariResets,
}

/// A service and how it is.
#[derive(ToSchema)]
pub(crate) struct SafariService {
    service: String,
    /// healthy, down or timeout.
    status: String,
    #[schema(required = true)]
    response_ms: Option<u64>,
    detail: String,
    checked_at: String,
    port: u16,
    url: String,
    #[schema(required = true)]
    platform: Option<String>,
    #[schema(required = true)]
    action: Option<String>,
    has_token: bool,
    /// What else to look at when it is not well.
    hint: Option<String>,
}

/// The nine services.
#[derive(ToSchema)]
pub(crate) struct SafariServices {
    services: Vec<SafariService>,
}

/// A stop of an account, or of one kind of action on it.
#[derive(ToSchema)]
pub(crate) struct SafariHalt {
    account: String,
    #[schema(required = true)]
    action: Option<String>,
    cause: String,
    since: String,
    /// null until a person lifts it.
    #[schema(required = true)]
    until: Option<String>,
}

/// The stops that hold.
#[derive(ToSchema)]
pub(crate) struct SafariHalts {
    halts: Vec<SafariHalt>,
}

/// Stops that were ended.
#[derive(ToSchema)]
pub(crate) struct SafariLifted {
    lifted: u64,
    /// The stops of the account that hold still: one that was signed out rests for a day.
    halts: Vec<SafariHalt>,
}

/// How many commands stand somewhere.
#[derive(ToSchema)]
pub(crate) struct SafariDepth {
    #[schema(required = true)]
    platform: Option<String>,
    status: SafariStatusWord,
    is_unknown: bool,
    commands: u64,
}

/// Commands by where they stand; unknown is a part of failed.
#[derive(ToSchema)]
pub(crate) struct SafariCounts {
    pending: u64,
    running: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    unknown: u64,
}

/// A campaign or batch that waits for a person.
#[derive(ToSchema)]
pub(crate) struct SafariWaitingGroup {
    id: String,
    dms: u32,
    requested_at: String,
    expires_at: String,
}

/// The queue at a glance.
#[derive(ToSchema)]
pub(crate) struct SafariStatus {
    stopped: bool,
    commands: SafariCounts,
    depth: Vec<SafariDepth>,
    #[schema(required = true)]
    oldest_pending_s: Option<f64>,
    /// The share of finished commands that were completed, 0 to 1.
    #[schema(required = true)]
    completion_rate: Option<f64>,
    /// How many commands another program on the same table failed because it does not know them.
    rejected_elsewhere: u64,
    limits: Vec<SafariLimitUsage>,
    combined: SafariCombinedUsage,
    halts: Vec<SafariHalt>,
    approvals: Vec<SafariWaitingGroup>,
    services: Vec<SafariService>,
}

/// Somebody who is never written to.
#[derive(ToSchema)]
pub(crate) struct SafariDenial {
    /// null for every platform.
    #[schema(required = true)]
    platform: Option<String>,
    handle: String,
    reason: String,
    since: String,
}

/// Everybody who is never written to.
#[derive(ToSchema)]
pub(crate) struct SafariDenyList {
    denied: Vec<SafariDenial>,
    /// The file of the settings; null when none is named.
    #[schema(required = true)]
    file: Option<SafariDenyListFile>,
}

/// The file of people who are never written to.
#[derive(ToSchema)]
pub(crate) struct SafariDenyListFile {
    path: String,
    /// Its entries: `platform:name`, or a name for every platform.
    people: Vec<String>,
}

/// Somebody who was put on the list.
#[derive(ToSchema)]
pub(crate) struct SafariDenied {
    #[schema(required = true)]
    platform: Option<String>,
    handle: String,
    /// How many commands were taken back.
    cancelled: u64,
    /// How many targets of campaigns are over.
    targets: u64,
}

/// Somebody who was taken off the list.
#[derive(ToSchema)]
pub(crate) struct SafariAllowed {
    #[schema(required = true)]
    platform: Option<String>,
    handle: String,
    /// Whether they were on it.
    removed: bool,
}

/// What a run has come to, in commands.
#[derive(ToSchema)]
pub(crate) struct SafariRun {
    /// Claimed and ended: completed, failed, unknown and rescheduled together.
    executed: u32,
    completed: u32,
    /// Not done, and not tried again by themselves.
    failed: u32,
    /// Held for a person.
    unknown: u32,
    /// Wait for another try.
    rescheduled: u32,
}
