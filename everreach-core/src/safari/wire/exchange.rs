//! What came of a request, and what that means.

use http::{HeaderMap, StatusCode};

use super::answer::Answer;
use super::{comment, direct_message, navigation, research};
use crate::Timestamp;
use crate::safari::gate::{Dispatchable, Work};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat};

/// What came of one request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Exchange<'a> {
    /// An answer, whole.
    Answered {
        /// Its status.
        status: StatusCode,
        /// Its headers.
        headers: &'a HeaderMap,
        /// Its body.
        body: &'a [u8],
    },
    /// No byte of the request left: the name was not found, the connection was refused.
    NotSent(&'a str),
    /// The request left, and no answer came in time.
    TimedOut,
    /// The request left, and the connection broke or the answer ended early.
    Broken(&'a str),
}

/// What an exchange means for the command. `now` is for `Retry-After` dates.
///
/// For what reaches people (messages and comments):
///
/// | exchange | verdict |
/// |---|---|
/// | no byte left | refused, counted |
/// | timeout, reset, empty reply | unknown |
/// | 2xx, `success: true`, `verified: true` | sent |
/// | 2xx, `success: true` | sent, unverified (instagram-comments never says more) |
/// | 2xx or 400, `success: false`, a refusal that the contract names | refused; *duplicate* for `already_…` of tiktok-dm |
/// | 2xx or 400, `success: false`, anything else | unknown |
/// | 400 without `success`, 404, 405, 413, 415, 422 | refused for good |
/// | 401, 403 | refused, counted |
/// | 404 of instagram-dm | refused with `profileError`, else unknown |
/// | 429 | refused without using up a repeat; `in_flight` is unknown |
/// | 503 | refused without using up a repeat |
/// | 500 of a comment that names the navigation | refused, counted |
/// | all else | unknown |
///
/// Searches and pages do no harm twice: what would be unknown is a counted refusal there.
///
/// ```
/// use everreach_core::safari::wire::{Exchange, judge};
/// use everreach_core::safari::{Command, DispatchVerdict, Platform, gate::check};
/// use http::{HeaderMap, StatusCode};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let dm = check(&Command::dm(Platform::Twitter, "bob", "hello", now))?;
/// let headers = HeaderMap::new();
/// let body = br#"{"success": true, "verified": true}"#;
/// let outcome = judge(&dm, &Exchange::Answered { status: StatusCode::OK, headers: &headers, body }, now);
/// assert_eq!(outcome.verdict, DispatchVerdict::Sent);
/// assert_eq!(judge(&dm, &Exchange::TimedOut, now).verdict, DispatchVerdict::Unknown);
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[must_use]
pub fn judge(command: &Dispatchable, exchange: &Exchange<'_>, now: Timestamp) -> DispatchOutcome {
    let Some(service) = command.service() else {
        return doubt(command, Reason::BadAnswer, "an answer came, though no service carries this out".to_owned());
    };
    let answer = match exchange {
        Exchange::Answered { status, headers, body } => Answer::read(*status, headers, body, now),
        Exchange::NotSent(why) => {
            let hint = service.profile().down_hint().map_or_else(String::new, |hint| format!("; {hint}"));
            let detail = format!("{service} could not be reached, nothing was sent: {why}{hint}");
            return DispatchOutcome::refused(Repeat::Counted, Reason::ServiceUnreachable, detail);
        }
        Exchange::TimedOut => return doubt(command, Reason::TimedOut, format!("{service} did not answer in time")),
        Exchange::Broken(why) => {
            return doubt(command, Reason::ConnectionLost, format!("the connection to {service} broke: {why}"));
        }
    };
    let mut outcome = match command.work() {
        Work::Dm(_) => direct_message::judge(service, &answer),
        Work::Comment(_) => comment::judge(service, &answer),
        Work::Research(_) => research::judge(service, &answer),
        _ => navigation::judge(service, &answer),
    };
    if outcome.verdict == DispatchVerdict::Unknown && !command.verb().is_outward() {
        outcome.verdict = DispatchVerdict::Refused(Repeat::Counted);
    }
    outcome.with_answer(answer.into_body())
}

/// The request left and nobody knows what it did: held when it reaches people, repeated when it does no harm twice.
fn doubt(command: &Dispatchable, reason: Reason, what: String) -> DispatchOutcome {
    if command.verb().is_outward() {
        return DispatchOutcome::unknown(reason, format!("{what}; it may have been sent"));
    }
    DispatchOutcome::refused(Repeat::Counted, reason, what)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
