//! The deny list's file: read at the start, and again whenever it has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::safari::decision::DenyList;
use crate::{Error, ErrorKind, Result};

/// How often it is said that the file cannot be used.
const TELL_EVERY: Duration = Duration::from_secs(3_600);

/// A file of people who are never written to, one on each line: `SAFARI_DENY_LIST_FILE`.
///
/// A file that cannot be used any more leaves the list that was read last in force: nobody is written to because a disk is full.
///
/// ```
/// use everreach_core::safari::worker::DenyListFile;
/// # let folder = std::env::temp_dir().join(format!("everreach-deny-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).expect("a folder");
/// let path = folder.join("deny.txt");
/// std::fs::write(&path, "# own accounts\nme\n").expect("it is written");
/// let file = DenyListFile::open(&path)?;
/// assert_eq!(file.list().iter().collect::<Vec<_>>(), ["me"]);
/// assert!(DenyListFile::open(folder.join("missing.txt")).is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug)]
pub struct DenyListFile {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    /// What the file looked like when it was last read; none when it could not be looked at.
    seen: Option<Version>,
    list: DenyList,
    /// Why the file cannot be used as it is now.
    trouble: Option<String>,
    told_at: Option<Duration>,
}

#[derive(Debug, PartialEq, Eq)]
struct Version {
    modified: Option<SystemTime>,
    length: u64,
}

impl DenyListFile {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when it cannot be read, or with the line that names nobody.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let seen = version(&path);
        let list = read(&path)?;
        Ok(Self { path, kept: Mutex::new(Kept { seen, list, trouble: None, told_at: None }) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The list as the file has it now; the one that was read last while the file cannot be used.
    #[must_use]
    pub fn list(&self) -> DenyList {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = version(&self.path);
        if seen.is_some() && seen == kept.seen {
            return kept.list.clone();
        }
        match read(&self.path) {
            Ok(list) => (kept.list, kept.trouble, kept.told_at) = (list, None, None),
            Err(error) => kept.trouble = Some(error.to_string()),
        }
        kept.seen = seen;
        kept.list.clone()
    }

    /// Why the file cannot be used, once and then every hour.
    pub(super) fn trouble(&self, now: Duration) -> Option<String> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let trouble = kept.trouble.clone()?;
        if kept.told_at.is_some_and(|told| now.saturating_sub(told) < TELL_EVERY) {
            return None;
        }
        kept.told_at = Some(now);
        Some(trouble)
    }
}

fn version(path: &Path) -> Option<Version> {
    let seen = fs::metadata(path).ok()?;
    Some(Version { modified: seen.modified().ok(), length: seen.len() })
}

fn read(path: &Path) -> Result<DenyList> {
    let named = |error: Error| error.with("setting", "SAFARI_DENY_LIST_FILE").with("file", path.display());
    let text = fs::read_to_string(path).map_err(|source| {
        let error = Error::new(ErrorKind::Config, "the deny list cannot be read: name a text file, or unset the setting");
        named(error.with_operation("read the deny list").with("cause", &source).with_source(source))
    })?;
    text.parse().map_err(named)
}
