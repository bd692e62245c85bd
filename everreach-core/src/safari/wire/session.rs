//! What comes before an action: the session, and the account's standing.

use serde_json::Value;

use super::Exchange;
use super::answer::Answer;
use super::status::settled;
use crate::Timestamp;
use crate::safari::{DispatchOutcome, Reason, Repeat, Service};

/// Why the action cannot follow, after a service was asked to find its tab; `None` when it can. Nothing has been sent yet, so
/// this is never unknown.
///
/// ```
/// use everreach_core::safari::wire::{Exchange, judge_session};
/// use everreach_core::safari::{Reason, Service};
/// use http::{HeaderMap, StatusCode};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let headers = HeaderMap::new();
/// let found = Exchange::Answered { status: StatusCode::OK, headers: &headers, body: br#"{"ok": true, "windowIndex": 1}"# };
/// assert_eq!(judge_session(Service::LinkedinAutomation, &found, now), None);
/// let missing = Exchange::Answered { status: StatusCode::OK, headers: &headers, body: br#"{"ok": false, "error": "no tab"}"# };
/// assert_eq!(judge_session(Service::LinkedinAutomation, &missing, now).expect("a reason").reason, Reason::NoSession);
/// ```
#[must_use]
pub fn judge_session(service: Service, exchange: &Exchange<'_>, now: Timestamp) -> Option<DispatchOutcome> {
    let unreachable = |why: &str| {
        let detail = format!("{service} could not be asked for its tab, nothing was sent: {why}");
        Some(DispatchOutcome::refused(Repeat::Counted, Reason::ServiceUnreachable, detail))
    };
    let answer = match exchange {
        Exchange::Answered { status, headers, body } => Answer::read(*status, headers, body, now),
        Exchange::NotSent(why) | Exchange::Broken(why) => return unreachable(why),
        Exchange::TimedOut => return unreachable("no answer in time"),
    };
    if answer.status.is_success() && answer.is_set("ok") {
        return None;
    }
    let no_session = || {
        let what =
            format!("{service} did not find its tab; open one with {} in Safari ({})", service.profile().tab, answer.summary());
        DispatchOutcome::refused(Repeat::Free, Reason::NoSession, what)
    };
    Some(settled(service, &answer).unwrap_or_else(no_session).with_answer(answer.into_body()))
}

/// What twitter-dm's `rate-status` says about the account; `None` when nothing stands against it.
///
/// ```
/// use everreach_core::safari::{Reason, wire::account_standing};
/// use serde_json::json;
/// assert_eq!(account_standing(&json!({"limited": true, "suspended": false})), Some(Reason::PlatformLimited));
/// assert_eq!(account_standing(&json!({"limited": true, "suspended": true})), Some(Reason::AccountRestricted));
/// assert_eq!(account_standing(&json!({"limited": false, "suspended": false, "message": ""})), None);
/// ```
#[must_use]
pub fn account_standing(answer: &Value) -> Option<Reason> {
    let is_set = |name: &str| answer.get(name) == Some(&Value::Bool(true));
    if is_set("suspended") {
        Some(Reason::AccountRestricted)
    } else if is_set("limited") {
        Some(Reason::PlatformLimited)
    } else {
        None
    }
}

/// Why a direct message on x.com cannot follow, after twitter-dm was asked about the account; `None` when it can. Nothing has
/// been sent yet, so this is never unknown. A service that does not know the question is not asked to know it.
///
/// ```
/// use everreach_core::safari::wire::{Exchange, judge_account_standing};
/// use everreach_core::safari::{HaltCause, Reason};
/// use http::{HeaderMap, StatusCode};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let headers = HeaderMap::new();
/// let limited = Exchange::Answered { status: StatusCode::OK, headers: &headers, body: br#"{"limited": true}"# };
/// let refusal = judge_account_standing(&limited, now).expect("a refusal");
/// assert_eq!((refusal.reason, refusal.halt()), (Reason::PlatformLimited, Some(HaltCause::PlatformLimit)));
/// let unknown_path = Exchange::Answered { status: StatusCode::NOT_FOUND, headers: &headers, body: b"<html>" };
/// assert_eq!(judge_account_standing(&unknown_path, now), None);
/// assert_eq!(judge_account_standing(&Exchange::TimedOut, now).expect("a refusal").reason, Reason::ServiceUnreachable);
/// ```
#[must_use]
pub fn judge_account_standing(exchange: &Exchange<'_>, now: Timestamp) -> Option<DispatchOutcome> {
    let service = Service::TwitterDm;
    let unreachable = |why: &str| {
        let detail = format!("{service} could not be asked about the account, nothing was sent: {why}");
        Some(DispatchOutcome::refused(Repeat::Counted, Reason::ServiceUnreachable, detail))
    };
    let answer = match exchange {
        Exchange::Answered { status, headers, body } => Answer::read(*status, headers, body, now),
        Exchange::NotSent(why) | Exchange::Broken(why) => return unreachable(why),
        Exchange::TimedOut => return unreachable("no answer in time"),
    };
    if answer.status.as_u16() == 503 {
        return settled(service, &answer).map(|refusal| refusal.with_answer(answer.into_body()));
    }
    let detail = format!("x.com stands against the account ({})", answer.summary());
    let body = answer.into_body()?;
    let reason = account_standing(&body)?;
    Some(DispatchOutcome::refused(Repeat::Free, reason, detail).with_answer(body))
}
