//! What a command asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Effect, Error, ErrorKind, Result};

/// The verbs that this queue works through. Rows with any other belong to other programs and are left alone.
///
/// ```
/// use everreach_core::safari::Verb;
/// assert!("send_dm".parse::<Verb>()?.is_outward());
/// assert!("prospect_discover".parse::<Verb>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verb {
    /// Sends one direct message.
    SendDm,
    /// Posts one comment.
    Comment,
    /// Searches a platform and keeps what is found.
    MarketResearch,
    /// Opens a page in Safari.
    Navigate,
    /// Reads the inboxes into the CRM.
    Sync,
    /// Reads LinkedIn's inbox into the CRM.
    SyncLinkedin,
    /// Scores contacts.
    Score,
    /// Writes messages for contacts, without sending them.
    Generate,
    /// Sync, score and generate, then sends up to [`PIPELINE_DMS`](Self::PIPELINE_DMS) of the messages.
    Pipeline,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 9] = [
        Self::SendDm,
        Self::Comment,
        Self::MarketResearch,
        Self::Navigate,
        Self::Sync,
        Self::SyncLinkedin,
        Self::Score,
        Self::Generate,
        Self::Pipeline,
    ];
    /// How many messages one `pipeline` may send by itself.
    pub const PIPELINE_DMS: u32 = 10;

    /// The word for it in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendDm => "send_dm",
            Self::Comment => "comment",
            Self::MarketResearch => "market_research",
            Self::Navigate => "navigate",
            Self::Sync => "sync",
            Self::SyncLinkedin => "sync_linkedin",
            Self::Score => "score",
            Self::Generate => "generate",
            Self::Pipeline => "pipeline",
        }
    }

    /// What running it does.
    #[must_use]
    pub const fn effect(self) -> Effect {
        match self {
            Self::SendDm | Self::Comment | Self::Pipeline => Effect::Outward,
            Self::Navigate => Effect::Process,
            // A search keeps what it finds.
            Self::MarketResearch | Self::Sync | Self::SyncLinkedin | Self::Score | Self::Generate => Effect::Write,
        }
    }

    /// Whether it reaches other people, so that it is never repeated after an unknown outcome.
    #[must_use]
    pub const fn is_outward(self) -> bool {
        self.effect().is_outward()
    }

    /// Whether it drives the one Safari there is.
    #[must_use]
    pub const fn needs_browser(self) -> bool {
        !matches!(self, Self::Score | Self::Generate)
    }

    /// Whether the CRM script carries it out, rather than a service.
    #[must_use]
    pub const fn is_crm(self) -> bool {
        matches!(self, Self::Sync | Self::SyncLinkedin | Self::Score | Self::Generate | Self::Pipeline)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Verb {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|verb| verb.as_str() == text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "a command's action is send_dm, comment, market_research, navigate, sync, sync_linkedin, score, generate or pipeline",
            )
            .with("seen", text.escape_debug())
        })
    }
}

/// What the daily limits count.
///
/// ```
/// use everreach_core::safari::LimitedAction;
/// assert_eq!("dm".parse::<LimitedAction>()?, LimitedAction::Dm);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LimitedAction {
    /// Direct messages.
    Dm,
    /// Comments.
    Comment,
}

impl LimitedAction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dm, Self::Comment];

    /// The word for it in settings and tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dm => "dm",
            Self::Comment => "comment",
        }
    }
}

impl fmt::Display for LimitedAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for LimitedAction {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "what is limited is dm or comment").with("seen", text.escape_debug())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_verbs_that_reach_people_are_outward() {
        let outward: Vec<_> = Verb::ALL.into_iter().filter(|verb| verb.is_outward()).collect();
        assert_eq!(outward, [Verb::SendDm, Verb::Comment, Verb::Pipeline]);
    }

    #[test]
    fn every_verb_reads_its_own_word_and_no_other_programs_word() {
        for verb in Verb::ALL {
            assert_eq!(verb.as_str().parse::<Verb>().expect("its word"), verb);
            assert_eq!(serde_json::to_string(&verb).expect("json"), format!("\"{verb}\""));
        }
        for word in ["dm", "dm_batch", "search", "SEND_DM", "", "dm_sent", "conversations"] {
            assert!(word.parse::<Verb>().is_err(), "{word:?}");
        }
    }
}
