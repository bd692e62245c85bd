//! One error for the whole core: what kind of failure, whether repeating can help, during which operation.
//!
//! A caller branches on [`ErrorKind`] (or on its stable word, [`ErrorKind::code`]), never on text. Whoever knows
//! whether a repeat can help says so with [`Retry`] where the failure happens; the retry mechanism only reads it.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The core's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as one word a caller can branch on.
///
/// The same words stand in an envelope's `error`, in a problem+json `code` and in the Python exceptions.
///
/// ```
/// use everreach_core::ErrorKind;
/// assert_eq!(ErrorKind::CostCapExceeded.code(), "cost_cap_exceeded");
/// assert_eq!(ErrorKind::from_code("timeout"), Some(ErrorKind::Timeout));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No executor knows the action.
    UnknownAction,
    /// The call's parameters are not what the action takes.
    InvalidParams,
    /// The deadline passed before an answer came; nothing reached the outside world that may not be repeated.
    Timeout,
    /// The cloud is known to be unreachable, so the call was not tried.
    Offline,
    /// The other side could not be reached, or answered with a failure of its own.
    Unreachable,
    /// The action failed too often lately and rests.
    CircuitOpen,
    /// The monthly cap leaves no room for the call.
    CostCapExceeded,
    /// The call would cost money and nobody stated how much.
    Unpriced,
    /// A person has to agree first.
    ApprovalRequired,
    /// The stop switch is set.
    Stopped,
    /// The call may or may not have happened; it is held, never repeated.
    OutcomeUnknown,
    /// The same idempotency key is being worked on right now.
    IdempotencyConflict,
    /// The same idempotency key was used for another request.
    IdempotencyMismatch,
    /// The action's own code failed.
    HandlerError,
    /// No or wrong credentials.
    Unauthorized,
    /// Good credentials without the right to do this.
    Forbidden,
    /// The other side asks for fewer calls.
    RateLimited,
    /// Only the local machine can do this.
    RequiresLocal,
    /// The thing named does not exist.
    NotFound,
    /// The thing exists already or changed meanwhile.
    Conflict,
    /// A setting or a file of settings is wrong.
    Config,
    /// The input does not have the shape that was asked for.
    InvalidInput,
    /// The database failed or holds something unreadable.
    Store,
    /// The database is not usable at the moment (locked, full, gone); the same call may work later.
    StoreUnavailable,
    /// The database was written by a newer version of this program.
    SchemaTooNew,
    /// A failure of this program.
    Internal,
}

impl ErrorKind {
    /// Every kind, in declaration order.
    pub const ALL: [Self; 26] = [
        Self::UnknownAction,
        Self::InvalidParams,
        Self::Timeout,
        Self::Offline,
        Self::Unreachable,
        Self::CircuitOpen,
        Self::CostCapExceeded,
        Self::Unpriced,
        Self::ApprovalRequired,
        Self::Stopped,
        Self::OutcomeUnknown,
        Self::IdempotencyConflict,
        Self::IdempotencyMismatch,
        Self::HandlerError,
        Self::Unauthorized,
        Self::Forbidden,
        Self::RateLimited,
        Self::RequiresLocal,
        Self::NotFound,
        Self::Conflict,
        Self::Config,
        Self::InvalidInput,
        Self::Store,
        Self::StoreUnavailable,
        Self::SchemaTooNew,
        Self::Internal,
    ];

    /// The stable word for this kind.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::UnknownAction => "unknown_action",
            Self::InvalidParams => "invalid_params",
            Self::Timeout => "timeout",
            Self::Offline => "offline",
            Self::Unreachable => "unreachable",
            Self::CircuitOpen => "circuit_open",
            Self::CostCapExceeded => "cost_cap_exceeded",
            Self::Unpriced => "unpriced",
            Self::ApprovalRequired => "approval_required",
            Self::Stopped => "stopped",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::HandlerError => "handler_error",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::RateLimited => "rate_limited",
            Self::RequiresLocal => "requires_local",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Config => "config",
            Self::InvalidInput => "invalid_input",
            Self::Store => "store",
            Self::StoreUnavailable => "store_unavailable",
            Self::SchemaTooNew => "schema_too_new",
            Self::Internal => "internal",
        }
    }

    /// The kind a stable word stands for; `None` for a word that is not ours.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let code = Cow::<'de, str>::deserialize(deserializer)?;
        Self::from_code(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown error word `{code}`")))
    }
}

