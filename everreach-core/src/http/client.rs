//! The client factory.

use std::time::Duration;

use crate::{Error, ErrorKind, Result};

const USER_AGENT: &str = concat!("everreach/", env!("CARGO_PKG_VERSION"));

/// How connections are made and kept.
///
/// ```
/// use everreach_core::http::{HttpConfig, client};
/// # fn main() -> everreach_core::Result<()> {
/// let client = client(&HttpConfig::default())?;
/// # drop(client); Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpConfig {
    /// How long name lookup, TCP and TLS may take together.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept.
    pub idle_timeout: Duration,
    /// How many unused connections are kept for one host.
    pub idle_per_host: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            // Below the 5 s after which uvicorn, the shortest of the usual servers, hangs up: a request sent into a closing
            // connection has an unknown outcome, and an outward call would then be held for nothing.
            idle_timeout: Duration::from_secs(4),
            idle_per_host: 64,
        }
    }
}

/// A client to share: cloning it is cheap and keeps its connections.
///
/// # Errors
/// [`ErrorKind::Config`] when the machine's certificate store cannot be read.
pub fn client(config: &HttpConfig) -> Result<reqwest::Client> {
    build(config, |builder| builder)
}

/// The same, with names looked up by `resolver`: for addresses that come from elsewhere, of which not all may be asked.
///
/// # Errors
/// As [`client`].
pub(crate) fn client_with_resolver<R: reqwest::dns::Resolve + 'static>(
    config: &HttpConfig,
    resolver: std::sync::Arc<R>,
) -> Result<reqwest::Client> {
    build(config, |builder| builder.dns_resolver(resolver))
}

fn build(config: &HttpConfig, finish: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Result<reqwest::Client> {
    install_crypto();
    let builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // Retries are counted, budgeted and journaled one floor up; a repeat that nobody sees would break that.
        .retry(reqwest::retry::never())
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(config.idle_timeout)
        .pool_max_idle_per_host(config.idle_per_host)
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30));
    finish(builder).build().map_err(|source| {
        Error::new(ErrorKind::Config, "no HTTP client can be made; check that this machine has a certificate store")
            .with_operation("make an HTTP client")
            .with_source(source.without_url())
    })
}

/// Makes ring the process's TLS crypto, unless the embedding program chose one already.
fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race against another installer is fine: then there is a provider too.
        drop(rustls::crypto::ring::default_provider().install_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clients_and_a_provider_installed_by_somebody_else_get_along() {
        drop(rustls::crypto::ring::default_provider().install_default());
        client(&HttpConfig::default()).expect("a first client");
        client(&HttpConfig::default()).expect("a second client");
    }
}
