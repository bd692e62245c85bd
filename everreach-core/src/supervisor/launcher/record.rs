//! What is written down about a run, so that the next supervisor finds it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Incarnation, ProcessIdentity};
use crate::Timestamp;
use crate::supervisor::agent::AgentId;

/// What is written down about a run. It is written before the process is made, and again once it is: whatever dies in between, the
/// process is found by its incarnation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunRecord {
    /// The agent.
    pub agent_id: AgentId,
    /// The run.
    pub incarnation: Incarnation,
    /// The digest of the definition that it was started with.
    pub digest: String,
    /// When it was started.
    pub started_at: Timestamp,
    /// Its process; nothing while that is being made.
    pub identity: Option<ProcessIdentity>,
}

impl RunRecord {
    /// A run of which only the incarnation is known.
    #[must_use]
    pub const fn unidentified(agent_id: AgentId, incarnation: Incarnation, digest: String, started_at: Timestamp) -> Self {
        Self { agent_id, incarnation, digest, started_at, identity: None }
    }
}

/// The folder of records.
#[derive(Debug, Clone)]
pub(super) struct RecordFolder(PathBuf);

impl RecordFolder {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, agent: &AgentId) -> PathBuf {
        self.0.join(format!("{agent}.json"))
    }

    /// Writes it in one piece. Nothing is forced to the disk: a machine that loses power loses the process too.
    pub(super) fn write(&self, record: &RunRecord) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let unfinished = self.0.join(format!("{}.{}.new", record.agent_id, record.incarnation));
        fs::write(&unfinished, serde_json::to_vec(record)?)?;
        fs::rename(unfinished, self.path(&record.agent_id))
    }

    /// Forgets a run, unless another has taken its place.
    pub(super) fn remove(&self, agent: &AgentId, incarnation: &Incarnation) {
        let path = self.path(agent);
        if read(&path).is_some_and(|record| record.incarnation == *incarnation) {
            drop(fs::remove_file(path));
        }
    }

    /// Every run that was written down; what cannot be read is left where it is, with a warning.
    pub(super) fn all(&self) -> io::Result<Vec<RunRecord>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "json") {
                match read(&path) {
                    Some(record) => records.push(record),
                    None => tracing::warn!(file = %path.display(), "a record of a run cannot be read"),
                }
            }
        }
        records.sort_by(|a, b| a.agent_id.cmp(&b.agent_id));
        Ok(records)
    }
}

fn read(path: &Path) -> Option<RunRecord> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}
