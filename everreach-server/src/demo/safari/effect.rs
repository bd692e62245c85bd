//! What a scenario does to a request.

use serde_json::Value;

use super::exchange::Reply;

/// Which side of the press something happens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// What is filled into the bodies of the table: `$service`, `$platform` and `$target`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blanks<'a> {
    pub(super) service: &'a str,
    pub(super) platform: &'a str,
    pub(super) target: &'a str,
}

/// What becomes of an action. Bodies are JSON, with [`Blanks`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Effect {
    /// It works.
    Works,
    /// It works, with these fields of the answer changed; null takes one out.
    WorksWith(&'static str),
    /// It is submitted twice, and the answer has these fields changed.
    WorksTwice(&'static str),
    /// It is answered with this.
    Says(When, u16, &'static str),
    /// It is answered with this and a `Retry-After` in seconds.
    SaysLater(u64, u16, &'static str),
    /// It is submitted, answered with this, and the process ends.
    SaysLast(u16, &'static str),
    /// It is answered with a page.
    ShowsPage(When, u16),
    /// It is never answered.
    Hangs(When),
    /// Its connection is reset.
    Resets(When),
    /// Its connection ends without an answer.
    Hushes(When),
    /// Its connection is reset and the process ends.
    Crashes(When),
    /// Every path but `/health` is refused like this before it is looked at.
    Door(u16, &'static str),
    /// Every path but `/health` is refused for coming too often.
    TooOften,
    /// Safari has no tab for it.
    NoTab,
    /// No session can be made sure of.
    NoSession,
    /// `/health` is never answered.
    HealthHangs,
    /// `/health` answers with this.
    HealthSays(u16, &'static str),
    /// `/health` answers with a page.
    HealthShowsPage,
    /// What the page says of the account.
    Account { is_logged_in: bool, standing: &'static str },
    /// Nothing listens.
    Down,
}

impl Effect {
    /// What is answered without a press; `None` when it comes to one.
    pub(super) fn before(self, blanks: Blanks<'_>) -> Option<Reply> {
        match self {
            Self::Says(When::Before, status, body) => Some(Reply::Json(status, filled(body, blanks))),
            Self::SaysLater(seconds, status, body) => Some(Reply::Later(seconds, status, filled(body, blanks))),
            Self::ShowsPage(When::Before, status) => Some(page(status)),
            Self::Hangs(When::Before) => Some(Reply::Silence),
            Self::Resets(When::Before) => Some(Reply::Reset),
            Self::Hushes(When::Before) => Some(Reply::Empty),
            Self::Crashes(When::Before) => Some(Reply::Last(Box::new(Reply::Reset))),
            _ => None,
        }
    }

    /// How often Send is pressed.
    pub(super) const fn presses(self) -> usize {
        if matches!(self, Self::WorksTwice(_)) { 2 } else { 1 }
    }

    /// Whether the work comes to its end, whatever the caller hears of it.
    pub(super) const fn finishes(self) -> bool {
        match self {
            Self::Says(When::After, status, _) => matches!(status, 502 | 504),
            Self::Crashes(_) | Self::SaysLast(..) => false,
            _ => true,
        }
    }

    /// What is answered once it is done; `success` is what the service says when all is well.
    pub(super) fn after(self, success: Value, blanks: Blanks<'_>) -> Reply {
        match self {
            Self::WorksWith(patch) | Self::WorksTwice(patch) => Reply::ok(patched(success, filled(patch, blanks))),
            Self::Says(When::After, status, body) => Reply::Json(status, filled(body, blanks)),
            Self::SaysLast(status, body) => Reply::Last(Box::new(Reply::Json(status, filled(body, blanks)))),
            Self::ShowsPage(When::After, status) => page(status),
            Self::Hangs(When::After) => Reply::Silence,
            Self::Resets(When::After) => Reply::Reset,
            Self::Hushes(When::After) => Reply::Empty,
            Self::Crashes(When::After) => Reply::Last(Box::new(Reply::Reset)),
            _ => Reply::ok(success),
        }
    }
}

fn page(status: u16) -> Reply {
    Reply::Page(
        status,
        "<!DOCTYPE html>\n<html><head><title>Safari</title></head><body>Something else</body></html>\n".to_owned(),
    )
}

/// A body of the table, filled in.
pub(super) fn filled(body: &str, blanks: Blanks<'_>) -> Value {
    let mut value = serde_json::from_str(body).unwrap_or_default();
    fill(&mut value, blanks);
    value
}

fn fill(value: &mut Value, blanks: Blanks<'_>) {
    match value {
        Value::String(text) if text.contains('$') => {
            *text =
                text.replace("$service", blanks.service).replace("$platform", blanks.platform).replace("$target", blanks.target);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, blanks)),
        Value::Object(fields) => fields.values_mut().for_each(|field| fill(field, blanks)),
        _ => {}
    }
}

fn patched(mut body: Value, patch: Value) -> Value {
    if let (Value::Object(fields), Value::Object(changes)) = (&mut body, patch) {
        for (name, change) in changes {
            if change.is_null() {
                fields.remove(&name);
            } else {
                fields.insert(name, change);
            }
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOB: Blanks<'_> = Blanks { service: "instagram-dm", platform: "instagram", target: "bob" };

    #[test]
    fn a_patch_changes_and_takes_out() {
        let effect = Effect::WorksWith(r#"{"strategy": "inbox", "verified": null}"#);
        let success = json!({"success": true, "verified": true, "strategy": "profile"});
        assert_eq!(effect.after(success, BOB), Reply::ok(json!({"success": true, "strategy": "inbox"})));
    }

    #[test]
    fn a_target_is_filled_in_as_a_text_whatever_it_holds() {
        let effect = Effect::Says(When::Before, 400, r#"{"error": "already_messaged: $target"}"#);
        let reply = effect.before(Blanks { target: "a\"b", ..BOB });
        assert_eq!(reply, Some(Reply::Json(400, json!({"error": "already_messaged: a\"b"}))));
        assert_eq!(Effect::Works.before(BOB), None);
    }
}
