//! One request, and what came of it.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use tokio::time::{Instant, timeout_at};

use super::endpoint::Endpoint;
use crate::Result;
use crate::http::{HttpConfig, SendWitness, client, read_bounded, witnessed_body};
use crate::safari::wire::{Exchange, ServiceRequest};

/// How much of an answer is read. A hundred posts of a search take a tenth of it.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What came of one request, with its parts.
#[derive(Debug)]
pub(super) enum Exchanged {
    Answered { status: StatusCode, headers: HeaderMap, body: Vec<u8> },
    NotSent(String),
    TimedOut,
    Broken(String),
}

impl Exchanged {
    pub(super) fn view(&self) -> Exchange<'_> {
        match self {
            Self::Answered { status, headers, body } => Exchange::Answered { status: *status, headers, body },
            Self::NotSent(why) => Exchange::NotSent(why),
            Self::TimedOut => Exchange::TimedOut,
            Self::Broken(why) => Exchange::Broken(why),
        }
    }
}

/// The way to the services.
#[derive(Debug, Clone)]
pub(super) struct Transport(reqwest::Client);

impl Transport {
    pub(super) fn new() -> Result<Self> {
        let mut config = HttpConfig::default();
        config.connect_timeout = CONNECT_TIMEOUT;
        // A connection for each request: one that the service is just closing would make an outcome unknown for nothing, and
        // to this machine a new one costs next to nothing.
        config.idle_per_host = 0;
        Ok(Self(client(&config)?))
    }

    /// Makes one request. Its time limit covers everything, the last byte of the answer included.
    pub(super) async fn send(&self, endpoint: &Endpoint, request: &ServiceRequest) -> Exchanged {
        self.send_to(endpoint.url(&request.path), endpoint, request).await
    }

    /// The same at another address.
    pub(super) async fn send_to(&self, url: url::Url, endpoint: &Endpoint, request: &ServiceRequest) -> Exchanged {
        let mut outgoing = reqwest::Request::new(request.method.clone(), url);
        *outgoing.headers_mut() = request.headers();
        if let Some(authorization) = endpoint.authorization(request) {
            outgoing.headers_mut().insert(header::AUTHORIZATION, authorization.clone());
        }
        let witness = (request.method == Method::POST).then(|| {
            let bytes = request.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default();
            let (body, witness) = witnessed_body(bytes);
            *outgoing.body_mut() = Some(body);
            witness
        });
        let deadline = Instant::now() + request.timeout;
        let response = match timeout_at(deadline, self.0.execute(outgoing)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() || !may_have_left(witness.as_ref()) => return Exchanged::NotSent(words(&error)),
            Ok(Err(error)) => return Exchanged::Broken(words(&error)),
            Err(_) if !may_have_left(witness.as_ref()) => {
                return Exchanged::NotSent("no connection was made in time".to_owned());
            }
            Err(_) => return Exchanged::TimedOut,
        };
        let (status, headers) = (response.status(), response.headers().clone());
        match timeout_at(deadline, read_bounded(response, ANSWER_LIMIT)).await {
            Ok(Ok(body)) if is_whole(&headers, &body) => Exchanged::Answered { status, headers, body },
            Ok(Ok(_)) => Exchanged::Broken("the answer may have been cut off".to_owned()),
            Ok(Err(error)) => Exchanged::Broken(error.to_string()),
            Err(_) => Exchanged::TimedOut,
        }
    }
}

/// Without a body there is no witness: then only a failure to connect is a proof.
fn may_have_left(witness: Option<&SendWitness>) -> bool {
    witness.is_none_or(SendWitness::may_have_left)
}

/// Whether nothing is missing. An answer that ends with its connection does not tell where it was meant to end; it is whole
/// when it makes sense.
fn is_whole(headers: &HeaderMap, body: &[u8]) -> bool {
    headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING)
        || serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok()
}

/// The innermost reason, which is the one that helps. No address and no header is in it.
fn words(error: &reqwest::Error) -> String {
    let mut reason: &dyn std::error::Error = error;
    while let Some(inner) = reason.source() {
        reason = inner;
    }
    if std::ptr::addr_eq(reason, error) { "the request failed".to_owned() } else { reason.to_string() }
}
