//! How an agent stands, in one word.

use serde::{Deserialize, Serialize};

/// How an agent stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentStatus {
    /// It is known, and nobody asked for it yet.
    Registered,
    /// Its process runs, and its health was not good yet; or its start waits for its turn.
    Starting,
    /// It runs, and its health is good as far as anybody can tell.
    Running,
    /// It runs, and its health is not good.
    Degraded,
    /// It ended, and is started again in a moment.
    Backoff,
    /// It ended for a cause that other agents have too; nothing is started until that has passed.
    Held,
    /// It failed too often and rests.
    Open,
    /// It was asked to end.
    Stopping,
    /// It does not run, and should not.
    Stopped,
    /// It does not run and is not started again by itself.
    Failed,
    /// It is only looked at.
    Observed,
}

impl AgentStatus {
    /// Every one of them.
    pub const ALL: [Self; 11] = [
        Self::Registered,
        Self::Starting,
        Self::Running,
        Self::Degraded,
        Self::Backoff,
        Self::Held,
        Self::Open,
        Self::Stopping,
        Self::Stopped,
        Self::Failed,
        Self::Observed,
    ];

    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Backoff => "backoff",
            Self::Held => "held",
            Self::Open => "open",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Observed => "observed",
        }
    }

    /// Whether it has a process.
    #[must_use]
    pub const fn has_process(self) -> bool {
        matches!(self, Self::Starting | Self::Running | Self::Degraded | Self::Stopping)
    }

    /// The status a word stands for; nothing for a word that is not ours.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_word_and_reads_back() {
        for status in AgentStatus::ALL {
            assert_eq!(AgentStatus::from_word(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).expect("json"), status.as_str());
        }
    }
}
