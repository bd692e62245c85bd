//! The failures that the services name.

use super::answer::Answer;
use crate::safari::DispatchVerdict::{self, Duplicate, Refused, Unknown};
use crate::safari::{DispatchOutcome, Reason, Repeat, Service};

type Named = (&'static str, DispatchVerdict, Reason);

const TWITTER_DM: [Named; 7] = [
    ("user not found", Refused(Repeat::Never), Reason::RecipientNotFound),
    // About the recipient, not about our account.
    ("account suspended", Refused(Repeat::Never), Reason::RecipientUnavailable),
    ("account is protected", Refused(Repeat::Never), Reason::RecipientUnavailable),
    ("could not open dm", Refused(Repeat::Counted), Reason::PageFailed),
    ("dm composer did not open", Refused(Repeat::Counted), Reason::PageFailed),
    ("could not type message", Refused(Repeat::Counted), Reason::PageFailed),
    ("could not find send button", Refused(Repeat::Counted), Reason::PageFailed),
];

const TIKTOK_DM: [Named; 10] = [
    ("already_messaged", Duplicate, Reason::AlreadyMessaged),
    ("already_in_conversation", Duplicate, Reason::AlreadyInConversation),
    ("identity_mismatch", Refused(Repeat::Counted), Reason::IdentityMismatch),
    ("dms_restricted", Refused(Repeat::Never), Reason::RecipientUnavailable),
    ("dm_restricted", Refused(Repeat::Never), Reason::RecipientUnavailable),
    ("event_no_input", Refused(Repeat::Counted), Reason::PageFailed),
    ("event_type_failed", Refused(Repeat::Counted), Reason::PageFailed),
    // Submitted, then refused by TikTok: not for a repeat to find out.
    ("delivery_failed", Unknown, Reason::DeliveryFailed),
    // The next send may carry this text along.
    ("event_not_sent", Unknown, Reason::LeftInComposer),
    ("in_flight", Unknown, Reason::InFlight),
];

const LINKEDIN: [Named; 5] = [
    ("profile page did not load", Refused(Repeat::Counted), Reason::PageFailed),
    // Not connected.
    ("message button not found", Refused(Repeat::Never), Reason::RecipientUnavailable),
    ("failed to click", Refused(Repeat::Counted), Reason::PageFailed),
    ("message input did not appear", Refused(Repeat::Counted), Reason::PageFailed),
    ("failed to type message", Refused(Repeat::Counted), Reason::PageFailed),
];

const COMMENTS: [Named; 19] = [
    ("comments per hour", Refused(Repeat::Free), Reason::HourlyLimit),
    ("/hr limit", Refused(Repeat::Free), Reason::HourlyLimit),
    ("comments per day", Refused(Repeat::Free), Reason::DailyLimit),
    ("/day limit", Refused(Repeat::Free), Reason::DailyLimit),
    ("action_blocked", Refused(Repeat::Free), Reason::ActionBlocked),
    ("not_logged_in", Refused(Repeat::Free), Reason::NotLoggedIn),
    ("comments_disabled", Refused(Repeat::Never), Reason::CommentsClosed),
    ("comments_limited", Refused(Repeat::Never), Reason::CommentsClosed),
    ("comments_off", Refused(Repeat::Never), Reason::CommentsClosed),
    // Of the platform, not of the service.
    ("restriction: rate_limit", Refused(Repeat::Free), Reason::PlatformLimited),
    ("platform error: rate_limit", Refused(Repeat::Free), Reason::PlatformLimited),
    ("platform error: error", Refused(Repeat::Counted), Reason::PageFailed),
    ("reply button not found", Refused(Repeat::Counted), Reason::PageFailed),
    ("composer never appeared", Refused(Repeat::Counted), Reason::PageFailed),
    ("comment input never appeared", Refused(Repeat::Counted), Reason::PageFailed),
    ("could not focus", Refused(Repeat::Counted), Reason::PageFailed),
    ("all typing strategies failed", Refused(Repeat::Counted), Reason::PageFailed),
    ("submit button not found or disabled", Refused(Repeat::Counted), Reason::PageFailed),
    ("no tweet found on page", Refused(Repeat::Counted), Reason::PageFailed),
];

/// The outcome of a failure that the service names; `None` for one that it does not.
pub(super) fn named(service: Service, answer: &Answer) -> Option<DispatchOutcome> {
    let table: &[Named] = match service {
        Service::TwitterDm => &TWITTER_DM,
        Service::TiktokDm => &TIKTOK_DM,
        Service::LinkedinAutomation => &LINKEDIN,
        Service::ThreadsComments | Service::InstagramComments | Service::TiktokComments | Service::TwitterComments => &COMMENTS,
        // instagram-dm tries three ways in one request: whatever the last one names, the first may have submitted.
        Service::InstagramDm | Service::MarketResearch => &[],
    };
    let said = answer.said();
    let lower = said.to_lowercase();
    let found = table.iter().find(|(words, ..)| lower.contains(words)).map(|(_, verdict, reason)| (*verdict, *reason));
    // In small letters only: `Error: …` is an exception, which may have come after the submission.
    let by_twitter = (service == Service::TwitterComments && said.starts_with("error:"))
        .then_some((Refused(Repeat::Counted), Reason::PageFailed));
    let (verdict, reason) = found.or(by_twitter)?;
    let what = match verdict {
        Duplicate => "has reached this person before and did nothing",
        Unknown => "cannot tell whether it arrived",
        _ => "did not send it",
    };
    Some(DispatchOutcome::new(verdict, reason, format!("{service} {what} ({})", answer.summary())))
}
