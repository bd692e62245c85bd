//! What the answers to opened pages mean.

use super::answer::Answer;
use super::status::settled;
use crate::safari::{DispatchOutcome, Reason, Repeat, Service};

pub(super) fn judge(service: Service, answer: &Answer) -> DispatchOutcome {
    let again = |reason, what: &str| {
        DispatchOutcome::refused(Repeat::Counted, reason, format!("{service} {what} ({})", answer.summary()))
    };
    match (answer.status.as_u16(), answer.success()) {
        (200..=299, Some(true)) => DispatchOutcome::done(format!("{service} opened the page")),
        (200..=299, Some(false)) => again(Reason::PageFailed, "could not open the page"),
        (200..=299, None) => again(Reason::BadAnswer, "gave an answer that cannot be understood"),
        (400, None) => {
            let detail = format!("{service} refused the parameters ({})", answer.summary());
            DispatchOutcome::refused(Repeat::Never, Reason::InvalidRequest, detail)
        }
        _ => settled(service, answer).unwrap_or_else(|| again(Reason::ServiceFailed, "failed")),
    }
}
