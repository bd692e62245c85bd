//! What is shared between the two sides, and whose word counts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// What a document is about. This list is the whole of what leaves a side: whatever is not in it stays where it is.
///
/// ```
/// use everreach_core::sync::state::StateKind;
/// assert_eq!("pipeline".parse::<StateKind>()?, StateKind::Pipeline);
/// assert!("prospect_embeddings".parse::<StateKind>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StateKind {
    /// Counts and rates of the CRM.
    CrmStats,
    /// Where the deals of the pipeline stand.
    Pipeline,
    /// Workflows that are active.
    Workflow,
    /// What feedback says should be made more or less of.
    FeedbackStrategy,
    /// Content made in batches; its field `status` says whether it is still to be published.
    BatchContent,
}

/// Whose version stays when both sides changed a document without knowing of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Precedence {
    /// The cloud's.
    Cloud,
    /// The local one while the cloud's is still to be published, else the cloud's: what was published is not put back.
    LocalUntilPublished,
}

impl StateKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::CrmStats, Self::Pipeline, Self::Workflow, Self::FeedbackStrategy, Self::BatchContent];

    /// The word for it in tables and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CrmStats => "crm_stats",
            Self::Pipeline => "pipeline",
            Self::Workflow => "workflow",
            Self::FeedbackStrategy => "feedback_strategy",
            Self::BatchContent => "batch_content",
        }
    }

    /// Whose version stays.
    #[must_use]
    pub const fn precedence(self) -> Precedence {
        match self {
            Self::CrmStats | Self::Pipeline | Self::Workflow | Self::FeedbackStrategy => Precedence::Cloud,
            Self::BatchContent => Precedence::LocalUntilPublished,
        }
    }
}

impl fmt::Display for StateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StateKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::new(ErrorKind::InvalidInput, "state of this kind never leaves its side")
                .with("seen", text.chars().take(64).collect::<String>())
                .with("kinds that do", names)
        })
    }
}
