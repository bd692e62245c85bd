//! What a campaign asks the queue for.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CampaignPlan, posts_keyword};
use crate::Timestamp;
use crate::safari::Command;

/// How many posts a search asks for; TikTok takes 15 s for each.
const POSTS: u32 = 10;

/// Which message it is.
///
/// ```
/// assert_eq!(everreach_core::safari::campaign::Touch::FollowUp.as_str(), "follow_up");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Touch {
    /// The first.
    FirstDm,
    /// The one after no reply.
    FollowUp,
    /// The last; then the target is cold.
    FinalTouch,
}

impl Touch {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::FirstDm, Self::FollowUp, Self::FinalTouch];

    /// The word for it in keys and templates.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstDm => "first_dm",
            Self::FollowUp => "follow_up",
            Self::FinalTouch => "final_touch",
        }
    }
}

impl fmt::Display for Touch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that a campaign asks the queue for. Each is asked for once per target.
///
/// ```
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, Step, Touch};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter)?;
/// let step = Step::Dm { touch: Touch::FirstDm };
/// assert_eq!(step.key("c1", "Bob"), "campaign:c1:bob:first_dm");
/// let command = step.command(&plan, "c1", "bob", Some("hello"), now);
/// assert_eq!((command.action.as_str(), command.campaign_id.as_deref()), ("send_dm", Some("c1")));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// Searches for posts of the target.
    FindPosts,
    /// Searches for the target, which is a keyword.
    Search,
    /// Comments on one of the posts.
    Comment {
        /// Which comment it is, from 0 on.
        index: usize,
        /// The post.
        post_url: String,
    },
    /// Sends one of the messages.
    Dm {
        /// Which one.
        touch: Touch,
    },
}

impl Step {
    /// Under which key it happens at most once.
    #[must_use]
    pub fn key(&self, campaign_id: &str, handle: &str) -> String {
        let handle = handle.to_lowercase();
        match self {
            Self::FindPosts => format!("campaign:{campaign_id}:{handle}:find_posts"),
            Self::Search => format!("campaign:{campaign_id}:{handle}:search"),
            Self::Comment { index, .. } => format!("campaign:{campaign_id}:{handle}:comment_{index}"),
            Self::Dm { touch } => format!("campaign:{campaign_id}:{handle}:{touch}"),
        }
    }

    /// Whether it needs words.
    ///
    /// ```
    /// use everreach_core::safari::campaign::{Step, Touch};
    /// assert!(Step::Dm { touch: Touch::FirstDm }.needs_text() && !Step::FindPosts.needs_text());
    /// ```
    #[must_use]
    pub const fn needs_text(&self) -> bool {
        matches!(self, Self::Comment { .. } | Self::Dm { .. })
    }

    /// The row for it. A step that needs words and gets none makes a row that the gate refuses.
    #[must_use]
    pub fn command(&self, plan: &CampaignPlan, campaign_id: &str, handle: &str, text: Option<&str>, now: Timestamp) -> Command {
        let text = text.unwrap_or_default();
        let mut command = match self {
            Self::FindPosts => Command::research(plan.platform, &posts_keyword(plan.platform, handle), POSTS, now),
            Self::Search => Command::research(plan.platform, handle, POSTS, now),
            Self::Comment { post_url, .. } => Command::comment(plan.platform, post_url, text, now),
            Self::Dm { .. } => Command::dm(plan.platform, handle, text, now),
        };
        command.campaign_id = Some(campaign_id.to_owned());
        command
    }
}
