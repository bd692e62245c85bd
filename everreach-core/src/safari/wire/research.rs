//! What the answers to searches mean.

use serde_json::Value;

use super::answer::Answer;
use super::status::settled;
use crate::safari::{DispatchOutcome, Reason, Repeat, Service};

pub(super) fn judge(service: Service, answer: &Answer) -> DispatchOutcome {
    let again = |reason, what: &str| {
        DispatchOutcome::refused(Repeat::Counted, reason, format!("{service} {what} ({})", answer.summary()))
    };
    match (answer.status.as_u16(), answer.success()) {
        (200..=299, Some(true)) => match answer.field("posts").and_then(Value::as_array) {
            Some(posts) => DispatchOutcome::done(format!("{service} found {} posts", posts.len())),
            None => again(Reason::BadAnswer, "answered without a list of posts"),
        },
        (200..=299, Some(false)) => again(Reason::NoResults, "found nothing, or the page did not load"),
        (200..=299, None) => again(Reason::BadAnswer, "gave an answer that cannot be understood"),
        (400, _) => {
            let detail = format!("{service} refused the parameters ({})", answer.summary());
            DispatchOutcome::refused(Repeat::Never, Reason::InvalidRequest, detail)
        }
        _ => settled(service, answer).unwrap_or_else(|| again(Reason::ServiceFailed, "failed")),
    }
}
