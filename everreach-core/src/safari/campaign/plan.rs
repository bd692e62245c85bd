//! What is done with each target.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CampaignKind, Touch};
use crate::safari::{LimitedAction, Platform, Service, Verb};
use crate::{Error, ErrorKind, Result};

const HOUR: Duration = Duration::from_secs(3_600);

/// What is done with each target, and how long is waited in between.
///
/// ```
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::campaign::{CampaignKind, CampaignPlan};
/// let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter)?;
/// assert_eq!((plan.comments, plan.after_comments.as_secs(), plan.before_next_dm.as_secs()), (3, 24 * 3600, 72 * 3600));
/// assert_eq!(plan.planned_dms(4), 12);
/// assert!(CampaignPlan::new(CampaignKind::DmSequence, Platform::Threads).is_err(), "no messages there");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CampaignPlan {
    /// What it is for.
    pub kind: CampaignKind,
    /// Where.
    pub platform: Platform,
    /// How many posts of a target are commented on.
    pub comments: usize,
    /// How long after the last comment the first message follows.
    pub after_comments: Duration,
    /// How long after a message without a reply the next one follows, or the target goes cold.
    pub before_next_dm: Duration,
    /// The messages, in order.
    pub touches: Vec<Touch>,
}

impl CampaignPlan {
    /// The usual plan: three comments, 24 hours, a message, and after 72 hours each a follow-up and a last one.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when no service does this on the platform.
    pub fn new(kind: CampaignKind, platform: Platform) -> Result<Self> {
        let has = |action| Service::for_action(platform, action).is_some();
        let possible = match kind {
            CampaignKind::CommentWarmup => has(LimitedAction::Comment),
            CampaignKind::DmSequence => has(LimitedAction::Dm),
            CampaignKind::ResearchSweep => platform != Platform::Linkedin,
        };
        if !possible {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "no service does this campaign on this platform; choose another one",
            )
            .with("campaign", kind)
            .with("platform", platform)
            .with("needs", verb_of(kind)));
        }
        let comments = if kind != CampaignKind::ResearchSweep && has(LimitedAction::Comment) { 3 } else { 0 };
        let touches = if kind == CampaignKind::DmSequence { Touch::ALL.to_vec() } else { Vec::new() };
        Ok(Self { kind, platform, comments, after_comments: 24 * HOUR, before_next_dm: 72 * HOUR, touches })
    }

    /// How many messages it may send to so many targets, for the question whether a person has to agree.
    #[must_use]
    pub fn planned_dms(&self, targets: usize) -> usize {
        self.touches.len().saturating_mul(targets)
    }

    /// The message after this one; the first when there was none.
    pub(super) fn next_touch(&self, last: Option<Touch>) -> Option<Touch> {
        match last {
            None => self.touches.first().copied(),
            Some(last) => {
                let mut after = self.touches.iter().skip_while(|touch| **touch != last);
                after.next();
                after.next().copied()
            }
        }
    }
}

const fn verb_of(kind: CampaignKind) -> &'static str {
    match kind {
        CampaignKind::CommentWarmup => Verb::Comment.as_str(),
        CampaignKind::DmSequence => Verb::SendDm.as_str(),
        CampaignKind::ResearchSweep => Verb::MarketResearch.as_str(),
    }
}
