//! What is shown of a campaign.

use serde::Serialize;

use super::approval::reason;
use super::store::CampaignRow;
use crate::Timestamp;
use crate::safari::Platform;
use crate::safari::campaign::{CampaignKind, CampaignStatus, Progress, Target};
use crate::safari::decision::{DmGroupApproval, needs_approval};

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
    /// Why it does not go on, where a person's answer is the reason.
    pub reason: Option<&'static str>,
    /// How many targets stand where.
    pub progress: Progress,
}

/// A campaign that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StartedCampaign {
    /// The campaign as it is now.
    #[serde(flatten)]
    pub overview: CampaignOverview,
    /// Whether it is new; `false` when its key was known.
    pub created: bool,
    /// The group that waits for a person, which is the campaign; none when it may send at most 10 messages, or was started before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
}

impl StartedCampaign {
    pub(super) const fn known(overview: CampaignOverview) -> Self {
        Self { overview, created: false, waits_for: None }
    }

    pub(super) fn created(overview: CampaignOverview, dms: u32) -> Self {
        let waits_for = needs_approval(dms).then(|| overview.id.clone());
        Self { overview, created: true, waits_for }
    }
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
    pub(super) fn of(row: CampaignRow, targets: Vec<Target>, said: Option<DmGroupApproval>) -> Self {
        let overview = CampaignOverview {
            id: row.id,
            kind: row.plan.kind,
            platform: row.plan.platform,
            status: row.status,
            started_at: row.started_at,
            completed_at: row.completed_at,
            reason: reason(said),
            progress: Progress::of(&targets),
        };
        Self { overview, targets }
    }
}
