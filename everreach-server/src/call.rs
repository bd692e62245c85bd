//! What a caller may say about a call, in the body and in headers, and the request it makes.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use everreach_core::ledger::ForwardedClaim;
use everreach_core::routing::{Params, RouteRequest};
use everreach_core::{ActionName, Error, ErrorKind, Id, Side};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::problem::Problem;

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const CLAIM: &str = "everreach-claim";
const HOP: &str = "everreach-hop";
const TIMEOUT_MS: &str = "everreach-timeout-ms";
/// A call that has passed through this many processes goes in circles.
const MAX_HOPS: u32 = 2;
const MAX_KEY_LENGTH: usize = 255;
const MAX_TIMEOUT: Duration = Duration::from_secs(3_600);

/// A call as it stands in a body.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallBody {
    /// `service.topic`: two lower_snake_case words and one dot.
    #[schema(value_type = String, pattern = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$", max_length = 128, examples("dm.stats"))]
    action: ActionName,
    /// What the action takes.
    #[serde(default)]
    #[schema(value_type = Object)]
    params: Params,
    /// The side the caller insists on. It changes neither the caps nor the stop switch.
    #[schema(value_type = Option<String>, pattern = "^(local|cloud)$")]
    force_env: Option<Side>,
    /// The key under which the call happens at most once; the header `Idempotency-Key` says the same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
    /// How long the call may take in all, milliseconds, an hour at most.
    #[schema(minimum = 1, maximum = 3_600_000)]
    timeout_ms: Option<u64>,
}

impl CallBody {
    /// The request; `at` is the call's place in the body, as a JSON pointer.
    pub(crate) fn into_request(self, headers: &CallHeaders, request_id: Id, at: &str) -> Result<RouteRequest, Problem> {
        let key = match (self.idempotency_key, &headers.idempotency_key) {
            (Some(body), Some(header)) if body != *header => {
                let detail = "the header `Idempotency-Key` and the body name different keys: send one of them";
                return Err(Problem::wrong_shape(format!("{at}/idempotency_key"), detail));
            }
            (Some(key), _) => {
                Some(checked_key(key).map_err(|detail| Problem::wrong_shape(format!("{at}/idempotency_key"), detail))?)
            }
            (None, header) => header.clone(),
        };
        let timeout = match self.timeout_ms.map(Duration::from_millis) {
            Some(timeout) if timeout.is_zero() || timeout > MAX_TIMEOUT => {
                return Err(Problem::wrong_shape(format!("{at}/timeout_ms"), "a timeout is 1 to 3600000 milliseconds"));
            }
            timeout => timeout,
        };
        let mut request = RouteRequest::new(self.action, self.params).with_request_id(request_id).with_hops(headers.hops);
        request.force_env = self.force_env;
        request.forwarded = headers.forwarded;
        request.idempotency_key = key;
        request.timeout = timeout.into_iter().chain(headers.timeout).min();
        Ok(request)
    }
}

/// What the headers say about a call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CallHeaders {
    /// `Idempotency-Key`.
    pub(crate) idempotency_key: Option<String>,
    /// `Everreach-Hop`: how many EverReach processes the call has passed through.
    pub(crate) hops: u32,
    /// `Everreach-Timeout-Ms`: how long the caller will wait.
    pub(crate) timeout: Option<Duration>,
    /// `Everreach-Claim`: the claim under which another EverReach forwards the call.
    pub(crate) forwarded: Option<ForwardedClaim>,
}

impl CallHeaders {
    /// A call without a body of its own: the path names the action, the body is its parameters.
    pub(crate) fn request(self, action: ActionName, params: Params, request_id: Id) -> RouteRequest {
        let mut request = RouteRequest::new(action, params).with_request_id(request_id).with_hops(self.hops);
        request.idempotency_key = self.idempotency_key;
        request.timeout = self.timeout;
        request.forwarded = self.forwarded;
        request
    }

    /// The same headers for one call of a batch: its key is the batch's with the call's place in it.
    pub(crate) fn for_item(&self, index: usize) -> Self {
        let idempotency_key = self.idempotency_key.as_ref().map(|key| format!("{key}:{index}"));
        Self { idempotency_key, forwarded: None, ..self.clone() }
    }

    fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let hops = match only(headers, HOP) {
            Ok(None) => 0,
            Ok(Some(text)) => text.parse().ok().filter(|hops| *hops < MAX_HOPS).ok_or_else(looped)?,
            Err(_) => return Err(looped()),
        };
        let idempotency_key = match only(headers, IDEMPOTENCY_KEY)? {
            Some(key) => Some(checked_key(key.to_owned()).map_err(|detail| Problem::of(ErrorKind::InvalidInput, detail))?),
            None => None,
        };
        let forwarded = only(headers, CLAIM)?.map(str::parse).transpose();
        let forwarded = forwarded.map_err(|error: Error| Problem::of(ErrorKind::InvalidInput, error.to_string()))?;
        let timeout = only(headers, TIMEOUT_MS)?.map(|text| text.parse().map(Duration::from_millis)).transpose();
        let timeout = timeout.ok().filter(|timeout| !timeout.is_some_and(|timeout| timeout.is_zero())).ok_or_else(|| {
            Problem::of(ErrorKind::InvalidInput, "the header `Everreach-Timeout-Ms` is a number of milliseconds above 0")
        })?;
        Ok(Self { idempotency_key, hops, timeout: timeout.map(|timeout| timeout.min(MAX_TIMEOUT)), forwarded })
    }
}

impl<S: Sync> FromRequestParts<S> for CallHeaders {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

/// The action that the path names as `{service}/{topic}`.
#[derive(Debug)]
pub(crate) struct ActionPath(pub(crate) ActionName);

impl<S: Send + Sync> FromRequestParts<S> for ActionPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let words = Path::<(String, String)>::from_request_parts(parts, state).await.ok();
        let (service, topic) = words.map(|Path(words)| words).unwrap_or_default();
        ActionName::new(&service, &topic).map(Self).map_err(|error| Problem::of(ErrorKind::InvalidInput, error.to_string()))
    }
}

/// The header's value; an error when it comes twice or is not text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(text)), None) => Ok(Some(text)),
        _ => Err(Problem::of(ErrorKind::InvalidInput, format!("the header `{name}` comes once, as plain text"))),
    }
}

fn looped() -> Problem {
    let detail =
        "the call has already passed through another EverReach process: look at CLOUD_ENDPOINT and LOCAL_ENDPOINT for a circle";
    Problem::new(StatusCode::LOOP_DETECTED, "loop_detected", detail)
}

fn checked_key(key: String) -> Result<String, &'static str> {
    if (1..=MAX_KEY_LENGTH).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(key);
    }
    Err("an idempotency key is 1 to 255 visible ASCII characters without spaces")
}

#[cfg(test)]
mod tests;
