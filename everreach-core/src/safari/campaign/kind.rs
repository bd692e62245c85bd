//! What a campaign is for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// What a campaign is for.
///
/// ```
/// use everreach_core::safari::campaign::CampaignKind;
/// assert_eq!("warmup".parse::<CampaignKind>()?, CampaignKind::CommentWarmup);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CampaignKind {
    /// Three comments per target, and no message.
    CommentWarmup,
    /// Three comments where the platform has comments, a message, a follow-up and a last one.
    DmSequence,
    /// One search per target, which is a keyword.
    ResearchSweep,
}

impl CampaignKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::CommentWarmup, Self::DmSequence, Self::ResearchSweep];

    /// The word for it in tables and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CommentWarmup => "comment_warmup",
            Self::DmSequence => "dm_sequence",
            Self::ResearchSweep => "research_sweep",
        }
    }
}

impl fmt::Display for CampaignKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CampaignKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = if text == "warmup" { "comment_warmup" } else { text };
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a campaign is comment_warmup, dm_sequence or research_sweep")
                .with("seen", text.escape_debug())
        })
    }
}
