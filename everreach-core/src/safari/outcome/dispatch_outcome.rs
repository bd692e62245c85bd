//! The outcome of one try.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{DispatchVerdict, HaltCause, Reason, Repeat};

/// What became of one try: the verdict, a stable reason and a sentence.
///
/// ```
/// use everreach_core::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat};
/// let outcome = DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "Safari has no tab open for twitter-dm");
/// assert_eq!(outcome.verdict, DispatchVerdict::Refused(Repeat::Free));
/// assert_eq!(outcome.reason.code(), "no_tab");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DispatchOutcome {
    /// The verdict.
    pub verdict: DispatchVerdict,
    /// Why.
    pub reason: Reason,
    /// The same as a sentence, with what the service said.
    pub detail: Cow<'static, str>,
    /// The service's answer, where there was one and it was JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// How long the service asked to be left alone.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl DispatchOutcome {
    /// An outcome without an answer.
    #[must_use]
    pub fn new(verdict: DispatchVerdict, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { verdict, reason, detail: detail.into(), answer: None, retry_after: None }
    }

    /// Done, and seen to be done.
    #[must_use]
    pub fn sent(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DispatchVerdict::Sent, Reason::Verified, detail)
    }

    /// Done, by something that sends nothing.
    #[must_use]
    pub fn done(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DispatchVerdict::Sent, Reason::Done, detail)
    }

    /// Certainly not submitted.
    #[must_use]
    pub fn refused(repeat: Repeat, reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DispatchVerdict::Refused(repeat), reason, detail)
    }

    /// Nobody knows whether it was submitted.
    #[must_use]
    pub fn unknown(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(DispatchVerdict::Unknown, reason, detail)
    }

    /// Keeps the service's answer.
    #[must_use]
    pub fn with_answer(mut self, answer: impl Into<Option<Value>>) -> Self {
        self.answer = answer.into();
        self
    }

    /// Says how long the service asked to be left alone.
    #[must_use]
    pub fn with_retry_after(mut self, wait: impl Into<Option<Duration>>) -> Self {
        self.retry_after = wait.into();
        self
    }

    /// What has to stop because of it, beyond the command.
    ///
    /// ```
    /// use everreach_core::safari::{DispatchOutcome, HaltCause, Reason};
    /// let outcome = DispatchOutcome::unknown(Reason::PlatformLimited, "the platform limits the account");
    /// assert_eq!(outcome.halt(), Some(HaltCause::PlatformLimit));
    /// ```
    #[must_use]
    pub const fn halt(&self) -> Option<HaltCause> {
        self.reason.halt()
    }
}
