//! Why a try ended as it did: one stable code each.

use std::fmt;

use serde::{Serialize, Serializer};

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

/// Why a platform, or one kind of action on it, has to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HaltCause {
    /// A captcha, which a person has to solve; never solved here.
    Captcha,
    /// Signed out: a person has to sign in.
    Login,
    /// This kind of action is blocked for a while.
    ActionBlock,
    /// The platform limits the account.
    PlatformLimit,
    /// The account is restricted or suspended.
    Restricted,
}

impl HaltCause {
    /// The word for it in tables and answers.
    ///
    /// ```
    /// assert_eq!(everreach_core::safari::HaltCause::ActionBlock.as_str(), "action_block");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Captcha => "captcha",
            Self::Login => "login",
            Self::ActionBlock => "action_block",
            Self::PlatformLimit => "platform_limit",
            Self::Restricted => "restricted",
        }
    }
}

impl fmt::Display for HaltCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