/// Whether doing the same again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// The answer would be the same.
    Never,
    /// Worth another try, not before this long (zero: at the caller's own pace).
    Later(Duration),
    /// Nobody knows whether the first try took effect.
    Unknown,
}

/// A failure: kind, retry status, operation, context pairs and source.
///
/// `Display` is one short line for people; `Debug` shows everything for logs.
///
/// ```
/// use everreach_core::{Error, ErrorKind};
/// let error = Error::new(ErrorKind::InvalidInput, "an action name has the form `service.topic`")
///     .with_operation("parse action")
///     .with("seen", "DM Send");
/// assert_eq!(error.to_string(), "an action name has the form `service.topic` (seen: DM Send)");
/// assert_eq!(error.kind(), ErrorKind::InvalidInput);
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    retry: Retry,
    message: Cow<'static, str>,
    operation: &'static str,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync + 'static>>,
}

impl Error {
    /// A failure of this kind; `message` is a lower-case sentence without values, those go into [`Error::with`].
    ///
    /// The retry status starts at the kind's usual one: [`Retry::Later`] for what tends to pass, else [`Retry::Never`].
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let retry = match kind {
            ErrorKind::OutcomeUnknown => Retry::Unknown,
            ErrorKind::Timeout
            | ErrorKind::Offline
            | ErrorKind::Unreachable
            | ErrorKind::CircuitOpen
            | ErrorKind::RateLimited
            | ErrorKind::StoreUnavailable
            | ErrorKind::IdempotencyConflict => Retry::Later(Duration::ZERO),
            _ => Retry::Never,
        };
        Self {
            inner: Box::new(Inner { kind, retry, message: message.into(), operation: "", context: Vec::new(), source: None }),
        }
    }

    /// Names what was being done.
    #[must_use]
    pub fn with_operation(mut self, operation: &'static str) -> Self {
        self.inner.operation = operation;
        self
    }

    /// Adds one value worth knowing, in order.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((key, value.to_string()));
        self
    }

    /// Keeps the failure underneath.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Says whether a repeat can help, where that differs from the kind's usual.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.inner.retry = retry;
        self
    }

    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether a repeat can help.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.inner.retry
    }

    /// The sentence without the context values.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What was being done, empty when nobody said.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.inner.operation
    }

    /// The context pairs, in the order they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.inner.context.iter().map(|(key, value)| (*key, value.as_str()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        for (index, (key, value)) in self.inner.context.iter().enumerate() {
            let lead = if index == 0 { " (" } else { ", " };
            write!(f, "{lead}{key}: {value}")?;
        }
        if !self.inner.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.inner.kind, self.inner.message)?;
        if !self.inner.operation.is_empty() {
            write!(f, "\n  during: {}", self.inner.operation)?;
        }
        for (key, value) in &self.inner.context {
            write!(f, "\n  {key}: {value}")?;
        }
        write!(f, "\n  retry: {:?}", self.inner.retry)?;
        let mut source = self.inner.source.as_deref().map(|source| source as &dyn std::error::Error);
        while let Some(error) = source {
            write!(f, "\n  caused by: {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_word_and_reads_back() {
        let mut words: Vec<_> = ErrorKind::ALL.into_iter().map(ErrorKind::code).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorKind::ALL.len());
        for kind in ErrorKind::ALL {
            assert_eq!(ErrorKind::from_code(kind.code()), Some(kind));
        }
    }

    #[test]
    fn display_is_one_line_and_debug_shows_operation_and_source() {
        let error = Error::new(ErrorKind::Store, "a row cannot be read")
            .with_operation("load call")
            .with("column", "envelope")
            .with_source(std::io::Error::other("cut short"));
        assert_eq!(error.to_string(), "a row cannot be read (column: envelope)");
        let debug = format!("{error:?}");
        assert!(debug.contains("during: load call") && debug.contains("caused by: cut short"), "{debug}");
    }

    #[test]
    fn an_unknown_outcome_is_never_marked_as_repeatable() {
        assert_eq!(Error::new(ErrorKind::OutcomeUnknown, "cut off").retry(), Retry::Unknown);
    }
}
