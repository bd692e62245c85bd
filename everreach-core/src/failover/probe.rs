//! The probe: one look at another side's `/health`.

use std::time::Duration;

use serde_json::{Map, Value};
use url::Url;

use super::ProbeFailure;
use crate::http::read_bounded;
use crate::{Error, ErrorKind, Result};

const BODY_LIMIT: usize = 64 * 1024;

/// What a healthy side said.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProbeAnswer {
    /// All fields of its answer.
    pub fields: Map<String, Value>,
}

impl ProbeAnswer {
    /// What it says it is: `cloud`, `local`, …
    #[must_use]
    pub fn env(&self) -> Option<&str> {
        self.fields.get("env")?.as_str()
    }

    /// The id of the process, if it is an EverReach.
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.fields.get("instance")?.as_str()
    }

    /// The id of its database.
    pub(super) fn database(&self) -> Option<&str> {
        self.fields.get("database")?.as_str()
    }

    /// Whether it does the work.
    pub(super) fn leads(&self) -> bool {
        self.fields.get("leads").and_then(Value::as_bool).unwrap_or_default()
    }
}

/// Asks `GET {endpoint}/health` once; any 2xx JSON object whose `status` is `ok` counts as healthy.
///
/// `within` covers everything, the last byte of the body included.
///
/// # Errors
/// [`ErrorKind::Timeout`] when the time is up, [`ErrorKind::Unreachable`] when it cannot be reached or answers otherwise.
///
/// ```no_run
/// # async fn look() -> everreach_core::Result<()> {
/// use everreach_core::{failover::probe, http};
/// let client = http::client(&http::HttpConfig::default())?;
/// let endpoint = "http://127.0.0.1:8090".parse().expect("a URL");
/// let answer = probe(&client, &endpoint, std::time::Duration::from_secs(5)).await?;
/// println!("it calls itself {}", answer.env().unwrap_or("nothing"));
/// # Ok(()) }
/// ```
pub async fn probe(client: &reqwest::Client, endpoint: &Url, within: Duration) -> Result<ProbeAnswer> {
    look(client, endpoint, within).await.map_err(|(_, error)| error)
}

/// The same, with the reason as a word.
pub(super) async fn look(
    client: &reqwest::Client,
    endpoint: &Url,
    within: Duration,
) -> std::result::Result<ProbeAnswer, (ProbeFailure, Error)> {
    let about = |kind, sentence: &'static str| Error::new(kind, sentence).with_operation("probe").with("url", host_of(endpoint));
    let late = || (ProbeFailure::Timeout, about(ErrorKind::Timeout, "no answer came in time"));
    tokio::time::timeout(within, ask(client, endpoint, &about)).await.unwrap_or_else(|_| Err(late()))
}

async fn ask(
    client: &reqwest::Client,
    endpoint: &Url,
    about: &(dyn Fn(ErrorKind, &'static str) -> Error + Send + Sync),
) -> std::result::Result<ProbeAnswer, (ProbeFailure, Error)> {
    let unhealthy = |failure, sentence| (failure, about(ErrorKind::Unreachable, sentence));
    let mut url = endpoint.clone();
    url.set_query(None);
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push("health");
    }
    let response = client.get(url).send().await.map_err(|error| {
        let (failure, said) = unhealthy(ProbeFailure::Unreachable, "it cannot be reached; check that it runs");
        (failure, said.with_source(error.without_url()))
    })?;
    let status = response.status();
    let body = read_bounded(response, BODY_LIMIT).await.map_err(|error| (ProbeFailure::Unreachable, error))?;
    if !status.is_success() {
        let (failure, said) = unhealthy(ProbeFailure::BadStatus, "it answered with a failure");
        return Err((failure, said.with("status", status.as_u16())));
    }
    match serde_json::from_slice::<Map<String, Value>>(&body) {
        Ok(fields) if fields.get("status").and_then(Value::as_str) == Some("ok") => Ok(ProbeAnswer { fields }),
        Ok(_) => Err(unhealthy(ProbeFailure::BadBody, "it does not say that its status is ok")),
        Err(_) => Err(unhealthy(
            ProbeFailure::BadBody,
            "it answered something else than a JSON object; is another program at this address?",
        )),
    }
}

/// The address without user, password, path and query.
fn host_of(endpoint: &Url) -> String {
    endpoint.origin().ascii_serialization()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{HttpConfig, client};
    use crate::testing::{Fault, FaultResponse, FaultServer};

    fn answer(body: &Value) -> Fault {
        Fault::Answer(FaultResponse::json(200, body))
    }

    #[tokio::test]
    async fn only_a_json_object_with_status_ok_passes_for_healthy() {
        let client = client(&HttpConfig::default()).expect("a client");
        let ok = json!({"status": "ok", "env": "cloud"});
        let sick = [
            answer(&json!({"status": "degraded"})),
            answer(&json!({})),
            answer(&json!(["ok"])),
            Fault::Answer(FaultResponse::html(200)),
            Fault::Answer(FaultResponse::json(503, &ok)),
            Fault::Answer(FaultResponse::json(302, &ok).with_header("Location", "/livez")),
            Fault::ResetBeforeAnswer,
        ];
        let count = sick.len();
        let script = sick.into_iter().chain([answer(&ok), Fault::Drip(FaultResponse::json(200, &ok), Duration::from_millis(20))]);
        let server = FaultServer::start(script).await.expect("a server");
        for _ in 0..count {
            let error = probe(&client, server.url(), Duration::from_secs(5)).await.expect_err("unhealthy");
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{error:?}");
        }
        let healthy = probe(&client, server.url(), Duration::from_secs(5)).await.expect("healthy");
        assert_eq!(healthy.env(), Some("cloud"));
        let dripping = probe(&client, server.url(), Duration::from_millis(150)).await.expect_err("too slow");
        assert_eq!(dripping.kind(), ErrorKind::Timeout);
    }
}
