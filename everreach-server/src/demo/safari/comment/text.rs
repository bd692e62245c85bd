//! What becomes of a comment's text on its way out.

/// Words that twitter-comments takes for SQL.
const FILTERED: [&str; 10] = ["select", "insert", "update", "delete", "drop", "create", "alter", "exec", "union", "script"];

/// What is posted when nobody says what.
pub(super) const CANNED: &str = "Great post!";

/// What is posted when the service is to think of something.
pub(super) const THOUGHT_UP: &str = "This is a thoughtful take, thanks for sharing.";

/// The text as twitter-comments posts it: the words that it takes for SQL are marked, in public.
pub(super) fn filtered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    for c in text.chars().chain(std::iter::once('\0')) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if FILTERED.contains(&word.to_lowercase().as_str()) {
            out.push_str("[FILTERED:");
            out.push_str(&word);
            out.push(']');
        } else {
            out.push_str(&word);
        }
        word.clear();
        out.push(c);
    }
    out.pop();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_sql_are_marked_in_any_case_and_others_stay() {
        assert_eq!(filtered("Love what you create"), "Love what you [FILTERED:create]");
        assert_eq!(filtered("Drop by, creator!"), "[FILTERED:Drop] by, creator!");
        assert_eq!(filtered(""), "");
    }
}
