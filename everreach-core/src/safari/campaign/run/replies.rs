//! Looking for replies before anything is asked for.

use std::time::Duration;

use super::Campaigns;
use super::store::{CampaignRow, TargetRow};
use crate::safari::campaign::{CampaignStatus, TargetState, advance};
use crate::safari::inbox::Unread;
use crate::safari::{Contact, Platform};
use crate::{Result, Timestamp};

/// How often an inbox is looked into when nothing is due.
const LOOK_EVERY: Duration = Duration::from_secs(3_600);
/// How long Safari is held for it at most.
const HOLD: Duration = Duration::from_secs(60);

/// What was found.
pub(super) enum Replies {
    /// Nothing had to be looked for, or it could not be told.
    None,
    /// Safari was in use.
    Unknown,
    /// The unread conversations.
    Found(Unread),
}

impl Replies {
    pub(super) fn has(&self, contact: &Contact, shown_name: Option<&str>) -> bool {
        let is_theirs = |unread: &Unread| unread.is_from(contact) || shown_name.is_some_and(|name| unread.is_shown_as(name));
        matches!(self, Self::Found(unread) if is_theirs(unread))
    }

    pub(super) const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

/// Whether the target may have something to reply to.
pub(super) fn is_written_to(row: &TargetRow) -> bool {
    matches!(row.target.state, TargetState::DmSent | TargetState::AwaitingReply)
}

/// Whether somebody who was written to is about to be written to again, or given up.
fn is_due(campaign: &CampaignRow, rows: &[TargetRow], now: Timestamp) -> bool {
    rows.iter().filter(|row| is_written_to(row)).any(|row| {
        let mut target = row.target.clone();
        let steps = advance(&mut target, &campaign.plan, campaign.status, now);
        !steps.is_empty() || target.state.is_terminal()
    })
}

impl Campaigns {
    /// Looks right before a next message or the end of a target, otherwise once an hour. An inbox that cannot be read holds nothing up:
    /// some services cannot show theirs.
    pub(super) async fn look_for_replies(&self, campaign: &CampaignRow, rows: &[TargetRow], now: Timestamp) -> Result<Replies> {
        let platform = campaign.plan.platform;
        let Some(inbox) = &self.inbox else { return Ok(Replies::None) };
        let is_running = campaign.status == CampaignStatus::Running;
        if !is_running || !rows.iter().any(is_written_to) || !(is_due(campaign, rows, now) || self.is_time_to_look(platform)) {
            return Ok(Replies::None);
        }
        let Some(hold) = self.queue.hold_browser("inbox", now + HOLD).await? else { return Ok(Replies::Unknown) };
        let seen = tokio::time::timeout(HOLD, inbox.unread(platform)).await;
        self.queue.return_browser(hold).await?;
        self.looked(platform);
        match seen {
            Ok(Ok(unread)) => Ok(Replies::Found(unread)),
            Ok(Err(error)) => {
                tracing::warn!(%error, %platform, "the inbox cannot be read");
                Ok(Replies::None)
            }
            Err(_) => {
                tracing::warn!(%platform, "the inbox did not answer in time");
                Ok(Replies::None)
            }
        }
    }

    fn is_time_to_look(&self, platform: Platform) -> bool {
        let now = self.clock.monotonic();
        let looks = self.looks.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        looks.get(&platform).is_none_or(|last| now.saturating_sub(*last) >= LOOK_EVERY)
    }

    fn looked(&self, platform: Platform) {
        let now = self.clock.monotonic();
        self.looks.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(platform, now);
    }
}
