//! The API as commands call it: a server that runs elsewhere, or the same routes inside this process.
//!
//! # Law
//! A command never reaches around the API: what it can do here it can do against a server, with the same answers.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use everreach_core::runtime::Runtime;
use everreach_core::{Error, ErrorKind, Result};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use crate::exit::{Failure, Outcome};
use crate::settings::{Settings, is_exposed_in_clear, table};

/// How long a command waits for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a command waits for an answer: longer than any call may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// How long calls under way may take to finish when a command is done.
const GRACE: Duration = Duration::from_secs(10);

/// Where the API is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Api {
    /// Inside this process, on the database of the settings.
    InProcess(InProcess),
    /// A server.
    Remote(Remote),
}

/// The routes over a runtime of this process; no socket is opened.
#[derive(Debug)]
pub struct InProcess {
    router: Router,
    runtime: Runtime,
    key: SecretString,
}

/// A server and the key that opens it.
#[derive(Debug)]
pub struct Remote {
    client: reqwest::Client,
    url: Url,
    key: Option<SecretString>,
}

/// What the API answered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `null` when there is none.
    pub body: Value,
}

impl Answer {
    /// The body of an answer that is no refusal. Envelopes are answers whatever their status.
    ///
    /// # Errors
    /// The problem.
    pub fn accepted(self) -> Outcome<Value> {
        let is_envelope = self.body["ok"].is_boolean() && self.body["action"].is_string();
        if (200..300).contains(&self.status) || is_envelope {
            return Ok(self.body);
        }
        if self.body.is_object() {
            return Err(Failure::Problem(self.body));
        }
        Err(Error::new(ErrorKind::Unreachable, "whatever answers there is not EverReach; check --server")
            .with("status", self.status)
            .into())
    }
}

impl Api {
    /// The API over a runtime of this process, whose routes accept `key`.
    #[must_use]
    pub const fn in_process(router: Router, runtime: Runtime, key: SecretString) -> Self {
        Self::InProcess(InProcess { router, runtime, key })
    }

    /// The API of the server at `url`, with the key from `key_file` or the settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the key file cannot be read, or when the key would travel in clear.
    pub fn remote(url: Url, settings: &Settings, key_file: Option<&Path>) -> Result<Self> {
        let key = match key_file {
            Some(path) => Some(read_key(path)?),
            None => settings.text(&table::CLIENT_KEY).map(SecretString::from),
        };
        if key.is_some() && is_exposed_in_clear(&url) {
            return Err(Error::new(
                ErrorKind::Config,
                "--server would carry the key in clear; use https://, or a tunnel that ends on 127.0.0.1",
            )
            .with("seen", &url));
        }
        Ok(Self::Remote(Remote { client: http_client()?, url, key }))
    }

    /// Asks for something.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, None).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Asks for something to be removed.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.send(Method::DELETE, path, None).await
    }

    /// Lets a round of Safari that runs in this process start nothing more, and waits for what runs. A server goes on by itself.
    pub async fn finish_safari(&self) {
        if let Self::InProcess(api) = self {
            api.runtime.safari().finish().await;
        }
    }

    /// Lets calls under way finish and closes the database.
    pub async fn close(&self) {
        if let Self::InProcess(api) = self {
            api.runtime.shutdown(GRACE).await;
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        match self {
            Self::InProcess(api) => api.send(method, path, body).await,
            Self::Remote(api) => api.send(method, path, body).await,
        }
    }
}

impl InProcess {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let broken = |source: http::Error| Error::new(ErrorKind::Internal, "the request cannot be built").with_source(source);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "127.0.0.1")
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, bearer(&self.key)?)
            .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
            .map_err(broken)?;
        let _former = request.extensions_mut().insert(axum::extract::ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 0))));
        let response = match self.router.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
            .await
            .map_err(|source| Error::new(ErrorKind::Internal, "the answer broke off").with_source(source))?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }
}

impl Remote {
    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer> {
        let url = format!("{}{path}", self.url.as_str().trim_end_matches('/'));
        let mut request = self.client.request(method, url);
        if let Some(key) = &self.key {
            request = request.header(AUTHORIZATION, bearer(key)?);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|source| self.unreachable(source))?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|source| self.unreachable(source))?;
        Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    fn unreachable(&self, source: reqwest::Error) -> Error {
        let (kind, message) = if source.is_connect() {
            (ErrorKind::Unreachable, "no server answers; start one with `everreach serve`, or leave --server out")
        } else if source.is_timeout() {
            (ErrorKind::Timeout, "the server did not answer in time; what was asked may still happen there")
        } else {
            (ErrorKind::Unreachable, "the connection broke before the answer; what was asked may have happened")
        };
        Error::new(kind, message).with("server", &self.url).with_source(source.without_url())
    }
}

/// A client that talks to the given host only, whatever proxies the environment names.
pub(crate) fn http_client() -> Result<reqwest::Client> {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .build()
        .map_err(|source| Error::new(ErrorKind::Internal, "the HTTP client cannot be set up").with_source(source))
}

fn bearer(key: &SecretString) -> Result<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose_secret())).map_err(|_| {
        Error::new(ErrorKind::Config, "the key holds characters that no header can carry; it is one line of plain ASCII")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn read_key(path: &Path) -> Result<SecretString> {
    let text = std::fs::read_to_string(path).map_err(|source| {
        Error::new(ErrorKind::Config, "the key file cannot be read")
            .with("file", path.display())
            .with("cause", &source)
            .with_source(source)
    })?;
    Ok(SecretString::from(text.trim()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::Layers;

    fn answer(status: u16, body: Value) -> Outcome<Value> {
        Answer { status, body }.accepted()
    }

    #[test]
    fn an_envelope_is_an_answer_whatever_its_status() {
        let envelope = json!({"ok": false, "action": "no.such", "error": "unknown_action"});
        assert_eq!(answer(404, envelope.clone()).expect("an answer"), envelope);
    }

    #[test]
    fn a_problem_is_a_failure_with_its_own_code() {
        let failure =
            answer(401, json!({"code": "unauthorized", "status": 401, "detail": "a key is needed"})).expect_err("a refusal");
        assert_eq!(failure.exit().code(), 4);
        assert!(failure.lines().expect("lines").contains("EVERREACH_KEY"));
    }

    #[test]
    fn a_page_of_some_other_program_is_said_to_be_one() {
        assert!(answer(502, Value::Null).expect_err("no JSON").lines().expect("lines").contains("not EverReach"));
    }

    #[test]
    fn a_key_is_not_sent_in_clear_to_another_machine() {
        let layers = Layers { environment: [("EVERREACH_KEY".to_owned(), "k".to_owned())].into(), ..Layers::default() };
        let settings = layers.load().expect("they load");
        let url = |text: &str| text.parse().expect("a URL");
        assert!(Api::remote(url("http://cloud.example"), &settings, None).is_err());
        assert!(Api::remote(url("http://127.0.0.1:1"), &settings, None).is_ok());
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let settings = Layers::default().load().expect("they load");
        let api = Api::remote("http://127.0.0.1:1".parse().expect("a URL"), &settings, None).expect("an API");
        let error = api.get("/health").await.expect_err("nobody listens");
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}
