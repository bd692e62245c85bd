//! A double at noon, and somebody who asks it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use everreach_core::http::{HttpConfig, client};
use everreach_core::safari::Service;
use everreach_core::testing::ManualClock;
use everreach_server::demo::safari::{DoubleConfig, Ports, SafariDouble};
use http::{HeaderMap, Method};
use serde_json::{Value, json};

pub(crate) const DMS: [Service; 4] = [Service::InstagramDm, Service::TwitterDm, Service::TiktokDm, Service::LinkedinAutomation];
pub(crate) const COMMENTS: [Service; 4] =
    [Service::ThreadsComments, Service::InstagramComments, Service::TiktokComments, Service::TwitterComments];

/// How long silence is listened to.
const PATIENCE: Duration = Duration::from_millis(300);

/// What came back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Heard {
    Answer { status: u16, headers: HeaderMap, body: Vec<u8> },
    Refused,
    Reset,
    Empty,
    Silence,
}

impl Heard {
    pub(crate) fn status(&self) -> Option<u16> {
        if let Self::Answer { status, .. } = self { Some(*status) } else { None }
    }

    /// The body, null where it is not JSON.
    pub(crate) fn body(&self) -> Value {
        let Self::Answer { body, .. } = self else { panic!("an answer, not {self:?}") };
        serde_json::from_slice(body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let Self::Answer { headers, .. } = self else { panic!("an answer, not {self:?}") };
        headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

/// A double, its clock, and a client.
pub(crate) struct Stage {
    pub(crate) double: SafariDouble,
    pub(crate) clock: Arc<ManualClock>,
    client: reqwest::Client,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(DoubleConfig::default()).await
    }

    pub(crate) async fn with(config: DoubleConfig) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        // Installs the one TLS provider of the program.
        drop(client(&HttpConfig::default()).expect("a client"));
        let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
        let config = config.on(Ports::Ephemeral).with_clock(clock.clone());
        Self { double: SafariDouble::start(config).await.expect("ports are free"), clock, client }
    }

    pub(crate) async fn scenario(&self, service: Service, scenario: &str) {
        self.double.set_scenario(service, scenario.parse().expect("a scenario")).await.expect("the service has it");
    }

    pub(crate) fn request(&self, method: Method, service: Service, path: &str) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.double.url(service).expect("it runs"));
        let request = self.client.request(method, url).timeout(Duration::from_secs(20));
        match self.double.token(service) {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, service: Service, path: &str) -> Heard {
        hear(self.request(Method::GET, service, path)).await
    }

    pub(crate) async fn post(&self, service: Service, path: &str, body: &Value) -> Heard {
        hear(self.request(Method::POST, service, path).json(body)).await
    }

    /// The same, for an answer that may never come.
    pub(crate) async fn post_impatiently(&self, service: Service, path: &str, body: &Value) -> Heard {
        hear(self.request(Method::POST, service, path).timeout(PATIENCE).json(body)).await
    }

    /// Sends the usual message or comment.
    pub(crate) async fn act(&self, service: Service) -> Heard {
        self.post(service, service.profile().path, &usual(service)).await
    }

    pub(crate) fn press_count(&self) -> usize {
        self.double.presses().len()
    }
}

/// A body that the service takes.
pub(crate) fn usual(service: Service) -> Value {
    match service {
        Service::LinkedinAutomation => json!({"profileUrl": "https://www.linkedin.com/in/bob/", "text": "hello"}),
        Service::ThreadsComments => json!({"postUrl": "https://www.threads.com/@a/post/1", "text": "hello"}),
        Service::InstagramComments => json!({"postUrl": "https://www.instagram.com/p/1/", "text": "hello"}),
        Service::TiktokComments => json!({"postUrl": "https://www.tiktok.com/@a/video/1", "text": "hello"}),
        Service::TwitterComments => json!({"postUrl": "https://x.com/a/status/1", "text": "hello"}),
        _ => json!({"username": "bob", "text": "hello"}),
    }
}

pub(crate) async fn hear(request: reqwest::RequestBuilder) -> Heard {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failure(&error),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    match response.bytes().await {
        Ok(body) => Heard::Answer { status, headers, body: body.to_vec() },
        Err(error) => failure(&error),
    }
}

fn failure(error: &reqwest::Error) -> Heard {
    if error.is_timeout() {
        return Heard::Silence;
    }
    if error.is_connect() {
        return Heard::Refused;
    }
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if inner.downcast_ref::<io::Error>().is_some_and(|inner| inner.kind() == io::ErrorKind::ConnectionReset) {
            return Heard::Reset;
        }
        source = inner.source();
    }
    Heard::Empty
}

/// Where a service says its limits; research too, though nobody asks it.
pub(crate) fn limits_path(service: Service) -> &'static str {
    service.profile().limits_path.unwrap_or("/api/rate-limits")
}
