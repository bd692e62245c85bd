//! One command for each of the nine services, and servers in their places.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::super::HttpSafariDispatcher;
use crate::SystemClock;
use crate::clock::ManualClock;
use crate::safari::gate::{Dispatchable, check};
use crate::safari::wire::{DispatchConfig, Means, ServiceRequest, means};
use crate::safari::{Command, Platform, SafariConfig, Service, ServiceConfig};
use crate::testing::{Fault, FaultResponse, FaultServer, ReceivedRequest};

pub(super) const TOKEN: &str = "t0ken-of-the-service";

fn now() -> crate::Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

/// What each service is there for.
pub(super) fn command(service: Service) -> Dispatchable {
    let dm = |platform| Command::dm(platform, "bob", "hello", now());
    let comment = |platform, url: &str| Command::comment(platform, url, "well said", now());
    let command = match service {
        Service::InstagramDm => dm(Platform::Instagram),
        Service::TwitterDm => dm(Platform::Twitter),
        Service::TiktokDm => dm(Platform::Tiktok),
        Service::LinkedinAutomation => dm(Platform::Linkedin),
        Service::ThreadsComments => comment(Platform::Threads, "https://www.threads.com/@a/post/1"),
        Service::InstagramComments => comment(Platform::Instagram, "https://www.instagram.com/p/1/"),
        Service::TiktokComments => comment(Platform::Tiktok, "https://www.tiktok.com/@a/video/1"),
        Service::TwitterComments => comment(Platform::Twitter, "https://x.com/a/status/1"),
        Service::MarketResearch => Command::research(Platform::Twitter, "founder's tips", 2, now()),
    };
    check(&command).expect("it passes")
}

/// The request that this command makes.
pub(super) fn request(service: Service) -> ServiceRequest {
    match means(&command(service), &DispatchConfig::default()) {
        Means::Request(request) => request,
        Means::Program(program) => panic!("{program:?}"),
    }
}

/// What the service says of itself.
pub(super) fn healthy(service: Service) -> FaultResponse {
    let body = match service {
        Service::InstagramDm => json!({"status": "ok", "timestamp": "t", "rateLimits": {"messagesSentToday": 0}}),
        _ => json!({"status": "ok", "service": service.as_str()}),
    };
    FaultResponse::json(200, &body)
}

/// What the service says when it did what was asked.
pub(super) fn success(service: Service) -> FaultResponse {
    let body = match service {
        Service::MarketResearch => json!({"success": true, "posts": [{"url": "https://x.com/a/status/1"}], "count": 1}),
        _ => json!({"success": true, "verified": true}),
    };
    FaultResponse::json(200, &body)
}

/// What comes before the request itself, all of it well.
pub(super) fn prelude(service: Service) -> Vec<Fault> {
    let mut faults = vec![Fault::Answer(healthy(service))];
    faults.extend(before_each(service));
    faults
}

/// What comes before each request of a service that is known already.
pub(super) fn before_each(service: Service) -> Vec<Fault> {
    let answer = |body: Value| vec![Fault::Answer(FaultResponse::json(200, &body))];
    match service {
        Service::LinkedinAutomation => {
            answer(json!({"ok": true, "windowIndex": 1, "tabIndex": 2, "url": "https://www.linkedin.com/"}))
        }
        Service::TwitterDm => answer(json!({"limited": false, "suspended": false, "message": ""})),
        _ => Vec::new(),
    }
}

/// One service in its place, and everybody else nowhere.
pub(super) struct Bench {
    pub(super) server: FaultServer,
    pub(super) dispatcher: HttpSafariDispatcher,
    pub(super) clock: Arc<ManualClock>,
    service: Service,
}

impl Bench {
    pub(super) async fn new(service: Service, script: Vec<Fault>) -> Self {
        let server = FaultServer::start(script).await.expect("a server");
        let clock = Arc::new(ManualClock::at(now()));
        let dispatcher = HttpSafariDispatcher::new(&config(service, server.url()), clock.clone()).expect("a dispatcher");
        Self { server, dispatcher, clock, service }
    }

    /// The requests that would have submitted something.
    pub(super) fn submissions(&self) -> Vec<ReceivedRequest> {
        let target = format!("POST {}", request(self.service).path);
        self.server
            .received()
            .into_iter()
            .filter(|request| target.starts_with(&request.target()) || request.target() == target)
            .collect()
    }
}

pub(super) fn config(service: Service, url: &Url) -> SafariConfig {
    let own = ServiceConfig::default().at(url.clone()).with_token(TOKEN);
    SafariConfig::default().with_service(service, own)
}

/// A dispatcher whose nine services are at these addresses.
pub(super) fn dispatcher(urls: &[(Service, Url)]) -> HttpSafariDispatcher {
    let config = urls.iter().fold(SafariConfig::default(), |config, (service, url)| {
        config.with_service(*service, ServiceConfig::default().at(url.clone()))
    });
    HttpSafariDispatcher::new(&config, SystemClock::shared()).expect("a dispatcher")
}

/// Nobody waits a minute for a service that hangs, in a test.
pub(super) const SHORT: Duration = Duration::from_millis(150);
