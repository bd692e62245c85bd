//! The shapes of answers for the OpenAPI document, where the types themselves live in the core and know nothing of it.
//!
//! Nothing here is ever built; a test compares each shape with what the real type prints.

#![allow(dead_code, reason = "the fields only exist to be described")]

use utoipa::ToSchema;

/// The answer to one call.
#[derive(ToSchema)]
pub(crate) struct Envelope {
    /// Whether the action ran and succeeded.
    ok: bool,
    /// The action's name; an alias is replaced by what it stands for.
    action: String,
    /// What the action returned.
    #[schema(value_type = Value, required = true)]
    result: Option<serde_json::Value>,
    /// The stable word of a failure.
    #[schema(required = true)]
    error: Option<String>,
    /// The sentence that goes with it.
    #[schema(required = true)]
    detail: Option<String>,
    /// Where the result came from; null when nothing ran.
    #[schema(required = true)]
    source: Option<Source>,
    /// What became of the call.
    outcome: Outcome,
    /// Whether this is the stored answer to an earlier call with the same key.
    replayed: bool,
    /// How many tries were made.
    attempts: u32,
    /// Time from accepting the call to this answer, in milliseconds.
    duration_ms: f64,
    /// What was booked for the call, US dollars.
    cost_usd: f64,
    /// Whether the budget changed the decision.
    cost_guard_triggered: bool,
    /// An older answer, offered while offline.
    #[schema(required = true)]
    cached: Option<CachedResult>,
    /// The key under which the call is journaled, if it is.
    #[schema(required = true)]
    idempotency_key: Option<String>,
    /// The id that logs and events carry.
    request_id: String,
    /// What to do next, or the nearest names of an unknown action.
    suggestions: Vec<String>,
}

/// Where a result came from.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Source {
    Local,
    Cloud,
    LocalFallback,
    Cache,
}

/// What became of a call.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Executed,
    NotExecuted,
    Unknown,
    Queued,
}

/// An older answer.
#[derive(ToSchema)]
pub(crate) struct CachedResult {
    /// How old it is, in whole seconds.
    age_s: u64,
    /// The answer as it was.
    result: serde_json::Value,
}

/// The envelope as the service registry's callers know it: with the topic.
#[derive(ToSchema)]
pub(crate) struct ServiceAnswer {
    /// The whole action name.
    topic: String,
    #[serde(flatten)]
    envelope: Envelope,
}

/// The answers to a batch.
#[derive(ToSchema)]
pub(crate) struct BatchAnswer {
    /// The envelopes, in the order of the calls.
    results: Vec<Envelope>,
    /// How many succeeded.
    ok: u64,
    /// How many did not.
    failed: u64,
    /// How long the whole took, in milliseconds.
    duration_ms: f64,
}

/// What can be called.
#[derive(ToSchema)]
pub(crate) struct Services {
    services: Vec<Service>,
}

/// A service and its topics.
#[derive(ToSchema)]
pub(crate) struct Service {
    name: String,
    topics: Vec<Topic>,
}

/// One action.
#[derive(ToSchema)]
pub(crate) struct Topic {
    /// The word after the dot.
    name: String,
    /// What running it does: read, compute, write, outward or process.
    effect: String,
    /// The kind of work: compute or api.
    class: String,
    /// Whether it passes the monthly cap.
    essential: bool,
    /// What one call in the cloud costs; null when nobody stated it.
    #[schema(required = true)]
    cost_usd: Option<f64>,
    /// What it does, in a few words.
    description: String,
}

/// A decision laid open.
#[derive(ToSchema)]
pub(crate) struct Explanation {
    action: String,
    decision: ExplainedDecision,
    /// What running it does.
    effect: String,
    /// The kind of work.
    class: String,
    /// What it would cost.
    cost_usd: f64,
    /// What a call would do now, in one sentence.
    would: String,
}

/// The decision part of an explanation.
#[derive(ToSchema)]
pub(crate) struct ExplainedDecision {
    /// The side; null when the call would be refused.
    #[schema(required = true)]
    env: Option<String>,
    /// The rule that settled it.
    reason: String,
    /// Every rule that was weighed, in order.
    rules: Vec<RuleVerdict>,
}

/// What one rule said.
#[derive(ToSchema)]
pub(crate) struct RuleVerdict {
    rule: String,
    /// pass, choose or refuse.
    verdict: String,
    detail: String,
}

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
    envelope: Envelope,
}

/// A request that a person refused.
#[derive(ToSchema)]
pub(crate) struct Denied {
    id: String,
    state: String,
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
    #[schema(value_type = Object)]
    database: serde_json::Value,
    #[schema(value_type = Object)]
    cloud: serde_json::Value,
    cost: MonthlyCost,
    #[schema(value_type = Object)]
    calls: serde_json::Value,
    #[schema(value_type = Object)]
    approvals: serde_json::Value,
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
