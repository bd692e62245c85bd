//! Keeping what an agent wrote within its bound, from the front.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use super::LogFiles;
use super::files::LogFile;
use crate::supervisor::agent::AgentId;
use crate::supervisor::launcher::Incarnation;

const MIB: u64 = 1024 * 1024;

impl LogFiles {
    /// Drops the oldest of what an agent wrote until the rest is within its bound; says how many bytes went. The files of runs that left
    /// nothing to keep are removed, except that of the run that is on.
    ///
    /// On Linux the part goes out of the file itself while the agent writes on, and no line after it is touched; on file systems that
    /// cannot do that, and on macOS, the rest is copied, and lines that are written in that very moment can be lost.
    ///
    /// # Errors
    /// The system's.
    pub fn bound(&self, agent: &AgentId, running: Option<&Incarnation>) -> io::Result<u64> {
        let step = (self.config.step_bytes / MIB).max(1) * MIB;
        let mut kept = Vec::new();
        for file in self.files(agent)? {
            let (start, end) = span(&file)?;
            kept.push((file, end - start));
        }
        let mut excess = kept.iter().map(|(_, bytes)| bytes).sum::<u64>().saturating_sub(self.config.most_bytes);
        let mut dropped = 0;
        for (file, mut bytes) in kept {
            let is_running = running.is_some_and(|run| file.path.to_string_lossy().ends_with(&format!("-{run}.log")));
            while excess > 0 && bytes > 0 {
                let gone = if bytes > step || is_running { drop_front(&file, step)? } else { bytes };
                if gone == 0 {
                    break;
                }
                bytes = bytes.saturating_sub(gone);
                excess = excess.saturating_sub(gone);
                dropped += gone;
            }
            if bytes == 0 && !is_running {
                fs::remove_file(&file.path)?;
            }
        }
        Ok(dropped)
    }
}

/// Where the content of a file begins, behind what was dropped, and where it ends.
pub(super) fn span(file: &LogFile) -> io::Result<(u64, u64)> {
    let opened = File::open(&file.path)?;
    let end = opened.metadata()?.len();
    Ok((first_byte(&opened, end), end))
}

#[cfg(target_os = "linux")]
fn first_byte(file: &File, end: u64) -> u64 {
    if end == 0 {
        return 0;
    }
    // Nothing but holes reads as an error.
    rustix::fs::seek(file, rustix::fs::SeekFrom::Data(0)).unwrap_or(end)
}

#[cfg(not(target_os = "linux"))]
const fn first_byte(_file: &File, _end: u64) -> u64 {
    0
}

/// Drops the first `step` bytes of a file's content, if it has more than that; says how many went.
fn drop_front(file: &LogFile, step: u64) -> io::Result<u64> {
    let (start, end) = span(file)?;
    if end - start <= step {
        return Ok(0);
    }
    let opened = OpenOptions::new().read(true).append(true).open(&file.path)?;
    if cut(&opened, start, step) { Ok(step) } else { copy_end(&opened, start + step) }
}

/// Takes the part out of the file, or makes it a hole where that is not possible; says whether one of them was.
#[cfg(target_os = "linux")]
fn cut(file: &File, start: u64, step: u64) -> bool {
    use rustix::fs::{FallocateFlags, fallocate};
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    (start == 0 && fallocate(file, FallocateFlags::COLLAPSE_RANGE, 0, step).is_ok())
        || fallocate(file, hole, 0, start + step).is_ok()
}

#[cfg(not(target_os = "linux"))]
const fn cut(_file: &File, _start: u64, _step: u64) -> bool {
    false
}

/// Writes the file anew with what comes from `from` on.
fn copy_end(mut file: &File, from: u64) -> io::Result<u64> {
    file.seek(SeekFrom::Start(from))?;
    let mut rest = Vec::new();
    file.read_to_end(&mut rest)?;
    file.set_len(0)?;
    file.write_all(&rest)?;
    Ok(from)
}
