//! How far a campaign is.

use serde::Serialize;

use super::{CampaignStatus, Target, TargetState};

/// How many targets stand where, as `safari_campaign_runs` keeps it.
///
/// ```
/// use everreach_core::safari::campaign::{CampaignStatus, Progress, Target, TargetState};
/// let mut targets = [Target::new("a"), Target::new("b")];
/// targets[0].state = TargetState::Replied;
/// let progress = Progress::of(&targets);
/// assert_eq!((progress.total, progress.completed, progress.failed), (2, 1, 0));
/// assert_eq!(progress.status(CampaignStatus::Running), CampaignStatus::Running);
/// targets[1].state = TargetState::Failed;
/// assert_eq!(Progress::of(&targets).status(CampaignStatus::Running), CampaignStatus::Completed);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Progress {
    /// All of them.
    pub total: usize,
    /// Replied, cold or done.
    pub completed: usize,
    /// Could not be reached.
    pub failed: usize,
    /// Held for a person.
    pub held: usize,
}

impl Progress {
    /// Counts.
    #[must_use]
    pub fn of(targets: &[Target]) -> Self {
        let mut progress = Self { total: targets.len(), ..Self::default() };
        for target in targets {
            match target.state {
                TargetState::Failed => progress.failed += 1,
                state if state.is_terminal() => progress.completed += 1,
                _ => progress.held += usize::from(target.held.is_some()),
            }
        }
        progress
    }

    /// The campaign's status: a running one is completed when every target is finished.
    #[must_use]
    pub fn status(&self, status: CampaignStatus) -> CampaignStatus {
        let is_finished = self.completed + self.failed == self.total;
        if status == CampaignStatus::Running && is_finished { CampaignStatus::Completed } else { status }
    }
}
