//! What the answers to direct messages mean.

use super::answer::Answer;
use super::named::named;
use super::status::{about_the_account, settled, unknown};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat, Service};

/// What tiktok-dm gives as the recipient when all it saw was an open composer.
const OPEN_COMPOSER: &str = "composer_open_inbox_trusted";

pub(super) fn judge(service: Service, answer: &Answer) -> DispatchOutcome {
    match (answer.status.as_u16(), answer.success()) {
        (200..=299, Some(true)) => done(service, answer),
        (200..=299, Some(false)) => named(service, answer).unwrap_or_else(|| unknown(service, answer)),
        (404, _) if service == Service::InstagramDm && answer.is_object() => not_found(service, answer),
        (400, success) => settled(service, answer).or_else(|| named(service, answer)).unwrap_or_else(|| match success {
            None if about_the_account(answer).is_none() => invalid(service, answer),
            _ => unknown(service, answer),
        }),
        _ => settled(service, answer).unwrap_or_else(|| unknown(service, answer)),
    }
}

fn done(service: Service, answer: &Answer) -> DispatchOutcome {
    let trusted = answer.field("verifiedRecipient").and_then(|name| name.as_str()) == Some(OPEN_COMPOSER);
    if answer.is_set("verified") && !trusted {
        return DispatchOutcome::sent(format!("{service} sent it and saw it in the conversation"));
    }
    let detail = format!("{service} sent it and did not see it in the conversation; it is not repeated");
    DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, detail)
}

/// instagram-dm names what went wrong on the profile; when it does not, that way did submit.
fn not_found(service: Service, answer: &Answer) -> DispatchOutcome {
    if answer.field("profileError").is_some() {
        let detail = format!("{service} found no way to this person ({})", answer.summary());
        return DispatchOutcome::refused(Repeat::Counted, Reason::RecipientNotFound, detail);
    }
    unknown(service, answer)
}

fn invalid(service: Service, answer: &Answer) -> DispatchOutcome {
    let detail = format!("{service} refused the parameters ({})", answer.summary());
    DispatchOutcome::refused(Repeat::Never, Reason::InvalidRequest, detail)
}
