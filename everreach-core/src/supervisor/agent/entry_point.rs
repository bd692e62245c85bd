//! What is run: an argv.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

const MOST_WORDS: usize = 256;
const MOST_BYTES: usize = 32 * 1024;

/// A program and its arguments; never read by a shell.
///
/// Stored as a JSON array. A single text is a program or a script: `x.py` means `python3 x.py`, `x.js` and `x.mjs` mean `node …`.
///
/// ```
/// use everreach_core::supervisor::EntryPoint;
/// assert_eq!("acquisition_agent.py".parse::<EntryPoint>()?.argv(), ["python3", "acquisition_agent.py"]);
/// assert_eq!(r#"["./agent", "--quiet"]"#.parse::<EntryPoint>()?.argv(), ["./agent", "--quiet"]);
/// assert!("python3 agent.py; id".parse::<EntryPoint>().is_err(), "no shell splits it");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct EntryPoint(Vec<String>);

impl EntryPoint {
    /// Checks an argv.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when there is no program, a word holds a NUL, or it is longer than 256 words or 32 KiB.
    pub fn new(argv: Vec<String>) -> Result<Self> {
        let refuse = |sentence| Err(Error::new(ErrorKind::InvalidInput, sentence).with("field", "entry_point"));
        if argv.first().is_none_or(|program| program.trim().is_empty()) {
            return refuse("the first word of an entry point is the program: name one");
        }
        if argv.iter().any(|word| word.contains('\0')) {
            return refuse("no word of an entry point can hold a NUL byte");
        }
        if argv.len() > MOST_WORDS || argv.iter().map(|word| word.len() + 1).sum::<usize>() > MOST_BYTES {
            return refuse("an entry point has at most 256 words and 32 KiB: give the agent a file to read instead");
        }
        Ok(Self(argv))
    }

    /// Program and arguments.
    #[must_use]
    pub fn argv(&self) -> &[String] {
        &self.0
    }

    /// The program as it was written.
    #[must_use]
    pub fn program(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

impl FromStr for EntryPoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.starts_with('[') {
            let argv = serde_json::from_str(text).map_err(|source| {
                Error::new(ErrorKind::InvalidInput, "an entry point in brackets is a JSON array of texts")
                    .with("field", "entry_point")
                    .with_source(source)
            })?;
            return Self::new(argv);
        }
        if text.chars().any(char::is_whitespace) {
            return Err(Error::new(ErrorKind::InvalidInput, "an entry point with arguments is an array, one text for each word")
                .with("field", "entry_point")
                .with("seen", text.chars().take(100).collect::<String>()));
        }
        let ends = |ending: &str| text.len() > ending.len() && text.ends_with(ending);
        let interpreter = if ends(".py") {
            Some("python3")
        } else if ends(".js") || ends(".mjs") {
            Some("node")
        } else {
            None
        };
        Self::new(interpreter.into_iter().chain([text]).map(str::to_owned).collect())
    }
}

impl fmt::Display for EntryPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl<'de> Deserialize<'de> for EntryPoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = EntryPoint;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of texts, or the name of one script")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<EntryPoint, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<EntryPoint, A::Error> {
                let mut argv = Vec::new();
                while let Some(word) = words.next_element()? {
                    argv.push(word);
                }
                EntryPoint::new(argv).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_reads_back_as_it_was() {
        for text in ["content_generation_agent.py", "./bin/agent", r#"["/opt/a b/agent","--name","x\" y"]"#, "worker.mjs"] {
            let entry: EntryPoint = text.parse().expect("an entry point");
            assert_eq!(entry.to_string().parse::<EntryPoint>().expect("its own text"), entry);
            let json = serde_json::to_string(&entry).expect("json");
            assert_eq!(serde_json::from_str::<EntryPoint>(&json).expect("its own json"), entry);
        }
    }

    #[test]
    fn entry_points_without_a_program_or_with_a_nul_or_too_long_are_refused() {
        for argv in [vec![], vec![""], vec![" "], vec!["a", "b\0c"]] {
            let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
            assert_eq!(EntryPoint::new(argv).expect_err("refused").kind(), ErrorKind::InvalidInput);
        }
        assert!(EntryPoint::new(vec!["a".to_owned(); 257]).is_err());
        assert!(EntryPoint::new(vec!["a".to_owned(), "x".repeat(MOST_BYTES)]).is_err());
    }
}
