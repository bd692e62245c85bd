//! The presses of Send: the tests' oracle.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::sync::Mutex;

use everreach_core::safari::Service;
use everreach_core::{Error, ErrorKind, Result, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// One press of Send, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Press {
    /// When.
    pub ts: Timestamp,
    /// By which service.
    pub service: Service,
    /// The path that was asked.
    pub endpoint: String,
    /// The person or the post, as the service understood it.
    pub target: String,
    /// SHA-256 of the text as it went out, in hex: some services change what they are given.
    pub text_sha256: String,
    /// Its number in this log, from 1; none for an injection that pressed nothing.
    pub press: Option<u64>,
    /// The port that was asked: instagram-dm runs twice.
    pub port: u16,
    /// Whether the target would have run a command on the Mac. Must never happen.
    #[serde(skip_serializing_if = "is_false")]
    pub injected: bool,
    /// Whether linkedin-automation was not told to find its tab first, and acted on whatever was in front.
    #[serde(skip_serializing_if = "is_false")]
    pub unpinned: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// SHA-256 of a text, in hex.
pub(super) fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The log: in memory, and in a file where one is named.
#[derive(Debug)]
pub(super) struct PressLog {
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    lines: Vec<Press>,
    file: Option<File>,
    number: u64,
}

impl PressLog {
    /// Opens the log; the numbers go on after what the file holds already.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let (file, number) = path.map(open).transpose()?.unzip();
        Ok(Self { book: Mutex::new(Book { lines: Vec::new(), file, number: number.unwrap_or_default() }) })
    }

    /// Writes one line. It counts as a press unless it has no number yet and wants none.
    pub(super) fn write(&self, mut line: Press) -> std::io::Result<()> {
        let mut book = self.lock();
        let number = book.number.saturating_add(1);
        if line.press.is_some() {
            line.press = Some(number);
        }
        if let Some(file) = book.file.as_mut() {
            file.write_all(format!("{}\n", serde_json::to_string(&line)?).as_bytes())?;
        }
        if line.press.is_some() {
            book.number = number;
        }
        tracing::info!(service = %line.service, target = %line.target, press = line.press, "send was pressed");
        book.lines.push(line);
        Ok(())
    }

    pub(super) fn lines(&self) -> Vec<Press> {
        self.lock().lines.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn open(path: &Path) -> Result<(File, u64)> {
    let failed = |source: std::io::Error| {
        Error::new(ErrorKind::Config, "the log of presses cannot be written; name another file with --log")
            .with("file", path.display())
            .with("cause", &source)
            .with_source(source)
    };
    let file = OpenOptions::new().create(true).read(true).append(true).open(path).map_err(failed)?;
    let mut number = 0_u64;
    for line in BufReader::new(&file).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.map_err(failed)?).unwrap_or_default();
        number = number.max(line["press"].as_u64().unwrap_or_default());
    }
    Ok((file, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(press: Option<u64>) -> Press {
        Press {
            ts: "2026-11-20T12:00:00Z".parse().expect("a time"),
            service: Service::TwitterDm,
            endpoint: "/api/twitter/messages/send-to".to_owned(),
            target: "bob".to_owned(),
            text_sha256: sha256("hi"),
            press,
            port: 3003,
            injected: press.is_none(),
            unpinned: false,
        }
    }

    #[test]
    fn numbers_go_on_where_the_file_ends_and_injections_have_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("presses.jsonl");
        for _ in 0..2 {
            let log = PressLog::open(Some(&path)).expect("a log");
            log.write(line(Some(0))).expect("written");
            log.write(line(None)).expect("written");
        }
        let text = std::fs::read_to_string(&path).expect("a file");
        let numbers: Vec<_> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
            .map(|line| (line["press"].as_u64(), line["injected"].as_bool()))
            .collect();
        assert_eq!(numbers, [(Some(1), None), (None, Some(true)), (Some(2), None), (None, Some(true))]);
    }

    #[test]
    fn a_log_that_cannot_be_written_is_named() {
        let error = PressLog::open(Some(Path::new("/nowhere/at/all"))).expect_err("no folder");
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}
