//! Shapes of shared state on its way between the sides.

use utoipa::ToSchema;

/// One version of a document, its payload sealed.
#[derive(ToSchema)]
pub(crate) struct SealedDocument {
    /// `crm_stats`, pipeline, workflow, `feedback_strategy` or `batch_content`.
    kind: String,
    key: String,
    id: String,
    number: i64,
    /// The version it was made from.
    base: Option<String>,
    /// The database in which it was made.
    node: String,
    /// cloud or local.
    side: String,
    updated_at: String,
    /// The key's name, a colon, and base64 of nonce, text and tag.
    sealed: String,
}

/// Versions that the local side sends, 200 at most.
#[derive(ToSchema)]
pub(crate) struct StatePush {
    batch_id: String,
    node: String,
    items: Vec<SealedDocument>,
}

/// What became of a version.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum StatePushOutcome {
    Applied,
    Unchanged,
    Overruled,
    Stale,
    Refused,
}

/// The newest version that the cloud has had from a database.
#[derive(ToSchema)]
pub(crate) struct StateSeen {
    id: String,
    number: i64,
}

/// What the cloud says about one version.
#[derive(ToSchema)]
pub(crate) struct StatePushResult {
    id: String,
    outcome: StatePushOutcome,
    /// The cloud's version, where that is another one.
    current: Option<SealedDocument>,
    seen: Option<StateSeen>,
    /// Why it was refused.
    error: Option<String>,
}

/// One result for each version, in order.
#[derive(ToSchema)]
pub(crate) struct StatePushAnswer {
    batch_id: String,
    results: Vec<StatePushResult>,
}

/// One document of a page.
#[derive(ToSchema)]
pub(crate) struct StatePageItem {
    document: SealedDocument,
    seen: Option<StateSeen>,
    cursor: String,
}

/// What changed in the cloud.
#[derive(ToSchema)]
pub(crate) struct StatePage {
    items: Vec<StatePageItem>,
    next: String,
    has_more: bool,
}
