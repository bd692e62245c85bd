//! Why a try ended as it did: one stable code each.

use std::fmt;

use serde::{Serialize, Serializer};

use super::HaltCause;
use crate::safari::gate::RefusalCode;

/// Why a try ended as it did.
///
/// ```
/// use everreach_core::safari::{HaltCause, Reason};
/// assert_eq!(Reason::NoTab.code(), "no_tab");
/// assert_eq!(Reason::Captcha.halt(), Some(HaltCause::Captcha));
/// assert_eq!(Reason::RecipientUnavailable.halt(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Done, and seen to be done.
    Verified,
    /// Done, as far as the service can tell; nothing to see.
    Done,
    /// Submitted, and not seen on the page.
    Unverified,
    /// The service has messaged this person before.
    AlreadyMessaged,
    /// The inbox shows a conversation with this person.
    AlreadyInConversation,
    /// The input gate refused it.
    Gate(RefusalCode),
    /// The service could not be reached; nothing was sent.
    ServiceUnreachable,
    /// Somebody else answers at the service's address.
    WrongService,
    /// The service refused the token.
    TokenRefused,
    /// The service refused the parameters.
    InvalidRequest,
    /// The service does not know the address.
    NotFound,
    /// Too many requests, says the service.
    RateLimited,
    /// The service is outside its hours.
    OutsideHours,
    /// The service's hourly limit is reached.
    HourlyLimit,
    /// The service's daily limit is reached.
    DailyLimit,
    /// Another automation holds Safari.
    SafariBusy,
    /// Another send to the same person is running.
    InFlight,
    /// Safari has no tab for the service.
    NoTab,
    /// No session could be made sure of.
    NoSession,
    /// The service is not ready for another reason.
    ServiceUnavailable,
    /// There is no such person.
    RecipientNotFound,
    /// The person cannot be written to.
    RecipientUnavailable,
    /// The conversation that opened is somebody else's.
    IdentityMismatch,
    /// The page did not load or did not show what was needed, before anything was submitted.
    PageFailed,
    /// Comments are closed under the post.
    CommentsClosed,
    /// The platform refused after the submission.
    DeliveryFailed,
    /// The text still sits in the input box.
    LeftInComposer,
    /// The platform itself limits the account.
    PlatformLimited,
    /// The platform blocked this kind of action.
    ActionBlocked,
    /// The platform wants to see a person.
    Captcha,
    /// The account is signed out.
    NotLoggedIn,
    /// The account is restricted.
    AccountRestricted,
    /// A search found nothing, or its page did not load.
    NoResults,
    /// The service said that it failed, not how far it got.
    ServiceFailed,
    /// No answer came in time.
    TimedOut,
    /// The connection broke after the request was sent.
    ConnectionLost,
    /// The answer could not be understood.
    BadAnswer,
    /// A program could not be started.
    NotStarted,
    /// A program ended with a failure.
    ProgramFailed,
    /// The worker that had it vanished after it was dispatched.
    WorkerLost,
    /// Only a Mac can do this.
    NeedsMac,
}

