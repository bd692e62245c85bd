//! Texts.

use super::refusal::{Refusal, RefusalCode, shown};
use crate::safari::{LimitedAction, Platform};

/// What twitter-comments replaces by `[FILTERED:word]`, in any case, in public.
const REWRITTEN: [&str; 10] = ["select", "insert", "update", "delete", "drop", "create", "alter", "exec", "union", "script"];
const LONGEST: usize = 10_000;
const LONGEST_REPLY: usize = 280;

/// How much text a service takes, in UTF-16 units, which is how the services count.
pub(super) const fn longest(platform: Platform, action: LimitedAction) -> usize {
    match (platform, action) {
        (Platform::Twitter, LimitedAction::Comment) => LONGEST_REPLY,
        _ => LONGEST,
    }
}

/// A text as it may be sent: control characters but newline and tab dropped, not blank, nothing that a shell would run.
pub(super) fn clean(field: &'static str, text: &str, longest: usize) -> Result<Option<String>, Refusal> {
    let clean: String = text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    if clean.trim().is_empty() {
        return Ok(None);
    }
    let syntax = [("`", "a backtick"), ("\\", "a backslash"), ("$(", "a dollar sign before a parenthesis")];
    if let Some((_, what)) = syntax.iter().find(|(syntax, _)| clean.contains(syntax)) {
        let detail = format!("{what} may not stand in a text: it may be typed through a shell on the Mac; take it out");
        return Err(Refusal::new(RefusalCode::ShellSyntax, field, detail));
    }
    let length = clean.encode_utf16().count();
    if length > longest {
        let detail = format!("at most {longest} characters are taken, not {length}; the text begins \"{}\"", shown(&clean));
        return Err(Refusal::new(RefusalCode::TextTooLong, field, detail));
    }
    Ok(Some(clean))
}

/// Refuses what twitter-comments would rewrite. Words end where JavaScript's `\b` ends them: at anything but ASCII letters,
/// digits and the underscore.
pub(super) fn no_rewritten_word(field: &'static str, text: &str) -> Result<(), Refusal> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let Some(word) = words.find(|word| REWRITTEN.iter().any(|rewritten| rewritten.eq_ignore_ascii_case(word))) else {
        return Ok(());
    };
    let detail = format!("the service would post [FILTERED:{word}] instead of \"{word}\"; use another word");
    Err(Refusal::new(RefusalCode::RewrittenWord, field, detail))
}
