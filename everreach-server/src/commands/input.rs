//! Input from files, stdin and arguments.

use std::io::Read as _;

use everreach_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

/// The text of a file, or of stdin for `-`.
pub(super) fn text_of(path: &str) -> Result<String> {
    let mut text = String::new();
    let read =
        if path == "-" { std::io::stdin().lock().read_to_string(&mut text).map(|_| text) } else { std::fs::read_to_string(path) };
    read.map_err(|source| {
        Error::new(ErrorKind::InvalidInput, "the input cannot be read")
            .with("file", path)
            .with("cause", &source)
            .with_source(source)
    })
}

/// A name as one part of a path or a query; it may hold characters that mean something there, such as `/` and `?`.
pub(super) fn path_part(name: &str) -> String {
    // In a path a plus is a plus: a blank has to be spelled out.
    byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Parameters: `JSON`, `@FILE` or `-` for stdin.
pub(super) fn params(argument: &str) -> Result<Map<String, Value>> {
    object(argument, "--params takes a JSON object, such as --params '{\"text\": \"hello\"}'")
}

/// A JSON object: `JSON`, `@FILE` or `-` for stdin; `wanted` is what is said when it is none.
pub(super) fn object(argument: &str, wanted: &'static str) -> Result<Map<String, Value>> {
    let text = match argument.strip_prefix('@') {
        Some(path) => text_of(path)?,
        None if argument == "-" => text_of("-")?,
        None => argument.to_owned(),
    };
    let refuse = |seen: String| Error::new(ErrorKind::InvalidInput, wanted).with("seen", seen);
    match serde_json::from_str(&text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(refuse(beginning(&other.to_string()))),
        Err(error) => Err(refuse(beginning(&text)).with("cause", error)),
    }
}

/// Enough of a text to recognize it by.
fn beginning(text: &str) -> String {
    const ENOUGH: usize = 60;
    let mut characters = text.trim().chars();
    let head: String = characters.by_ref().take(ENOUGH).collect();
    if characters.next().is_some() { head + "…" } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_come_from_the_argument_or_a_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("params.json");
        std::fs::write(&path, "{\"a\": 1}").expect("a file");
        assert_eq!(params("{\"a\": 1}").expect("an object"), params(&format!("@{}", path.display())).expect("an object"));
    }

    #[test]
    fn what_is_no_object_is_refused_with_what_was_seen() {
        for (argument, seen) in [("[1]", "[1]"), ("{oops", "{oops"), ("@/nowhere", "/nowhere")] {
            let error = params(argument).expect_err("no object");
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(seen), "{error}");
        }
    }
}
