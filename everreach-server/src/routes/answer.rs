//! Answers in JSON, and the status code of an envelope.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use everreach_core::{Envelope, Error, ErrorKind, Outcome};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::{Problem, status_of};

/// A value as the JSON body of an answer.
pub(crate) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    let bytes = match serde_json::to_vec(value) {
        Ok(bytes) => bytes,
        Err(source) => {
            let error = Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(source);
            return Problem::from(error).into_response();
        }
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A decided call is a good answer, ok or not. The exceptions: there is nothing by that name, the key is taken, or the failure
/// is our own and the call did not run.
pub(crate) fn envelope_status(envelope: &Envelope) -> StatusCode {
    match envelope.error {
        Some(kind @ (ErrorKind::UnknownAction | ErrorKind::IdempotencyConflict | ErrorKind::IdempotencyMismatch)) => {
            status_of(kind)
        }
        Some(kind @ (ErrorKind::Internal | ErrorKind::Store | ErrorKind::StoreUnavailable | ErrorKind::SchemaTooNew))
            if envelope.outcome == Outcome::NotExecuted =>
        {
            status_of(kind)
        }
        _ => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use everreach_core::Id;

    use super::*;

    #[test]
    fn a_decided_call_is_a_good_answer_whether_it_went_well_or_not() {
        let mut envelope = Envelope::new("dm.send".parse().expect("a name"), Id::new());
        let mut status = |kind, outcome| {
            envelope.fail(&Error::new(kind, "no"));
            envelope.outcome = outcome;
            envelope_status(&envelope).as_u16()
        };
        assert_eq!(status(ErrorKind::CostCapExceeded, Outcome::NotExecuted), 200);
        assert_eq!(status(ErrorKind::HandlerError, Outcome::Executed), 200);
        assert_eq!(status(ErrorKind::OutcomeUnknown, Outcome::Unknown), 200);
        assert_eq!(status(ErrorKind::UnknownAction, Outcome::NotExecuted), 404);
        assert_eq!(status(ErrorKind::IdempotencyConflict, Outcome::NotExecuted), 409);
        assert_eq!(status(ErrorKind::IdempotencyMismatch, Outcome::NotExecuted), 422);
        assert_eq!(status(ErrorKind::StoreUnavailable, Outcome::NotExecuted), 503);
        assert_eq!(status(ErrorKind::StoreUnavailable, Outcome::Unknown), 200);
    }
}
