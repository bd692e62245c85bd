//! Reading on as an agent writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::LogFiles;
use super::bound::span;
use crate::supervisor::agent::AgentId;

/// Reads what an agent writes from now on, over its runs. It holds no file open in between.
///
/// ```
/// # use everreach_core::supervisor::{Incarnation, LogConfig, LogFiles};
/// # use std::io::Write;
/// # let folder = tempfile::tempdir()?;
/// # let logs = LogFiles::new(folder.path().join("logs"), LogConfig::default());
/// let agent = "content-agent".parse().expect("an id");
/// let mut follower = logs.follow(&agent)?;
/// logs.open(&agent, &Incarnation::random())?.write_all(b"one\n")?;
/// assert_eq!(follower.read()?, b"one\n");
/// assert!(follower.read()?.is_empty(), "until there is more");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LogFollower {
    files: LogFiles,
    agent: AgentId,
    number: u32,
    position: u64,
}

/// How much is read at once.
const PIECE: u64 = 256 * 1024;

impl LogFiles {
    /// Follows what an agent writes from now on.
    ///
    /// # Errors
    /// The system's.
    pub fn follow(&self, agent: &AgentId) -> io::Result<LogFollower> {
        let newest = self.files(agent)?.pop();
        let position = newest.as_ref().map(span).transpose()?.map_or(0, |(_, end)| end);
        let number = newest.map_or(0, |file| file.number);
        Ok(LogFollower { files: self.clone(), agent: agent.clone(), number, position })
    }
}

impl LogFollower {
    /// What was written since the last time, at most 256 KiB of it; empty when there is nothing yet.
    ///
    /// # Errors
    /// The system's.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let from = self.number;
        for file in self.files.files(&self.agent)?.into_iter().filter(|file| file.number >= from) {
            if file.number > self.number {
                (self.number, self.position) = (file.number, 0);
            }
            let (start, end) = span(&file)?;
            // Parts of a known length go out of the front: what was read moved by so many of them.
            while self.position > end {
                self.position = self.position.saturating_sub(self.files.config.step_bytes);
            }
            self.position = self.position.max(start);
            if end > self.position {
                let length = PIECE.min(end - self.position);
                let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
                File::open(&file.path)?.read_exact_at(&mut piece, self.position)?;
                self.position += length;
                return Ok(piece);
            }
        }
        Ok(Vec::new())
    }
}
