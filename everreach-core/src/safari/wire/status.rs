//! What a status alone says, whichever service it came from.

use super::answer::Answer;
use crate::safari::{DispatchOutcome, Reason, Repeat, Service};

/// The outcome, where the status settles it: credentials, limits, no tab, and requests that no service takes.
pub(super) fn settled(service: Service, answer: &Answer) -> Option<DispatchOutcome> {
    let refused = |repeat, reason, what: &str| {
        Some(DispatchOutcome::refused(repeat, reason, format!("{service} {what} ({})", answer.summary())))
    };
    match answer.status.as_u16() {
        401 | 403 => refused(
            Repeat::Counted,
            Reason::TokenRefused,
            &format!("refused the token; check {}", service.profile().token_setting),
        ),
        // LinkedIn's answer to an empty token or another scheme.
        400 if service == Service::LinkedinAutomation && is_about_the_token(answer) => refused(
            Repeat::Counted,
            Reason::TokenRefused,
            &format!("refused the token; check {}", service.profile().token_setting),
        ),
        404 => refused(Repeat::Never, Reason::NotFound, "does not know the address; check its URL setting"),
        405 | 411 | 413 | 414 | 415 | 422 | 431 => refused(Repeat::Never, Reason::InvalidRequest, "does not take this request"),
        429 => Some(too_many(service, answer)),
        503 => Some(not_ready(service, answer)),
        _ => None,
    }
}

fn is_about_the_token(answer: &Answer) -> bool {
    let said = answer.said().to_lowercase();
    answer.success().is_none() && ["token", "authorization", "bearer"].iter().any(|word| said.contains(word))
}

/// 429 has no machine code: the text tells which limit it is.
fn too_many(service: Service, answer: &Answer) -> DispatchOutcome {
    let said = answer.said().to_lowercase();
    let says = |word: &str| said.contains(word);
    if says("in_flight") {
        let what = format!("{service} is still sending to the same person ({}); look before you repeat", answer.summary());
        return DispatchOutcome::unknown(Reason::InFlight, what);
    }
    let reason = if answer.is_set("captcha") {
        Reason::Captcha
    } else if answer.is_set("rateLimited") {
        Reason::PlatformLimited
    } else if says("outside active hours") || says("outside_active_hours") {
        Reason::OutsideHours
    } else if says("hourly") {
        Reason::HourlyLimit
    } else if says("daily") {
        Reason::DailyLimit
    } else if says("busy") {
        Reason::SafariBusy
    } else {
        Reason::RateLimited
    };
    DispatchOutcome::refused(Repeat::Free, reason, format!("{service} takes nothing at the moment ({})", answer.summary()))
        .with_retry_after(answer.retry_after)
}

fn not_ready(service: Service, answer: &Answer) -> DispatchOutcome {
    let said = answer.said().to_lowercase();
    let (reason, what) = if said.contains("no safari tab") {
        (Reason::NoTab, format!("has no tab; open one with {} in Safari", service.profile().tab))
    } else if said.contains("session") {
        (Reason::NoSession, "could not make sure of its session; look at Safari".to_owned())
    } else {
        (Reason::ServiceUnavailable, "is not ready".to_owned())
    };
    DispatchOutcome::refused(Repeat::Free, reason, format!("{service} {what} ({})", answer.summary()))
        .with_retry_after(answer.retry_after)
}

/// What an answer says about the account, beyond the command.
pub(super) fn about_the_account(answer: &Answer) -> Option<Reason> {
    let said = answer.said().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if answer.is_set("captcha") || says(&["captcha"]) {
        Some(Reason::Captcha)
    } else if says(&["not_logged_in", "not logged in", "login required", "login_required"]) {
        Some(Reason::NotLoggedIn)
    } else if says(&["action_blocked", "action blocked"]) {
        Some(Reason::ActionBlocked)
    } else if answer.is_set("rateLimited") {
        Some(Reason::PlatformLimited)
    } else {
        None
    }
}

/// An answer that nothing certain can be made of.
pub(super) fn unknown(service: Service, answer: &Answer) -> DispatchOutcome {
    let reason = match (about_the_account(answer), answer.success()) {
        (Some(reason), _) => reason,
        (None, None) if answer.status.is_success() => Reason::BadAnswer,
        _ => Reason::ServiceFailed,
    };
    DispatchOutcome::unknown(reason, format!("{service} failed and may have sent it before ({})", answer.summary()))
}
