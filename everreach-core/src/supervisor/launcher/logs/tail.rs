//! Reading what an agent wrote, from its end.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;

use super::LogFiles;
use super::bound::span;
use super::files::LogFile;
use crate::supervisor::agent::AgentId;
use crate::supervisor::launcher::Incarnation;

const PIECE: u64 = 64 * 1024;

impl LogFiles {
    /// The last `lines` lines that an agent wrote, over all of its runs, exactly and oldest first.
    ///
    /// # Errors
    /// The system's.
    pub fn tail(&self, agent: &AgentId, lines: usize) -> io::Result<Vec<u8>> {
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        let mut missing = lines;
        for file in self.files(agent)?.iter().rev() {
            if missing == 0 {
                break;
            }
            let (piece, found) = last_lines(file, missing)?;
            missing -= found.min(missing);
            pieces.push(piece);
        }
        pieces.reverse();
        Ok(pieces.concat())
    }

    /// The end of what one run wrote, at most this many bytes; empty when nothing is there.
    ///
    /// # Errors
    /// The system's.
    pub fn tail_of_run(&self, agent: &AgentId, incarnation: &Incarnation, most: usize) -> io::Result<Vec<u8>> {
        let Some(file) = self.file_of(agent, incarnation)? else { return Ok(Vec::new()) };
        let (start, end) = span(&file)?;
        let mut opened = File::open(&file.path)?;
        opened.seek(SeekFrom::Start(start.max(end.saturating_sub(most as u64))))?;
        let mut bytes = Vec::new();
        opened.take(most as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The last lines of a file, and how many they are.
fn last_lines(file: &LogFile, lines: usize) -> io::Result<(Vec<u8>, usize)> {
    let (start, end) = span(file)?;
    let opened = File::open(&file.path)?;
    let mut found: Vec<u8> = Vec::new();
    let mut at = end;
    while at > start {
        let length = PIECE.min(at - start);
        let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
        opened.read_exact_at(&mut piece, at - length)?;
        piece.extend_from_slice(&found);
        found = piece;
        at -= length;
        if let Some(begin) = begin_of(&found, lines) {
            found.drain(..begin);
            return Ok((found, lines));
        }
    }
    let count = found.split_inclusive(|byte| *byte == b'\n').count();
    Ok((found, count))
}

/// Where the last `lines` lines begin, if there are more than that.
fn begin_of(text: &[u8], lines: usize) -> Option<usize> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    body.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n').nth(lines.checked_sub(1)?).map(|(at, _)| at + 1)
}
