//! What a person's answer about its messages means for a whole campaign: a no ends it, silence holds it.

use serde_json::json;

use super::Campaigns;
use super::people::take_back;
use super::store::{self, CampaignRow};
use crate::safari::campaign::{CampaignStatus, Progress, Report, apply};
use crate::safari::decision::DmGroupApproval;
use crate::store::Db;
use crate::{Event, Result, Timestamp, events};

const REFUSED: &str = "a person refused it";
const LAPSED: &str = "nobody agreed to its messages in time: resume it to be asked again";

/// Why a campaign does not go on, as far as it is about a person's answer.
pub(super) const fn reason(said: Option<DmGroupApproval>) -> Option<&'static str> {
    match said {
        Some(DmGroupApproval::Denied) => Some(REFUSED),
        Some(DmGroupApproval::Lapsed) => Some(LAPSED),
        _ => None,
    }
}

impl Campaigns {
    /// Ends or holds a campaign as its answer demands; says whether it may go on.
    pub(super) async fn heed(&self, campaign: &CampaignRow, said: Option<DmGroupApproval>, now: Timestamp) -> Result<bool> {
        let next = match (said, campaign.status) {
            (Some(DmGroupApproval::Denied), _) => CampaignStatus::Cancelled,
            (Some(DmGroupApproval::Lapsed), CampaignStatus::Running) => CampaignStatus::Paused,
            (Some(DmGroupApproval::Lapsed), _) => return Ok(false),
            _ => return Ok(true),
        };
        let (campaign, why) = (campaign.clone(), reason(said));
        self.store.write(move |mut db| Box::pin(async move { settle(&mut db, &campaign, next, why, now).await })).await?;
        Ok(false)
    }
}

async fn settle(db: &mut Db<'_>, campaign: &CampaignRow, next: CampaignStatus, why: Option<&str>, now: Timestamp) -> Result<()> {
    let mut rows = store::targets(db, &campaign.id).await?;
    if next == CampaignStatus::Cancelled {
        // The queue's rows before the targets', as everywhere.
        for row in rows.iter_mut().filter(|row| !row.target.state.is_terminal()) {
            apply(&mut row.target, &Report::CampaignRefused, now);
            take_back(db, row, now).await?;
        }
        for row in rows.iter().filter(|row| row.has_changed()) {
            if !store::move_on(db, &campaign.id, row, now).await? {
                return Ok(());
            }
        }
    }
    let targets: Vec<_> = rows.into_iter().map(|row| row.target).collect();
    if store::set_status(db, campaign, next, Progress::of(&targets), now).await? {
        let kind = if next == CampaignStatus::Cancelled { "safari.campaign_cancelled" } else { "safari.campaign_paused" };
        events::append(db, &Event::new(now, kind, campaign.id.clone()).with_data(json!({"reason": why}))).await?;
    }
    Ok(())
}
