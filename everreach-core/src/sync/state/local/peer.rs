//! `/api/sync/state` of the cloud, over HTTP.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;
use url::Url;

use super::super::{PullPage, Push, PushAnswer};
use crate::http::read_bounded;
use crate::retry::parse_retry_after;
use crate::secret::bearer_header;
use crate::{Error, ErrorKind, Outcome, Result, Retry, Timestamp};

const ANSWER_LIMIT: usize = 8 * 1024 * 1024;
const LONGEST_DETAIL: usize = 300;

/// A request that came to nothing.
#[derive(Debug)]
pub(super) struct Failed {
    /// Whether the cloud may have acted on it.
    pub(super) outcome: Outcome,
    pub(super) error: Error,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { outcome: Outcome::NotExecuted, error }
    }
}

fn in_doubt(error: Error) -> Failed {
    Failed { outcome: Outcome::Unknown, error }
}

/// Where the cloud takes state and gives it, and whether it may be asked now.
///
/// ```
/// use everreach_core::http::{HttpConfig, client};
/// use everreach_core::sync::state::CloudPeer;
/// let cloud = "https://cloud.example".parse().expect("a URL");
/// let peer = CloudPeer::new(client(&HttpConfig::default())?, &cloud, &"er_live_1".into())?;
/// // In offline mode nothing is sent.
/// let peer = peer.unless(|| true);
/// # Ok::<(), everreach_core::Error>(())
/// ```
pub struct CloudPeer {
    client: reqwest::Client,
    url: Url,
    authorization: HeaderValue,
    is_offline: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for CloudPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudPeer").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl CloudPeer {
    /// The cloud terminal at this endpoint, with the key it wants.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an endpoint that is no http or https URL, or a key that no header can carry.
    pub fn new(client: reqwest::Client, endpoint: &Url, key: &SecretString) -> Result<Self> {
        let mut url = endpoint.clone();
        url.set_query(None);
        url.set_fragment(None);
        let is_web = matches!(url.scheme(), "http" | "https");
        match url.path_segments_mut() {
            Ok(mut path) if is_web => drop(path.pop_if_empty().extend(["api", "sync", "state"])),
            _ => {
                return Err(
                    Error::new(ErrorKind::Config, "an endpoint is an http or https URL").with("scheme", endpoint.scheme())
                );
            }
        }
        Ok(Self { client, url, authorization: bearer_header(key)?, is_offline: Box::new(|| false) })
    }

    /// Asks nobody while this says so.
    #[must_use]
    pub fn unless(mut self, is_offline: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.is_offline = Box::new(is_offline);
        self
    }

    /// Whether nothing may be sent now.
    pub(in super::super) fn check_online(&self) -> Result<()> {
        if (self.is_offline)() {
            let sentence = "the cloud is offline, so nothing is exchanged with it: what waits is pushed when it is back";
            return Err(Error::new(ErrorKind::Offline, sentence));
        }
        Ok(())
    }

    pub(super) async fn push(&self, push: &Push, within: Duration, now: Timestamp) -> Result<PushAnswer, Failed> {
        let body = serde_json::to_vec(push)
            .map_err(|source| Error::new(ErrorKind::Internal, "a push cannot be written as JSON").with_source(source))?;
        let request = self.client.post(self.url.clone()).header(header::CONTENT_TYPE, "application/json").body(body);
        let answer: PushAnswer = self.ask(request, within, now).await?;
        let is_its_own = answer.batch_id == push.batch_id
            && answer.results.len() == push.items.len()
            && answer.results.iter().zip(&push.items).all(|(result, item)| result.id == item.id);
        if is_its_own { Ok(answer) } else { Err(in_doubt(other_answer("the answer belongs to another push"))) }
    }

    pub(super) async fn pull(
        &self,
        since: Option<&str>,
        node: &str,
        within: Duration,
        now: Timestamp,
    ) -> Result<PullPage, Failed> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("node", node);
        if let Some(since) = since {
            url.query_pairs_mut().append_pair("since", since);
        }
        self.ask(self.client.get(url), within, now).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        request: reqwest::RequestBuilder,
        within: Duration,
        now: Timestamp,
    ) -> Result<T, Failed> {
        self.check_online()?;
        let request = request.header(header::AUTHORIZATION, self.authorization.clone());
        let asked = async {
            let response = request.header(header::ACCEPT, "application/json").send().await.map_err(broken)?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = read_bounded(response, ANSWER_LIMIT).await;
            if status == StatusCode::OK {
                let body = body.map_err(in_doubt)?;
                return serde_json::from_slice(&body)
                    .map_err(|_| in_doubt(other_answer("the answer is none of the cloud's own")));
            }
            Err(refusal(status, &headers, &body.unwrap_or_default(), now))
        };
        let late =
            |_| in_doubt(Error::new(ErrorKind::Timeout, "the cloud did not answer in time").with("ms", within.as_millis()));
        let answer = timeout(within, asked).await.map_err(late).flatten();
        answer.map_err(|failed: Failed| Failed { error: failed.error.with("url", &self.url), ..failed })
    }
}

/// No answer came.
fn broken(error: reqwest::Error) -> Failed {
    if error.is_connect() {
        return Error::new(ErrorKind::Unreachable, "the cloud cannot be reached").with_source(error.without_url()).into();
    }
    let sentence = "the connection to the cloud broke before an answer came";
    in_doubt(Error::new(ErrorKind::Unreachable, sentence).with_source(error.without_url()))
}

fn other_answer(sentence: &'static str) -> Error {
    Error::new(ErrorKind::Unreachable, sentence)
}

/// A refusal in our words: 4xx stays what it is, anything else may pass.
fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Failed {
    let problem: Value = serde_json::from_slice(body).unwrap_or_default();
    let detail = problem.get("detail").and_then(Value::as_str).unwrap_or("no reason given");
    let detail: String = detail.chars().filter(|c| !c.is_control()).take(LONGEST_DETAIL).collect();
    let (kind, sentence) = match status {
        StatusCode::UNAUTHORIZED => (ErrorKind::Unauthorized, "the cloud refused the key: check EVERREACH_CLOUD_KEY"),
        StatusCode::FORBIDDEN => (ErrorKind::Forbidden, "the cloud's key lacks a scope: state needs read and operate"),
        StatusCode::TOO_MANY_REQUESTS => (ErrorKind::RateLimited, "the cloud asks for fewer requests"),
        status if status.is_client_error() => (ErrorKind::InvalidInput, "the cloud refused the exchange of state"),
        _ => (ErrorKind::Unreachable, "the cloud failed"),
    };
    let error = Error::new(kind, sentence).with("status", status.as_u16()).with("detail", detail);
    let wait = headers.get(header::RETRY_AFTER).and_then(|wait| parse_retry_after(wait.to_str().ok()?, now));
    in_doubt(match (error.retry(), wait) {
        (Retry::Later(_), Some(wait)) => error.with_retry(Retry::Later(wait)),
        _ => error,
    })
}
