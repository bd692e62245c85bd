//! The health of all nine.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use crate::Clock;
use crate::safari::{HealthStatus, SafariDispatcher, Service, ServiceHealth};

/// How long one look may take here. The profile's 3 s are the dispatcher's own business; this only keeps one that breaks its
/// law from holding up the other eight.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// How all nine services are, asked side by side: within 5 s, even when all of them hang. In the order of [`Service::ALL`].
///
/// ```
/// use everreach_core::safari::{HttpSafariDispatcher, SafariConfig, Service, ServiceConfig, health_all};
/// use everreach_core::SystemClock;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let clock = SystemClock::new();
/// # let nobody: url::Url = "http://127.0.0.1:9".parse().expect("a URL");
/// let mut config = SafariConfig::default();
/// # for service in Service::ALL { config = config.with_service(service, ServiceConfig::default().at(nobody.clone())); }
/// let dispatcher = HttpSafariDispatcher::new(&config, SystemClock::shared())?;
/// let healths = health_all(&dispatcher, &clock).await;
/// assert_eq!(healths.iter().map(|health| health.service).collect::<Vec<_>>(), Service::ALL);
/// # Ok(()) }
/// ```
pub async fn health_all(dispatcher: &dyn SafariDispatcher, clock: &dyn Clock) -> Vec<ServiceHealth> {
    let look = async |service: Service| {
        timeout(PATIENCE, dispatcher.health(service)).await.unwrap_or_else(|_| {
            let detail = format!("no answer came within {} ms", PATIENCE.as_millis());
            ServiceHealth::new(service, HealthStatus::Timeout, detail, clock.now())
        })
    };
    join_all(Service::ALL.map(look)).await
}
