//! Reading parameters that may be anything.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::refusal::{Refusal, RefusalCode, shown};

/// The parameters of one command.
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    /// The text under one of these names, which all mean the same. Nothing, null and the empty text are `None`.
    pub(super) fn text(&self, names: &[&'static str]) -> Result<Option<(&'static str, &'a str)>, Refusal> {
        let mut found: Option<(&'static str, &'a str)> = None;
        for name in names.iter().copied() {
            let text = match self.0.get(name) {
                None | Some(Value::Null) => continue,
                Some(Value::String(text)) => text.as_str(),
                Some(other) => return Err(wrong_type(name, "a text", other)),
            };
            match found {
                _ if text.is_empty() => {}
                Some((first, before)) if before != text => {
                    let detail = format!("`{first}` and `{name}` mean the same and differ; keep one of them");
                    return Err(Refusal::new(RefusalCode::ConflictingParams, name, detail));
                }
                Some(_) => {}
                None => found = Some((name, text)),
            }
        }
        Ok(found)
    }

    /// The yes or no under one of these names; no when it is not there.
    pub(super) fn flag(&self, names: &[&'static str]) -> Result<bool, Refusal> {
        let mut set = false;
        for name in names.iter().copied() {
            match self.0.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::Bool(flag)) => set |= flag,
                Some(other) => return Err(wrong_type(name, "true or false", other)),
            }
        }
        Ok(set)
    }

    /// The whole number under one of these names, as a number or as its digits.
    pub(super) fn number(&self, names: &[&'static str], default: u32, bounds: &RangeInclusive<u32>) -> Result<u32, Refusal> {
        for name in names.iter().copied() {
            let number = match self.0.get(name) {
                None | Some(Value::Null) => continue,
                Some(Value::Number(number)) => number.as_u64(),
                Some(Value::String(digits)) => digits.parse().ok(),
                Some(other) => return Err(wrong_type(name, "a whole number", other)),
            };
            let number = number.and_then(|number| u32::try_from(number).ok()).filter(|number| bounds.contains(number));
            return number.ok_or_else(|| {
                let seen = shown(&self.0[name].to_string());
                let detail = format!("a whole number from {} to {} is wanted, not {seen}", bounds.start(), bounds.end());
                Refusal::new(RefusalCode::OutOfRange, name, detail)
            });
        }
        Ok(default)
    }
}

fn wrong_type(name: &'static str, wanted: &str, seen: &Value) -> Refusal {
    Refusal::new(RefusalCode::WrongType, name, format!("{wanted} is wanted, not {}", shown(&seen.to_string())))
}
