//! What is asked of a service.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Value, json};

use super::program::{CrmCommand, Program};
use crate::safari::gate::{CommentWork, Dispatchable, DmWork, NavigationWork, Opener, ResearchWork, Work};
use crate::safari::{Platform, Service};

const NAVIGATION_TIMEOUT: Duration = Duration::from_secs(60);
const TIKTOK_PER_VIDEO: Duration = Duration::from_secs(15);

/// Whether `force` of a row is passed on. It makes a service skip its hours, its limits and its memory of whom it has messaged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForcePolicy {
    /// It is left out.
    #[default]
    Ignore,
    /// It is passed on when the row carries it.
    Honour,
}

/// What carrying commands out depends on, beside the commands.
///
/// ```
/// use everreach_core::safari::wire::{DispatchConfig, ForcePolicy};
/// assert_eq!(DispatchConfig::default().force, ForcePolicy::Ignore);
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct DispatchConfig {
    /// Whether `force` is passed on.
    pub force: ForcePolicy,
    /// How the CRM script is started.
    pub crm: CrmCommand,
}

/// How a command is carried out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Means {
    /// One request to a service.
    Request(ServiceRequest),
    /// One program on this machine.
    Program(Program),
}

impl Means {
    /// How long it may take, and how long Safari rests when its outcome is unknown.
    ///
    /// ```
    /// use everreach_core::safari::wire::{DispatchConfig, means};
    /// use everreach_core::safari::{Command, Platform, gate::check};
    /// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let dm = check(&Command::dm(Platform::Tiktok, "bob", "hello", now))?;
    /// assert_eq!(means(&dm, &DispatchConfig::default()).timeout().as_secs(), 180);
    /// # Ok::<(), everreach_core::safari::gate::Refusal>(())
    /// ```
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        match self {
            Self::Request(request) => request.timeout,
            Self::Program(program) => program.timeout,
        }
    }
}

/// One request to a service, without its address and its token.
///
/// ```
/// use everreach_core::safari::{Service, wire::ServiceRequest};
/// let health = ServiceRequest::health(Service::TwitterDm);
/// assert_eq!((health.path.as_str(), health.timeout.as_secs()), ("/health", 3));
/// assert_eq!(ServiceRequest::limits(Service::TwitterDm).expect("it says them").path, "/api/twitter/rate-limits");
/// assert_eq!(ServiceRequest::ensure_session(Service::LinkedinAutomation).path, "/api/session/ensure");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceRequest {
    /// Which service.
    pub service: Service,
    /// `GET` or `POST`.
    pub method: Method,
    /// The path, from the root of the service.
    pub path: String,
    /// The body, where there is one.
    pub body: Option<Value>,
    /// How long an answer is waited for. Less cuts off sends that then happen.
    pub timeout: Duration,
}

impl ServiceRequest {
    fn get(service: Service, path: &str, timeout: Duration) -> Self {
        Self { service, method: Method::GET, path: path.to_owned(), body: None, timeout }
    }

    fn post(service: Service, path: impl Into<String>, body: Value, timeout: Duration) -> Self {
        Self { service, method: Method::POST, path: path.into(), body: Some(body), timeout }
    }

    /// Asks how the service is.
    #[must_use]
    pub fn health(service: Service) -> Self {
        Self::get(service, "/health", service.profile().health_timeout())
    }

    /// Asks for its limits, where it says them. They are never changed from here.
    #[must_use]
    pub fn limits(service: Service) -> Option<Self> {
        let profile = service.profile();
        profile.limits_path.map(|path| Self::get(service, path, profile.limits_timeout()))
    }

    /// Has it find its tab; comes before every action of a service that would drive the front tab otherwise.
    #[must_use]
    pub fn ensure_session(service: Service) -> Self {
        let timeout = service.profile().ensure_timeout();
        Self { service, method: Method::POST, path: "/api/session/ensure".to_owned(), body: None, timeout }
    }

    /// Asks twitter-dm whether x.com limits the account, which a send does not tell.
    ///
    /// ```
    /// assert_eq!(everreach_core::safari::wire::ServiceRequest::account_standing().path, "/api/twitter/rate-status");
    /// ```
    #[must_use]
    pub fn account_standing() -> Self {
        let service = Service::TwitterDm;
        Self::get(service, "/api/twitter/rate-status", service.profile().ensure_timeout())
    }

    /// Asks for the unread conversations; `None` of a service that has no inbox.
    ///
    /// ```
    /// use everreach_core::safari::{Service, wire::ServiceRequest};
    /// assert_eq!(ServiceRequest::unread(Service::InstagramDm).expect("an inbox").path, "/api/conversations/unread");
    /// assert_eq!(ServiceRequest::unread(Service::ThreadsComments), None);
    /// ```
    #[must_use]
    pub fn unread(service: Service) -> Option<Self> {
        let path = match service {
            Service::InstagramDm => "/api/conversations/unread",
            Service::TwitterDm => "/api/twitter/conversations/unread",
            Service::TiktokDm => "/api/tiktok/conversations/unread",
            Service::LinkedinAutomation => "/api/linkedin/messages/unread",
            _ => return None,
        };
        Some(Self::get(service, path, NAVIGATION_TIMEOUT))
    }

