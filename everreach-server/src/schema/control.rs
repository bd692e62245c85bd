//! Shapes of money, approvals, keys, the stop switch, probes and refusals.

use utoipa::ToSchema;

/// Where the month stands; all amounts in US dollars.
#[derive(ToSchema)]
pub(crate) struct MonthlyCost {
    /// `YYYY-MM` in the configured zone.
    month: String,
    total_usd: f64,
    reserved_usd: f64,
    /// The essential part of the total.
    essential_usd: f64,
    remaining_usd: f64,
    cap_usd: f64,
    soft_cap_usd: f64,
    /// Whether the total has reached the soft cap.
    warning: bool,
    /// Whether the total has reached the cap.
    exceeded: bool,
    forecast_usd: f64,
    by_service: Vec<ServiceCost>,
}

/// What one action cost.
#[derive(ToSchema)]
pub(crate) struct ServiceCost {
    service: String,
    action: String,
    calls: u64,
    cost_usd: f64,
}

/// Where a journaled call stands; `unknown` is held.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum CallState {
    Running,
    Waiting,
    Executed,
    NotExecuted,
    Unknown,
    Queued,
}

/// Journaled calls in one state.
#[derive(ToSchema)]
pub(crate) struct Calls {
    #[schema(value_type = Vec<Object>)]
    calls: Vec<serde_json::Value>,
}

/// What a person says about a held call.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Happened,
    DidNotHappen,
}

/// What waits for a person.
#[derive(ToSchema)]
pub(crate) struct Approvals {
    #[schema(value_type = Vec<Object>)]
    approvals: Vec<serde_json::Value>,
}

/// A request that a person agreed to.
#[derive(ToSchema)]
pub(crate) struct Approved {
    id: String,
    state: String,
    /// The answer of a call.
    envelope: Option<super::Envelope>,
    /// How many of Safari's commands may go.
    commands: Option<u64>,
}

/// A request that a person refused.
#[derive(ToSchema)]
pub(crate) struct Denied {
    id: String,
    state: String,
    /// How many of Safari's commands were cancelled.
    commands: Option<u64>,
}

/// The stop switch.
#[derive(ToSchema)]
pub(crate) struct StopState {
    stopped: bool,
    /// Since when.
    #[schema(required = true)]
    since: Option<String>,
    #[schema(required = true)]
    reason: Option<String>,
}

/// What the holder of a key may do.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum Scope {
    Read,
    Dispatch,
    Operate,
    Admin,
}

/// The stored keys, without the secrets.
#[derive(ToSchema)]
pub(crate) struct Keys {
    #[schema(value_type = Vec<Object>)]
    keys: Vec<serde_json::Value>,
}

/// A key that was just made.
#[derive(ToSchema)]
pub(crate) struct NewKey {
    id: String,
    name: String,
    scopes: Vec<Scope>,
    /// In clear, this once.
    key: String,
}

/// How a process is doing; the first fields are those of a local or hybrid one, the later ones those of one in the cloud.
#[derive(ToSchema)]
pub(crate) struct Health {
    /// cloud, local or hybrid.
    env: String,
    online: Option<bool>,
    offline_mode: Option<bool>,
    #[schema(value_type = Option<Object>)]
    services: Option<serde_json::Value>,
    replicas: Option<u32>,
    actions_routed_today: Option<u64>,
    cost_today_usd: Option<f64>,
    uptime_sec: u64,
    status: String,
    /// A random id of this process, another one in each run.
    instance: String,
    /// A random id of its database: two processes that show the same one use the same database.
    database: String,
    /// Whether this process fires jobs and works through the queue, of a pair.
    leads: bool,
}

/// The answer of a probe.
#[derive(ToSchema)]
pub(crate) struct Probe {
    /// ok or `not_ready`.
    status: String,
    /// Each check by its name, when asked for.
    #[schema(value_type = Option<Object>)]
    checks: Option<serde_json::Value>,
}

/// The state of every part.
#[derive(ToSchema)]
pub(crate) struct Status {
    env: String,
    version: String,
    started_at: String,
    uptime_sec: u64,
    stop: StopState,
    worker: String,
    #[schema(value_type = Object)]
    database: serde_json::Value,
    #[schema(value_type = Object)]
    cloud: serde_json::Value,
    #[schema(value_type = Object)]
    redis: serde_json::Value,
    #[schema(value_type = Object)]
    bus: serde_json::Value,
    failover: super::FailoverState,
    state: serde_json::Value,
    cost: MonthlyCost,
    #[schema(value_type = Object)]
    calls: serde_json::Value,
    #[schema(value_type = Object)]
    approvals: serde_json::Value,
    #[schema(value_type = Object)]
    schedule: serde_json::Value,
}

/// Alerts that were passed on.
#[derive(ToSchema)]
pub(crate) struct Notified {
    ok: bool,
    alerts: u64,
}

/// A refusal or failure (RFC 9457).
#[derive(ToSchema)]
pub(crate) struct Problem {
    #[schema(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    detail: String,
    /// The stable word.
    code: String,
    request_id: String,
    /// The parts of the body that are wrong.
    errors: Option<Vec<FieldError>>,
}

/// One part of a body that is wrong.
#[derive(ToSchema)]
pub(crate) struct FieldError {
    /// A JSON pointer into the body.
    pointer: String,
    detail: String,
}
