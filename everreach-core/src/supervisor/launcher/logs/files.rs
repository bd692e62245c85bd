//! The files of each agent.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::supervisor::agent::AgentId;
use crate::supervisor::launcher::Incarnation;

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogConfig {
    /// Bytes that are kept of each agent.
    pub most_bytes: u64,
    /// How much of the oldest goes at once; a multiple of 1 MiB.
    pub step_bytes: u64,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { most_bytes: 50 * 1024 * 1024, step_bytes: 10 * 1024 * 1024 }
    }
}

/// What agents wrote: a folder for each, a file for each run, numbered from the oldest.
///
/// ```
/// use everreach_core::supervisor::{Incarnation, LogConfig, LogFiles};
/// use std::io::Write;
/// # let folder = tempfile::tempdir()?;
/// let logs = LogFiles::new(folder.path().join("logs"), LogConfig::default());
/// let agent = "content-agent".parse().expect("an id");
/// logs.open(&agent, &Incarnation::random())?.write_all(b"one\ntwo\nthree\n")?;
/// assert_eq!(logs.tail(&agent, 2)?, b"two\nthree\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LogFiles {
    folder: PathBuf,
    pub(super) config: LogConfig,
}

/// One file of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    pub(super) number: u32,
    pub(super) path: PathBuf,
}

impl LogFiles {
    /// The files in this folder.
    #[must_use]
    pub const fn new(folder: PathBuf, config: LogConfig) -> Self {
        Self { folder, config }
    }

    /// The folder of an agent's files.
    #[must_use]
    pub fn folder_of(&self, agent: &AgentId) -> PathBuf {
        self.folder.join(agent.as_str())
    }

    /// A new file for a run, for appending; only its owner can read it.
    ///
    /// # Errors
    /// The system's.
    pub fn open(&self, agent: &AgentId, incarnation: &Incarnation) -> io::Result<File> {
        let folder = self.folder_of(agent);
        fs::create_dir_all(&folder)?;
        let newest = list(&folder)?.last().map_or(0, |file| file.number);
        let path = folder.join(format!("{:06}-{incarnation}.log", newest + 1));
        OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)
    }

    /// The files of an agent, oldest first.
    pub(super) fn files(&self, agent: &AgentId) -> io::Result<Vec<LogFile>> {
        list(&self.folder_of(agent))
    }

    /// The file of one run.
    pub(super) fn file_of(&self, agent: &AgentId, incarnation: &Incarnation) -> io::Result<Option<LogFile>> {
        let ending = format!("-{incarnation}.log");
        let is_it = |file: &LogFile| file.path.to_str().is_some_and(|path| path.ends_with(&ending));
        Ok(self.files(agent)?.into_iter().rev().find(is_it))
    }

    /// Removes all that an agent wrote.
    ///
    /// # Errors
    /// The system's.
    pub fn remove(&self, agent: &AgentId) -> io::Result<()> {
        match fs::remove_dir_all(self.folder_of(agent)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn list(folder: &Path) -> io::Result<Vec<LogFile>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".log"));
        let number = name.and_then(|name| name.split_once('-')).and_then(|(number, _)| number.parse().ok());
        if let Some(number) = number {
            files.push(LogFile { number, path });
        }
    }
    files.sort_by_key(|file| file.number);
    Ok(files)
}