    /// Asks for all conversations of the inbox, where the unread ones are only counted; `None` of the others.
    ///
    /// ```
    /// use everreach_core::safari::{Service, wire::ServiceRequest};
    /// assert_eq!(ServiceRequest::conversations(Service::LinkedinAutomation).expect("a list").path, "/api/linkedin/conversations");
    /// assert_eq!(ServiceRequest::conversations(Service::TwitterDm), None);
    /// ```
    #[must_use]
    pub fn conversations(service: Service) -> Option<Self> {
        (service == Service::LinkedinAutomation).then(|| Self::get(service, "/api/linkedin/conversations", NAVIGATION_TIMEOUT))
    }

    /// The headers, without the token: JSON always, since some services answer 415 otherwise.
    ///
    /// ```
    /// use everreach_core::safari::{Service, wire::ServiceRequest};
    /// assert_eq!(ServiceRequest::health(Service::TiktokDm).headers()["content-type"], "application/json");
    /// ```
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        HeaderMap::from_iter([(header::CONTENT_TYPE, json.clone()), (header::ACCEPT, json)])
    }
}

/// How a command is carried out.
///
/// ```
/// use everreach_core::safari::wire::{DispatchConfig, Means, means};
/// use everreach_core::safari::{Command, Platform, gate::check};
/// use serde_json::json;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let dm = check(&Command::dm(Platform::Instagram, "@bob", "hello", now))?;
/// let Means::Request(request) = means(&dm, &DispatchConfig::default()) else { panic!("a request") };
/// assert_eq!(request.path, "/api/messages/send-to");
/// assert_eq!(request.body, Some(json!({"username": "bob", "text": "hello"})));
/// assert_eq!(request.timeout.as_secs(), 120);
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[must_use]
pub fn means(command: &Dispatchable, config: &DispatchConfig) -> Means {
    match command.work() {
        Work::Dm(dm) => Means::Request(direct_message(dm, config.force)),
        Work::Comment(comment) => Means::Request(post_comment(comment)),
        Work::Research(research) => Means::Request(search(research)),
        Work::Navigation(navigation) => navigate(navigation),
        Work::Crm(crm) => Means::Program(config.crm.program(*crm)),
    }
}

fn direct_message(dm: &DmWork, policy: ForcePolicy) -> ServiceRequest {
    let profile = dm.service.profile();
    let recipient = if dm.platform == Platform::Linkedin { "profileUrl" } else { "username" };
    let mut body = json!({recipient: dm.recipient, "text": dm.text});
    // instagram-dm knows no force.
    if dm.force && policy == ForcePolicy::Honour && dm.service != Service::InstagramDm {
        body["force"] = Value::Bool(true);
    }
    ServiceRequest::post(dm.service, profile.path, body, profile.timeout)
}

fn post_comment(comment: &CommentWork) -> ServiceRequest {
    let profile = comment.service.profile();
    let body = match &comment.text {
        Some(text) => json!({"postUrl": comment.post_url, "text": text}),
        None => json!({"postUrl": comment.post_url, "useAI": true}),
    };
    ServiceRequest::post(comment.service, profile.path, body, profile.timeout)
}

fn search(research: &ResearchWork) -> ServiceRequest {
    let profile = Service::MarketResearch.profile();
    // A straight apostrophe breaks the service's shell command, and the search fails.
    let query = research.keyword.replace('\'', "\u{2019}");
    let body = json!({"query": query, "config": {"postsPerQuery": research.max_posts}});
    let timeout = match research.platform {
        Platform::Tiktok => profile.timeout + TIKTOK_PER_VIDEO * research.max_posts,
        _ => profile.timeout,
    };
    ServiceRequest::post(Service::MarketResearch, format!("{}/{}/search", profile.path, research.platform), body, timeout)
}

fn navigate(navigation: &NavigationWork) -> Means {
    let url = &navigation.url;
    match (navigation.opener, navigation.platform) {
        (Opener::CommentService(service), Some(platform)) => {
            let path = format!("/api/{platform}/navigate");
            Means::Request(ServiceRequest::post(service, path, json!({"url": url}), NAVIGATION_TIMEOUT))
        }
        (Opener::LinkedinProfile, _) => Means::Request(ServiceRequest::post(
            Service::LinkedinAutomation,
            "/api/linkedin/navigate/profile",
            json!({"profileUrl": url}),
            NAVIGATION_TIMEOUT,
        )),
        _ => Means::Program(Program::open_in_safari(url)),
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
