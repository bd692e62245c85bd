//! User names.

use super::refusal::{Refusal, RefusalCode, shown};

const LONGEST: usize = 100;

/// A user name without its `@`: one to a hundred of `A-Z a-z 0-9 . _ -`, at least one of them a letter or a digit.
pub(super) fn handle(field: &'static str, text: &str) -> Result<String, Refusal> {
    forbid(field, text)?;
    let name = text.strip_prefix('@').unwrap_or(text);
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let has_name = name.chars().any(|c| c.is_ascii_alphanumeric());
    if name.len() > LONGEST || !has_name || !name.chars().all(is_allowed) {
        let detail = format!(
            "a user name is 1 to {LONGEST} letters, digits, dots, dashes and underscores after one optional @, not \"{}\"",
            shown(text)
        );
        return Err(Refusal::new(RefusalCode::InvalidHandle, field, detail));
    }
    Ok(name.to_owned())
}

/// Refuses the characters that end a quoted string in a shell or in a script, and blanks.
pub(super) fn forbid(field: &'static str, text: &str) -> Result<(), Refusal> {
    let Some(c) = text.chars().find(|c| is_forbidden(*c)) else { return Ok(()) };
    let what = match c {
        '\'' | '"' => "a quote",
        '`' => "a backtick",
        '\\' => "a backslash",
        '$' => "a dollar sign",
        c if c.is_control() => "a control character",
        _ => "a blank",
    };
    let detail = format!("{what} may not stand here: it could end a shell command on the Mac; seen \"{}\"", shown(text));
    Err(Refusal::new(RefusalCode::ForbiddenCharacter, field, detail))
}

pub(super) fn is_forbidden(c: char) -> bool {
    matches!(c, '\'' | '"' | '`' | '\\' | '$') || c.is_whitespace() || c.is_control()
}
