//! How a command ends: one table from kinds of failure to exit codes, and the failure itself as people and programs read it.

use std::process::ExitCode;

use everreach_core::{Error, ErrorKind, Id};
use serde_json::{Value, json};

use crate::problem::status_of;

/// Exit codes of the command line.
///
/// ```
/// use everreach_core::ErrorKind;
/// use everreach_server::exit::Exit;
/// assert_eq!(Exit::of(ErrorKind::CostCapExceeded).code(), 6);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Exit {
    /// Done.
    Ok,
    /// It failed.
    Failed,
    /// The command line, the input or a setting is wrong.
    Usage,
    /// What was named does not exist.
    NotFound,
    /// No key, or one without the right.
    NotAllowed,
    /// It exists already, or changed meanwhile.
    Conflict,
    /// Policy or the budget refused it.
    Refused,
    /// It did not finish in time.
    TimedOut,
    /// Ctrl-C.
    Interrupted,
}

impl Exit {
    /// The number the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::NotAllowed => 4,
            Self::Conflict => 5,
            Self::Refused => 6,
            Self::TimedOut => 7,
            Self::Interrupted => 130,
        }
    }

    /// The code for a kind of failure: the table.
    #[must_use]
    pub const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput | ErrorKind::InvalidParams | ErrorKind::Config => Self::Usage,
            ErrorKind::UnknownAction | ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Unauthorized | ErrorKind::Forbidden => Self::NotAllowed,
            ErrorKind::Conflict | ErrorKind::IdempotencyConflict | ErrorKind::IdempotencyMismatch => Self::Conflict,
            ErrorKind::CostCapExceeded
            | ErrorKind::Unpriced
            | ErrorKind::ApprovalRequired
            | ErrorKind::Stopped
            | ErrorKind::RateLimited
            | ErrorKind::RequiresLocal => Self::Refused,
            ErrorKind::Timeout => Self::TimedOut,
            _ => Self::Failed,
        }
    }

    /// The code for a stable word and, where the word is a stranger, for an HTTP status.
    fn of_answer(code: Option<&str>, status: u64) -> Self {
        match (code.and_then(ErrorKind::from_code), status) {
            (Some(kind), _) => Self::of(kind),
            (None, 400 | 413 | 415 | 422) => Self::Usage,
            (None, 401 | 403) => Self::NotAllowed,
            (None, 404) => Self::NotFound,
            (None, 409) => Self::Conflict,
            (None, 429) => Self::Refused,
            (None, 408 | 504) => Self::TimedOut,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ends early.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// Something of our own failed.
    Error(Error),
    /// The API refused, with this problem+json.
    Problem(Value),
    /// Everything worth saying is said already; only the code is left.
    Quiet(Exit),
}

/// The result of a command.
pub type Outcome<T = ()> = std::result::Result<T, Failure>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<std::io::Error> for Failure {
    /// A reader that went away is no failure: the pipe ends quietly.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::Quiet(Exit::Ok);
        }
        let text = error.to_string();
        Self::Error(Error::new(ErrorKind::Internal, "input or output failed").with("cause", text).with_source(error))
    }
}

impl Failure {
    /// A mistake on the command line.
    pub(crate) fn usage(message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Self::Error(Error::new(ErrorKind::InvalidInput, message))
    }

    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Error(error) => Exit::of(error.kind()),
            Self::Problem(problem) => Exit::of_answer(problem["code"].as_str(), problem["status"].as_u64().unwrap_or_default()),
            Self::Quiet(exit) => *exit,
        }
    }

    /// The failure as a problem+json object; `None` when there is nothing left to say.
    #[must_use]
    pub fn problem(&self) -> Option<Value> {
        match self {
            Self::Error(error) => Some(json!({
                "type": format!("urn:everreach:problem:{}", error.kind()),
                "title": error.message(),
                "status": status_of(error.kind()).as_u16(),
                "detail": error.to_string(),
                "code": error.kind(),
                "request_id": Id::new(),
            })),
            Self::Problem(problem) => Some(problem.clone()),
            Self::Quiet(_) => None,
        }
    }

    /// The failure as lines for people; `None` when there is nothing left to say.
    #[must_use]
    pub fn lines(&self) -> Option<String> {
        match self {
            Self::Error(error) => {
                let context = error.context().map(|(key, value)| format!("\n  {key}: {value}"));
                Some(std::iter::once(error.message().to_owned()).chain(context).collect())
            }
            Self::Problem(problem) => {
                let word = |name: &str| problem[name].as_str().unwrap_or_default();
                let head = if word("detail").is_empty() { word("title") } else { word("detail") };
                let parts = problem["errors"].as_array().into_iter().flatten();
                let parts = parts.map(|part| {
                    format!(
                        "\n  {}: {}",
                        part["pointer"].as_str().unwrap_or_default(),
                        part["detail"].as_str().unwrap_or_default()
                    )
                });
                let hint = match problem["status"].as_u64() {
                    Some(401) => {
                        "\n  fix: put a key into EVERREACH_KEY or a file given with --key-file; `everreach keys create` makes one"
                    }
                    Some(403) if word("code") == "forbidden" => {
                        "\n  fix: use a key with the scope this needs; `everreach keys list` shows them"
                    }
                    _ => "",
                };
                Some(std::iter::once(format!("{head} ({})", word("code"))).chain(parts).chain([hint.to_owned()]).collect())
            }
            Self::Quiet(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_its_documented_code() {
        for (code, words) in [
            (2, &["invalid_input", "invalid_params", "config"][..]),
            (3, &["unknown_action", "not_found"]),
            (4, &["unauthorized", "forbidden"]),
            (5, &["conflict", "idempotency_conflict", "idempotency_mismatch"]),
            (6, &["cost_cap_exceeded", "unpriced", "approval_required", "stopped", "rate_limited", "requires_local"]),
            (7, &["timeout"]),
            (1, &["offline", "unreachable", "circuit_open", "outcome_unknown", "handler_error", "store", "internal"]),
        ] {
            for word in words {
                assert_eq!(Exit::of(ErrorKind::from_code(word).expect("a word")).code(), code, "{word}");
            }
        }
    }

    #[test]
    fn a_problem_with_a_strange_word_is_judged_by_its_status() {
        let exit = |problem| Failure::Problem(problem).exit().code();
        assert_eq!(exit(json!({"code": "foreign_host", "status": 403})), 4);
        assert_eq!(exit(json!({"code": "payload_too_large", "status": 413})), 2);
        assert_eq!(exit(json!({"code": "stopped", "status": 503})), 6);
        assert_eq!(exit(json!({})), 1);
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let failure = Failure::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.lines()), (Exit::Ok, None));
    }

    #[test]
    fn people_get_the_sentence_first_and_each_value_on_its_own_line() {
        let error = Error::new(ErrorKind::Config, "EVERREACH_ENV must be local").with("seen", "clod").with("from", ".env");
        assert_eq!(Failure::from(error).lines().expect("lines"), "EVERREACH_ENV must be local\n  seen: clod\n  from: .env");
    }
}
