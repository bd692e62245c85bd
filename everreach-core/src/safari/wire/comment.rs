//! What the answers to comments mean.

use super::answer::Answer;
use super::named::named;
use super::status::{about_the_account, settled, unknown};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat, Service};

pub(super) fn judge(service: Service, answer: &Answer) -> DispatchOutcome {
    match (answer.status.as_u16(), answer.success()) {
        (200..=299, Some(true)) => done(service, answer),
        (200..=299, Some(false)) => named(service, answer).unwrap_or_else(|| unknown(service, answer)),
        (400, success) => named(service, answer).unwrap_or_else(|| match success {
            None if about_the_account(answer).is_none() => {
                let detail = format!("{service} refused the parameters ({})", answer.summary());
                DispatchOutcome::refused(Repeat::Never, Reason::InvalidRequest, detail)
            }
            _ => unknown(service, answer),
        }),
        (500, _) if is_before_the_page(answer) => {
            let detail = format!("{service} did not get to the post ({})", answer.summary());
            DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, detail)
        }
        _ => settled(service, answer).unwrap_or_else(|| unknown(service, answer)),
    }
}

fn done(service: Service, answer: &Answer) -> DispatchOutcome {
    // instagram-comments sees whether it worked and does not tell.
    if answer.is_set("verified") && service != Service::InstagramComments {
        return DispatchOutcome::sent(format!("{service} posted it and saw it on the page"));
    }
    let detail = format!("{service} posted it and did not see it on the page; it is not repeated");
    DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, detail)
}

/// The only exceptions that are certainly older than the submission.
fn is_before_the_page(answer: &Answer) -> bool {
    let said = answer.said().to_lowercase();
    said.contains("navigation failed") || said.contains("failed to navigate to post")
}
