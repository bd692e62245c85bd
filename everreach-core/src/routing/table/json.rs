//! JSON that remembers where each part stands, so that an error can name the line.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::nearest;
use crate::{Error, ErrorKind, Result};

const SHOWN: usize = 80;

/// The text of one file. Parts of it are slices, so that their place is their address.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    text: &'a str,
    origin: &'a str,
}

/// One `"name": value` of an object.
pub(super) struct Member<'a> {
    pub(super) name: String,
    /// The name as it stands in the text, quotes included.
    at: &'a str,
    value: &'a RawValue,
}

impl<'a> Source<'a> {
    /// The text, which must not begin with a byte order mark.
    pub(super) fn new(text: &'a str, origin: &'a str) -> Result<Self> {
        let source = Self { text, origin };
        if text.starts_with('\u{feff}') {
            return Err(source.error(text, "", "the file begins with a byte order mark; save it as UTF-8 without one"));
        }
        Ok(source)
    }

    /// The members of the outermost object.
    pub(super) fn members(&self) -> Result<Vec<Member<'a>>> {
        self.members_of(self.text, "", "a route table is a JSON object")
    }

    /// The members of an object inside the text; `otherwise` says what stands in its place when it is not one.
    pub(super) fn members_of(&self, object: &'a str, key: &str, otherwise: &'static str) -> Result<Vec<Member<'a>>> {
        let Pairs(pairs) = serde_json::from_str(object).map_err(|error| self.not_an_object(object, key, otherwise, error))?;
        let mut first_seen = HashMap::with_capacity(pairs.len());
        let mut members = Vec::with_capacity(pairs.len());
        for (name, value) in pairs {
            let at = name.get();
            let name: String = serde_json::from_str(at)
                .map_err(|error| self.error(at, key, "a name is not valid text").with("seen", shown(at)).with_source(error))?;
            if let Some(first) = first_seen.insert(name.clone(), at) {
                let message = "the same name stands here twice; keep one of the two";
                return Err(self.error(at, &join(key, &name), message).with("first_line", self.line_of(first)));
            }
            members.push(Member { name, at, value });
        }
        Ok(members)
    }

    /// An error about a part of the text.
    pub(super) fn error(&self, at: &str, key: &str, message: &'static str) -> Error {
        self.error_on_line(self.line_of(at), key, message)
    }

    fn error_on_line(&self, line: usize, key: &str, message: &'static str) -> Error {
        let error = Error::new(ErrorKind::Config, message)
            .with_operation("read route table")
            .with("origin", self.origin)
            .with("line", line);
        if key.is_empty() { error } else { error.with("key", key) }
    }

    fn not_an_object(&self, object: &str, key: &str, otherwise: &'static str, error: serde_json::Error) -> Error {
        if error.classify() == Category::Data {
            return self.error(object.trim_start(), key, otherwise).with("seen", shown(object));
        }
        let line = (self.line_of(object) + error.line()).saturating_sub(1).max(1);
        self.error_on_line(line, key, "the file is not JSON").with("column", error.column()).with_source(error)
    }

    /// The line, counted from 1, on which a slice of the text begins.
    fn line_of(&self, part: &str) -> usize {
        let offset = part.as_ptr().addr().saturating_sub(self.text.as_ptr().addr()).min(self.text.len());
        1 + self.text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count()
    }
}

impl<'a> Member<'a> {
    /// An error about this member; `parent` is the key of the object it stands in.
    pub(super) fn error(&self, source: &Source<'_>, parent: &str, message: &'static str) -> Error {
        source.error(self.at, &join(parent, &self.name), message)
    }

    /// The same, when the value is what is wrong.
    pub(super) fn wrong_value(&self, source: &Source<'_>, parent: &str, message: &'static str) -> Error {
        source.error(self.value.get(), &join(parent, &self.name), message).with("seen", shown(self.value.get()))
    }

    /// The error for a name that is none of those allowed.
    pub(super) fn unknown_field(&self, source: &Source<'_>, parent: &str, allowed: &[&str]) -> Error {
        let error = self.error(source, parent, "there is no such field; remove it or correct its spelling");
        match nearest::word(&self.name, allowed) {
            Some(word) => error.with("did_you_mean", word),
            None => error.with("allowed", allowed.join(" ")),
        }
    }

    /// The value as it stands in the text.
    pub(super) fn text(&self) -> &'a str {
        self.value.get()
    }

    /// The value, of the type that is asked for.
    pub(super) fn value<T: Deserialize<'a>>(&self, source: &Source<'_>, parent: &str, expected: &'static str) -> Result<T> {
        serde_json::from_str(self.value.get()).map_err(|error| self.wrong_value(source, parent, expected).with_source(error))
    }

    /// The value, one of these words.
    pub(super) fn word<T: Copy>(&self, source: &Source<'_>, parent: &str, words: &[(&str, T)]) -> Result<T> {
        let seen: Option<String> = serde_json::from_str(self.value.get()).ok();
        if let Some((_, meant)) = seen.as_ref().and_then(|seen| words.iter().find(|(word, _)| word == seen)) {
            return Ok(*meant);
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let error = self
            .wrong_value(source, parent, "the value is not one of the words that may stand here")
            .with("expected", words.join(" | "));
        Err(match seen.and_then(|seen| nearest::word(&seen, &words)) {
            Some(word) => error.with("did_you_mean", word),
            None => error,
        })
    }

    /// Whether the value is `null`.
    pub(super) fn is_null(&self) -> bool {
        self.value.get() == "null"
    }
}

/// The members of an object as they stand, repeated names included.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = members.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

fn join(parent: &str, name: &str) -> String {
    let name = name.escape_debug();
    if parent.is_empty() { name.to_string() } else { format!("{parent}.{name}") }
}

/// The beginning of a part, on one line and harmless to print.
fn shown(part: &str) -> String {
    let mut chars = part.trim().chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(SHOWN) {
        match c {
            '"' | '\'' | '\\' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}
