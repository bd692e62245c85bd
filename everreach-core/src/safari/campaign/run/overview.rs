//! What is shown of a campaign.

use serde::Serialize;

use super::store::CampaignRow;
use crate::Timestamp;
use crate::safari::Platform;
use crate::safari::campaign::{CampaignKind, CampaignStatus, Progress, Target};

/// A campaign and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CampaignOverview {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub kind: CampaignKind,
    /// Where.
    pub platform: Platform,
    /// Where it stands.
    pub status: CampaignStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was over.
    pub completed_at: Option<Timestamp>,
    /// How many targets stand where.
    pub progress: Progress,
}

/// A campaign with its targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CampaignDetail {
    /// The campaign.
    #[serde(flatten)]
    pub overview: CampaignOverview,
    /// Its targets, by name.
    pub targets: Vec<Target>,
}

impl CampaignDetail {
    pub(super) fn of(row: CampaignRow, targets: Vec<Target>) -> Self {
        let overview = CampaignOverview {
            id: row.id,
            kind: row.plan.kind,
            platform: row.plan.platform,
            status: row.status,
            started_at: row.started_at,
            completed_at: row.completed_at,
            progress: Progress::of(&targets),
        };
        Self { overview, targets }
    }
}