impl Reason {
    /// Every reason but the gate's own.
    pub const ALL: [Self; 40] = [
        Self::Verified,
        Self::Done,
        Self::Unverified,
        Self::AlreadyMessaged,
        Self::AlreadyInConversation,
        Self::ServiceUnreachable,
        Self::WrongService,
        Self::TokenRefused,
        Self::InvalidRequest,
        Self::NotFound,
        Self::RateLimited,
        Self::OutsideHours,
        Self::HourlyLimit,
        Self::DailyLimit,
        Self::SafariBusy,
        Self::InFlight,
        Self::NoTab,
        Self::NoSession,
        Self::ServiceUnavailable,
        Self::RecipientNotFound,
        Self::RecipientUnavailable,
        Self::IdentityMismatch,
        Self::PageFailed,
        Self::CommentsClosed,
        Self::DeliveryFailed,
        Self::LeftInComposer,
        Self::PlatformLimited,
        Self::ActionBlocked,
        Self::Captcha,
        Self::NotLoggedIn,
        Self::AccountRestricted,
        Self::NoResults,
        Self::ServiceFailed,
        Self::TimedOut,
        Self::ConnectionLost,
        Self::BadAnswer,
        Self::NotStarted,
        Self::ProgramFailed,
        Self::WorkerLost,
        Self::NeedsMac,
    ];

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Done => "done",
            Self::Unverified => "unverified",
            Self::AlreadyMessaged => "already_messaged",
            Self::AlreadyInConversation => "already_in_conversation",
            Self::Gate(code) => code.as_str(),
            Self::ServiceUnreachable => "service_unreachable",
            Self::WrongService => "wrong_service",
            Self::TokenRefused => "token_refused",
            Self::InvalidRequest => "invalid_request",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::OutsideHours => "outside_hours",
            Self::HourlyLimit => "hourly_limit",
            Self::DailyLimit => "daily_limit",
            Self::SafariBusy => "safari_busy",
            Self::InFlight => "in_flight",
            Self::NoTab => "no_tab",
            Self::NoSession => "no_session",
            Self::ServiceUnavailable => "service_unavailable",
            Self::RecipientNotFound => "recipient_not_found",
            Self::RecipientUnavailable => "recipient_unavailable",
            Self::IdentityMismatch => "identity_mismatch",
            Self::PageFailed => "page_failed",
            Self::CommentsClosed => "comments_closed",
            Self::DeliveryFailed => "delivery_failed",
            Self::LeftInComposer => "left_in_composer",
            Self::PlatformLimited => "platform_limited",
            Self::ActionBlocked => "action_blocked",
            Self::Captcha => "captcha",
            Self::NotLoggedIn => "not_logged_in",
            Self::AccountRestricted => "account_restricted",
            Self::NoResults => "no_results",
            Self::ServiceFailed => "service_failed",
            Self::TimedOut => "timed_out",
            Self::ConnectionLost => "connection_lost",
            Self::BadAnswer => "bad_answer",
            Self::NotStarted => "not_started",
            Self::ProgramFailed => "program_failed",
            Self::WorkerLost => "worker_lost",
            Self::NeedsMac => "needs_mac",
        }
    }

    /// The reason that a stored code stands for; `None` for a code that is not ours.
    ///
    /// ```
    /// use everreach_core::safari::Reason;
    /// use everreach_core::safari::gate::RefusalCode;
    /// assert_eq!(Reason::from_code("no_tab"), Some(Reason::NoTab));
    /// assert_eq!(Reason::from_code("short_link"), Some(Reason::Gate(RefusalCode::ShortLink)));
    /// ```
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let of_the_gate = || RefusalCode::ALL.into_iter().find(|refusal| refusal.as_str() == code).map(Self::Gate);
        Self::ALL.into_iter().find(|reason| reason.code() == code).or_else(of_the_gate)
    }

    /// What has to stop because of it, beyond the command.
    #[must_use]
    pub const fn halt(self) -> Option<HaltCause> {
        match self {
            Self::Captcha => Some(HaltCause::Captcha),
            Self::NotLoggedIn => Some(HaltCause::Login),
            Self::ActionBlocked => Some(HaltCause::ActionBlock),
            Self::PlatformLimited => Some(HaltCause::PlatformLimit),
            Self::AccountRestricted => Some(HaltCause::Restricted),
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_code_and_reads_back() {
        let gate = RefusalCode::ALL.map(Reason::Gate);
        let mut codes: Vec<_> = Reason::ALL.iter().chain(&gate).map(|reason| reason.code()).collect();
        for code in &codes {
            assert_eq!(Reason::from_code(code).map(Reason::code), Some(*code));
        }
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        assert_eq!(Reason::from_code("fine"), None);
    }
}
