//! Asking an agent how it is.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::timeout;
use url::Host;

use super::{HealthConfig, HealthResult, ProbeFailure};
use crate::http::{HttpConfig, client_with_resolver, read_bounded};
use crate::supervisor::agent::{AgentId, HealthUrl, Reach};
use crate::{Result, SharedClock};

/// What agents say of themselves when all is well.
const WELL: [&str; 4] = ["ok", "healthy", "pass", "up"];

/// Asks agents how they are.
///
/// One look is one request on a connection of its own. Connecting, head and body together have one time limit, no redirect is followed, no more
/// than the bound is read, and only addresses that may be asked are, whatever a name resolves to at that moment.
///
/// ```
/// use everreach_core::supervisor::{HealthConfig, HttpProbe, ProbeFailure};
/// # async fn run() -> everreach_core::Result<()> {
/// let probe = HttpProbe::new(&HealthConfig::default(), everreach_core::SystemClock::shared())?;
/// let result = probe.check(&"http://10.0.0.7/health".parse()?, &"content-agent".parse()?).await;
/// assert_eq!(result.failure, Some(ProbeFailure::Forbidden));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct HttpProbe {
    client: reqwest::Client,
    clock: SharedClock,
    timeout: Duration,
    most_bytes: usize,
    reach: Reach,
}

impl HttpProbe {
    /// A probe with these bounds.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when no HTTP client can be made.
    pub fn new(config: &HealthConfig, clock: SharedClock) -> Result<Self> {
        // A connection to an agent that has ended since must not answer for its successor.
        let http = HttpConfig { connect_timeout: config.timeout, idle_per_host: 0, ..HttpConfig::default() };
        let client = client_with_resolver(&http, Arc::new(GuardedResolver { reach: config.reach }))?;
        Ok(Self { client, clock, timeout: config.timeout, most_bytes: config.most_bytes, reach: config.reach })
    }

    /// Looks once.
    pub async fn check(&self, url: &HealthUrl, agent: &AgentId) -> HealthResult {
        let begun = self.clock.monotonic();
        let literal = match url.url().host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            _ => None,
        };
        if let Some(objection) = literal.and_then(|address| self.reach.objection(address)) {
            return HealthResult::bad(ProbeFailure::Forbidden, objection, Duration::ZERO);
        }
        // What is late depends on how far it came.
        let mut late = (ProbeFailure::Timeout, "no answer came in time");
        let looked = timeout(self.timeout, self.look(url, agent, &mut late)).await;
        let took = self.clock.monotonic().saturating_sub(begun);
        match looked {
            Ok(Ok(())) => HealthResult::good(took),
            Ok(Err((failure, detail))) => HealthResult::bad(failure, detail, took),
            Err(_) => HealthResult::bad(late.0, late.1, took),
        }
    }

    async fn look(
        &self,
        url: &HealthUrl,
        agent: &AgentId,
        late: &mut (ProbeFailure, &'static str),
    ) -> Result<(), (ProbeFailure, String)> {
        let response = self.client.get(url.url().clone()).send().await.map_err(|error| not_sent(&error))?;
        *late = (ProbeFailure::SlowBody, "the answer began in time and did not end in time");
        let status = response.status();
        if !status.is_success() {
            return Err((ProbeFailure::BadStatus, format!("status {}", status.as_u16())));
        }
        let body = read_bounded(response, self.most_bytes).await.map_err(|error| (ProbeFailure::BadBody, error.to_string()))?;
        judge(&body, agent).map_err(|detail| (ProbeFailure::BadBody, detail))
    }
}

/// Whether this is the answer of a well agent. Text that is no JSON says nothing but that somebody answered; a page of a browser is not an
/// agent's.
fn judge(body: &[u8], agent: &AgentId) -> Result<(), String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        return Err("the answer is a web page: something else listens there".to_owned());
    }
    let Ok(serde_json::Value::Object(answer)) = serde_json::from_str(text) else { return Ok(()) };
    if let Some(other) = answer.get("agent_id").and_then(|id| id.as_str()).filter(|id| *id != agent.as_str()) {
        return Err(format!("the answer is that of `{}`", other.chars().take(64).collect::<String>()));
    }
    match answer.get("status") {
        Some(serde_json::Value::String(word)) if !WELL.contains(&word.to_lowercase().as_str()) => {
            Err(format!("it says that it is `{}`", word.chars().take(64).collect::<String>()))
        }
        _ if answer.get("ok").or(answer.get("success")) == Some(&serde_json::Value::Bool(false)) => {
            Err("it says that it is not ok".to_owned())
        }
        _ => Ok(()),
    }
}

/// Why a request got no answer.
fn not_sent(error: &reqwest::Error) -> (ProbeFailure, String) {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(refused) = cause.downcast_ref::<Unresolved>() {
            return (refused.failure, refused.sentence.clone());
        }
        source = cause.source();
    }
    if error.is_timeout() {
        (ProbeFailure::Timeout, "no connection came about in time".to_owned())
    } else if error.is_connect() {
        (ProbeFailure::Refused, "nobody listens there".to_owned())
    } else {
        (ProbeFailure::Refused, "the connection broke off before an answer came".to_owned())
    }
}

/// Looks names up, and lets only addresses through that may be asked.
#[derive(Debug)]
struct GuardedResolver {
    reach: Reach,
}

#[derive(Debug)]
struct Unresolved {
    failure: ProbeFailure,
    sentence: String,
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Unresolved {}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            // Boxed as what it is: an error in a box in a box would not be recognised.
            let unresolved = |failure, sentence: String| -> Box<dyn std::error::Error + Send + Sync> {
                Box::new(Unresolved { failure, sentence })
            };
            let found = found.map_err(|error| unresolved(ProbeFailure::Dns, error.to_string()))?;
            let (allowed, objected): (Vec<SocketAddr>, Vec<SocketAddr>) =
                found.partition(|address| reach.objection(address.ip()).is_none());
            match (allowed.is_empty(), objected.first()) {
                (false, _) => Ok(Box::new(allowed.into_iter()) as Addrs),
                (true, Some(address)) => {
                    let objection = reach.objection(address.ip()).unwrap_or_default();
                    Err(unresolved(ProbeFailure::Forbidden, objection.to_owned()))
                }
                (true, None) => Err(unresolved(ProbeFailure::Dns, "the name has no address".to_owned())),
            }
        })
    }
}

#[cfg(test)]
#[path = "http_probe_tests.rs"]
mod tests;
