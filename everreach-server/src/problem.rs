//! Errors as clients see them: `application/problem+json` (RFC 9457), from one table of kinds and status codes.
//!
//! A handler or a check returns a [`Problem`]; the front renders it, since only the front knows the request's id. What a
//! client may not know stays in the log: the detail of a 5xx is always the same sentence.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use everreach_core::{Error, ErrorKind, Id, Retry};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");
const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"everreach\"");
const OWN_FAULT: &str = "the server failed; its log has the particulars under this request_id";

/// One part of a body that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FieldError {
    /// Where: a JSON pointer into the body.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

/// A refusal or failure, before it is given the request's id.
///
/// ```
/// use everreach_server::problem::Problem;
/// use http::StatusCode;
/// let problem = Problem::new(StatusCode::NOT_FOUND, "not_found", "there is no such call");
/// assert_eq!((problem.status(), problem.code()), (StatusCode::NOT_FOUND, "not_found"));
/// assert_eq!(problem.detail(), "there is no such call");
/// ```
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
}

impl Problem {
    /// A problem with this status, stable word and sentence.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let retry_after =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS).then_some(Duration::from_secs(1));
        Self { status, code, detail: detail.into(), errors: Vec::new(), retry_after }
    }

    /// A problem of this kind, with the kind's own status and word.
    #[must_use]
    pub fn of(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(status_of(kind), kind.code(), detail)
    }

    /// The body does not have the shape that was asked for, at this place.
    #[must_use]
    pub fn wrong_shape(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut problem = Self::of(ErrorKind::InvalidInput, detail.clone());
        problem.errors.push(FieldError { pointer: pointer.into(), detail });
        problem
    }

    /// Names a part of the body that is wrong.
    #[must_use]
    pub(crate) fn at(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Says when a repeat can help.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable word.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The parts of the body that are wrong.
    #[must_use]
    pub fn errors(&self) -> &[FieldError] {
        &self.errors
    }

    /// The answer to the request with this id.
    pub(crate) fn render(&self, request_id: Id) -> Response {
        let body = Document {
            kind: format!("urn:everreach:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            errors: &self.errors,
        };
        let mut response = Response::new(Body::from(serde_json::to_vec(&body).unwrap_or_default()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        if let Some(wait) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let status = status_of(error.kind());
        if status.is_server_error() {
            tracing::error!(?error, "a request failed");
            return Self::new(status, error.kind().code(), OWN_FAULT);
        }
        let problem = Self::new(status, error.kind().code(), error.to_string());
        match error.retry() {
            Retry::Later(wait) if problem.retry_after.is_some() && !wait.is_zero() => problem.with_retry_after(wait),
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    /// Only carries the problem to the front, which renders it.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}

/// The document's fields, in the order in which they are printed.
#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: Id,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

/// The status code of each kind of error.
#[must_use]
pub const fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidParams
        | ErrorKind::InvalidInput
        | ErrorKind::IdempotencyMismatch
        | ErrorKind::Unpriced
        | ErrorKind::RequiresLocal => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorKind::CostCapExceeded => StatusCode::PAYMENT_REQUIRED,
        ErrorKind::Forbidden | ErrorKind::ApprovalRequired => StatusCode::FORBIDDEN,
        ErrorKind::UnknownAction | ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::IdempotencyConflict | ErrorKind::OutcomeUnknown => StatusCode::CONFLICT,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Offline | ErrorKind::Unreachable | ErrorKind::HandlerError => StatusCode::BAD_GATEWAY,
        ErrorKind::Stopped | ErrorKind::CircuitOpen | ErrorKind::StoreUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn rendered(problem: Problem) -> serde_json::Value {
        let body = axum::body::to_bytes(problem.render(Id::new()).into_body(), 10_000).await.expect("a body");
        serde_json::from_slice(&body).expect("json")
    }

    #[tokio::test]
    async fn a_refusal_names_what_is_wrong_and_where() {
        let document = rendered(Problem::wrong_shape("/params", "params is an object")).await;
        assert_eq!(document["type"], "urn:everreach:problem:invalid_input");
        assert_eq!(document["status"], 422);
        assert_eq!(document["errors"], serde_json::json!([{"pointer": "/params", "detail": "params is an object"}]));
        assert!(document["request_id"].is_string());
    }

    #[tokio::test]
    async fn a_fault_of_our_own_tells_nothing_of_the_inside() {
        let error = Error::new(ErrorKind::Store, "no such table: everreach_calls").with("path", "/var/lib/secret.db");
        let document = rendered(Problem::from(error)).await;
        assert_eq!(document["code"], "store");
        assert_eq!(document["detail"], OWN_FAULT);
    }

    #[test]
    fn an_unauthorized_answer_carries_a_challenge_and_a_busy_one_says_when_to_come_back() {
        let headers = Problem::of(ErrorKind::Unauthorized, "a key is needed").render(Id::new()).headers().clone();
        assert!(headers[header::WWW_AUTHENTICATE].to_str().expect("text").starts_with("Bearer"));
        let busy = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::Later(Duration::from_secs(7)));
        assert_eq!(Problem::from(busy).render(Id::new()).headers()[header::RETRY_AFTER], "7");
    }
}
