//! Shapes of Safari's campaigns.

use utoipa::ToSchema;

/// What a campaign is for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SafariCampaignKind {
    CommentWarmup,
    DmSequence,
    ResearchSweep,
}

/// The words of a campaign; {handle} and {platform} are filled in.
#[derive(ToSchema)]
pub(crate) struct SafariTemplates {
    /// Taken in turn.
    comments: Option<Vec<String>>,
    first_dm: Option<String>,
    follow_up: Option<String>,
    final_touch: Option<String>,
}

/// Where a campaign stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub(crate) enum SafariCampaignStatus {
    Running,
    Paused,
    Cancelled,
    Completed,
}

/// How many targets stand where.
#[derive(ToSchema)]
pub(crate) struct SafariCampaignProgress {
    total: u64,
    completed: u64,
    failed: u64,
    /// Wait for a person.
    held: u64,
}

/// A campaign and how far it is.
#[derive(ToSchema)]
pub(crate) struct SafariCampaign {
    id: String,
    kind: SafariCampaignKind,
    platform: String,
    status: SafariCampaignStatus,
    started_at: String,
    #[schema(required = true)]
    completed_at: Option<String>,
    /// Why it does not go on, where a person's answer about its messages is the reason.
    #[schema(required = true)]
    reason: Option<String>,
    progress: SafariCampaignProgress,
}

/// Every campaign.
#[derive(ToSchema)]
pub(crate) struct SafariCampaigns {
    campaigns: Vec<SafariCampaign>,
}

/// A target and what has happened to it.
#[derive(ToSchema)]
pub(crate) struct SafariTarget {
    handle: String,
    /// queued, warmup, `dm_sent`, `awaiting_reply`, replied, cold, done or failed.
    state: String,
    posts: Vec<String>,
    /// none, asked or answered.
    search: String,
    comments_settled: Vec<u64>,
    comments_posted: u64,
    #[schema(required = true)]
    last_comment_at: Option<String>,
    /// The last message: `first_dm`, `follow_up` or `final_touch`.
    #[schema(required = true)]
    touch: Option<String>,
    /// The name under which the platform showed them when they were written to.
    #[schema(required = true)]
    shown_name: Option<String>,
    is_touch_open: bool,
    #[schema(required = true)]
    last_dm_at: Option<String>,
    /// Why it waits for a person.
    #[schema(required = true)]
    held: Option<String>,
    /// Why it is over.
    #[schema(required = true)]
    reason: Option<String>,
}

/// A campaign that was asked for.
#[derive(ToSchema)]
pub(crate) struct SafariStartedCampaign {
    #[serde(flatten)]
    campaign: SafariCampaign,
    /// Whether it is new; false when its key was known.
    created: bool,
    /// The campaign itself when it waits for a person: what to approve.
    waits_for: Option<String>,
}

/// A campaign with its targets.
#[derive(ToSchema)]
pub(crate) struct SafariCampaignDetail {
    #[serde(flatten)]
    campaign: SafariCampaign,
    targets: Vec<SafariTarget>,
}
