//! Checks of what is reached over the network: our own port, the cloud, the worker.

use std::net::SocketAddr;
use std::time::Duration;

use everreach_core::routing::RemoteConfig;
use everreach_core::store::redact_url;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tokio::net::TcpListener;

use super::Check;
use crate::client::http_client;

/// Somebody waits for the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the port is free, or ours already.
pub(super) async fn port(listen: SocketAddr) -> Check {
    const NAME: &str = "port";
    match TcpListener::bind(listen).await {
        Ok(_) => Check::pass(NAME, format!("{listen} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match health(&format!("http://{listen}"), None).await {
            Ok(()) => Check::pass(NAME, format!("EverReach answers on {listen}")),
            Err(_) => {
                Check::fail(NAME, format!("another program holds {listen}"), "end it, or set EVERREACH_LISTEN to another port")
            }
        },
        Err(error) => {
            Check::fail(NAME, format!("{listen} cannot be used: {error}"), "set EVERREACH_LISTEN to an address of this machine")
        }
    }
}

/// Whether another process that runs actions answers.
pub(super) async fn remote(name: &'static str, remote: Option<&RemoteConfig>) -> Check {
    let Some(remote) = remote else { return Check::pass(name, "not configured") };
    let endpoint = redact_url(remote.endpoint.as_str());
    match health(remote.endpoint.as_str(), Some(remote)).await {
        Ok(()) => Check::pass(name, format!("{endpoint} answers")),
        Err(cause) => {
            let setting = if name == "cloud" { "CLOUD_ENDPOINT" } else { "LOCAL_ENDPOINT" };
            Check::fail(name, format!("{endpoint} does not answer: {cause}"), format!("start it, or correct {setting}"))
        }
    }
}

async fn health(base: &str, remote: Option<&RemoteConfig>) -> Result<(), String> {
    let client = http_client().map_err(|error| error.to_string())?;
    let mut request = client.get(format!("{}/health", base.trim_end_matches('/'))).timeout(PATIENCE);
    if let Some(key) = remote.and_then(|remote| remote.key.as_ref()) {
        request = request.bearer_auth(key.expose_secret());
    }
    let response = request
        .send()
        .await
        .map_err(|error| if error.is_timeout() { "no answer in time" } else { "no connection" }.to_owned())?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("/health says {status}"));
    }
    let body: Value = response.json().await.map_err(|_| "/health is no JSON".to_owned())?;
    if body["status"] == "ok" { Ok(()) } else { Err(format!("/health says {}", body["status"])) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::State;

    #[tokio::test]
    async fn a_port_that_another_program_holds_fails_and_a_free_one_passes() {
        let held = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = held.local_addr().expect("an address");
        let stranger = tokio::spawn(async move { while held.accept().await.is_ok() {} });
        assert_eq!(port(address).await.state, State::Fail);
        stranger.abort();
        let _ended = stranger.await;
        assert_eq!(port(address).await.state, State::Pass);
    }

    #[tokio::test]
    async fn a_worker_that_is_down_names_the_setting() {
        let check = remote("worker", Some(&RemoteConfig::new("http://127.0.0.1:1".parse().expect("a URL")))).await;
        assert!(check.fix.expect("a fix").contains("LOCAL_ENDPOINT"));
    }
}
