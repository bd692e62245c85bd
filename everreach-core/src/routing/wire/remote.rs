//! One request to another side, and the list of what it offers.

use std::fmt;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::super::verdict::{Doubt, in_doubt};
use super::super::{Call, Execution, RemoteConfig, ServiceListing};
use super::{classify, parse_listing};
use crate::http::{CLAIM, HOP, IDEMPOTENCY_KEY, REQUEST_ID, SendWitness, TIMEOUT_MS, read_bounded, witnessed_body};
use crate::{Effect, Error, ErrorKind, Outcome, Result, Retry, SharedClock};

const ANSWER_LIMIT: usize = 16 * 1024 * 1024;
const LISTING_LIMIT: usize = 4 * 1024 * 1024;
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// Another process that runs actions over HTTP.
pub(in super::super) struct Remote {
    client: reqwest::Client,
    clock: SharedClock,
    services: Url,
    authorization: Option<HeaderValue>,
}

impl Remote {
    pub(in super::super) fn new(config: &RemoteConfig, client: reqwest::Client, clock: SharedClock) -> Result<Self> {
        let services = config.services_url()?;
        let authorization = config.authorization()?;
        Ok(Self { client, clock, services, authorization })
    }

    /// One try.
    pub(in super::super) async fn execute(&self, call: &Call) -> Execution {
        let (request, witness) = match self.request(call) {
            Ok(request) => request,
            Err(error) => return Execution::failed(Outcome::NotExecuted, error),
        };
        // One deadline over everything, or a server that drips its answer could stretch the try for ever.
        let deadline = Instant::now() + call.timeout.min(FOREVER);
        let response = match timeout_at(deadline, self.client.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return self.broken(call, &witness, Some(error)),
            Err(_) => return self.broken(call, &witness, None),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let said = |body: &[u8]| classify(status, &headers, body, call.effect, self.clock.now());
        match timeout_at(deadline, read_bounded(response, ANSWER_LIMIT)).await {
            Ok(Ok(body)) => said(&body),
            // The status alone says that it was turned away; what is missing is only the reason.
            _ if status.is_client_error() => said(b""),
            Ok(Err(error)) => {
                in_doubt(call.effect, Doubt::Broken, format!("the answer cannot be read: {error}; it may have run"))
            }
            Err(_) => in_doubt(call.effect, Doubt::TimedOut, late(call.timeout, "the answer did not end")),
        }
    }

    /// What the other side offers.
    pub(in super::super) async fn list(&self, within: Duration) -> Result<Vec<ServiceListing>> {
        let ask = async {
            let mut request = self.client.get(self.services.clone());
            if let Some(authorization) = &self.authorization {
                request = request.header(header::AUTHORIZATION, authorization.clone());
            }
            let response = request.send().await.map_err(|error| self.unreachable().with_source(error.without_url()))?;
            let status = response.status();
            let body = read_bounded(response, LISTING_LIMIT).await?;
            match (status, serde_json::from_slice::<Value>(&body)) {
                (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                    Err(Error::new(ErrorKind::Unauthorized, "the other side refused the key; check the key and its scopes"))
                }
                (status, Ok(listing)) if status.is_success() => Ok(parse_listing(&listing)),
                (status, _) => Err(self.unreachable().with("status", status.as_u16())),
            }
        };
        let late = |_| Error::new(ErrorKind::Timeout, "no list of services came in time").with("endpoint", &self.services);
        timeout(within, ask).await.map_err(late)?.map_err(|error| error.with_operation("list services"))
    }

    /// What the other side's journal says of this key; `None` when it says nothing definite.
    pub(in super::super) async fn recall(&self, key: &str, within: Duration) -> Result<Option<Execution>> {
        let mut url = self.services.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop().extend(["calls", key]);
        }
        let ask = async {
            let mut request = self.client.get(url);
            if let Some(authorization) = &self.authorization {
                request = request.header(header::AUTHORIZATION, authorization.clone());
            }
            let response = request.send().await.map_err(|error| self.unreachable().with_source(error.without_url()))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read_bounded(response, ANSWER_LIMIT).await?;
            let record = serde_json::from_slice::<Value>(&body).unwrap_or_default();
            // Only an answer that is complete there counts: a key that is not known yet may still arrive.
            let is_settled =
                status.is_success() && record.get("state").is_some_and(|state| state == "executed" || state == "not_executed");
            let Some(envelope) = record.get("envelope").filter(|envelope| is_settled && envelope.is_object()) else {
                return Ok(None);
            };
            let mut known = classify(status, &headers, envelope.to_string().as_bytes(), Effect::Outward, self.clock.now());
            known.request_id = envelope.get("request_id").and_then(|id| id.as_str()?.parse().ok());
            Ok(Some(known))
        };
        let late = |_| Error::new(ErrorKind::Timeout, "the other side's journal did not answer in time");
        timeout(within, ask).await.map_err(late)?.map_err(|error: Error| error.with_operation("recall a call"))
    }

    fn request(&self, call: &Call) -> Result<(reqwest::Request, SendWitness)> {
        let mut url = self.services.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend([call.action.service(), call.action.topic()]);
        }
        let params = serde_json::to_vec(&call.params).map_err(|source| {
            Error::new(ErrorKind::InvalidParams, "the parameters cannot be written as JSON").with_source(source)
        })?;
        let (body, witness) = witnessed_body(params);
        let mut request = reqwest::Request::new(http::Method::POST, url);
        *request.body_mut() = Some(body);
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(REQUEST_ID, header_value(&call.request_id.to_string())?);
        headers.insert(HOP, HeaderValue::from(call.hops.saturating_add(1)));
        headers.insert(TIMEOUT_MS, HeaderValue::from(u64::try_from(call.timeout.as_millis()).unwrap_or(u64::MAX)));
        if let Some(key) = &call.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, header_value(key)?);
        }
        if let Some(claim) = call.forwarded {
            headers.insert(CLAIM, header_value(&claim.to_string())?);
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        Ok((request, witness))
    }

    /// No answer's head came; `None` when the time was up.
    fn broken(&self, call: &Call, witness: &SendWitness, error: Option<reqwest::Error>) -> Execution {
        let left = witness.may_have_left() && !error.as_ref().is_some_and(reqwest::Error::is_connect);
        match error {
            _ if !left => {
                let unreachable = self.unreachable();
                let error = match error {
                    Some(error) => unreachable.with_source(error.without_url()),
                    None => unreachable.with("waited_ms", call.timeout.as_millis()),
                };
                Execution::failed(Outcome::NotExecuted, error)
            }
            None => in_doubt(call.effect, Doubt::TimedOut, late(call.timeout, "no answer came")),
            Some(error) => {
                let detail = "the connection broke before an answer came; it may have run";
                let mut execution = in_doubt(call.effect, Doubt::Broken, detail.into());
                execution.result = execution.result.map_err(|broken| broken.with_source(error.without_url()));
                execution
            }
        }
    }

    fn unreachable(&self) -> Error {
        Error::new(ErrorKind::Unreachable, "the other side cannot be reached; check that it runs and that the endpoint is right")
            .with("endpoint", &self.services)
            .with_retry(Retry::Later(Duration::ZERO))
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keyed = self.authorization.is_some();
        f.debug_struct("Remote").field("services", &self.services.as_str()).field("keyed", &keyed).finish_non_exhaustive()
    }
}

fn late(waited: Duration, what: &str) -> String {
    format!("{what} within {} ms; it may have run", waited.as_millis())
}

fn header_value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|_| Error::new(ErrorKind::InvalidParams, "an idempotency key is visible text without line breaks"))
}
