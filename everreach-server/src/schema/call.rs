//! Shapes of calls and decisions.

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
