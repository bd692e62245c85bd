//! How the services are: looked at when needed, written down, and told when it changes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;

use super::store;
use crate::safari::alert::{Alert, AlertOutbox};
use crate::safari::{HealthStatus, SafariDispatcher, Service, ServiceHealth};
use crate::store::Store;
use crate::{Event, Result, SharedClock, events};

/// How long one look may take: a dispatcher that breaks its law does not hold up the other eight.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// What is known of the services.
///
/// ```
/// use everreach_core::safari::worker::ServiceWatch;
/// async fn healthy(watch: &ServiceWatch) -> everreach_core::Result<usize> {
///     Ok(watch.look().await?.values().filter(|health| health.is_healthy()).count())
/// }
/// ```
pub struct ServiceWatch {
    store: Store,
    dispatcher: Arc<dyn SafariDispatcher>,
    clock: SharedClock,
    alerts: AlertOutbox,
    every: Duration,
    seen: Mutex<BTreeMap<Service, Seen>>,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Seen {
    health: ServiceHealth,
    at: Duration,
    /// Whether a dispatch has met something else since.
    is_doubted: bool,
}

impl fmt::Debug for ServiceWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceWatch").field("every", &self.every).finish_non_exhaustive()
    }
}

impl ServiceWatch {
    pub(super) fn new(
        store: Store,
        dispatcher: Arc<dyn SafariDispatcher>,
        clock: SharedClock,
        alerts: AlertOutbox,
        every: Duration,
    ) -> Self {
        Self { store, dispatcher, clock, alerts, every, seen: Mutex::default(), looking: tokio::sync::Mutex::default() }
    }

    /// What the last looks found.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<Service, ServiceHealth> {
        self.lock().iter().map(|(service, seen)| (*service, seen.health.clone())).collect()
    }

    /// Looks at those that were not looked at lately, side by side, and writes down what was found. Changes are events; a service
    /// that went down is an alert, told again every hour while it stays so.
    ///
    /// # Errors
    /// The store's.
    pub async fn look(&self) -> Result<BTreeMap<Service, ServiceHealth>> {
        let _looking = self.looking.lock().await;
        let due = self.due();
        if due.is_empty() {
            return Ok(self.seen());
        }
        let found = join_all(due.into_iter().map(|service| self.look_at(service))).await;
        let at = self.clock.monotonic();
        {
            let mut seen = self.lock();
            for health in &found {
                seen.insert(health.service, Seen { health: health.clone(), at, is_doubted: false });
            }
        }
        self.write(found).await?;
        Ok(self.seen())
    }

    /// What was seen of a service is no longer believed; it is looked at before the next command.
    pub(super) fn forget(&self, service: Option<Service>) {
        if let Some(service) = service
            && let Some(seen) = self.lock().get_mut(&service)
        {
            seen.is_doubted = true;
        }
    }

    fn due(&self) -> Vec<Service> {
        let (now, seen) = (self.clock.monotonic(), self.lock());
        let is_due = |service: &Service| {
            let at_most = service.profile().health_interval;
            seen.get(service).is_none_or(|seen| {
                let wait = if seen.is_doubted { at_most } else { at_most.max(self.every) };
                now.saturating_sub(seen.at) >= wait
            })
        };
        Service::ALL.into_iter().filter(is_due).collect()
    }

    async fn look_at(&self, service: Service) -> ServiceHealth {
        tokio::time::timeout(PATIENCE, self.dispatcher.health(service)).await.unwrap_or_else(|_| {
            let detail = format!("no answer came within {} ms", PATIENCE.as_millis());
            ServiceHealth::new(service, HealthStatus::Timeout, detail, self.clock.now())
        })
    }

    async fn write(&self, found: Vec<ServiceHealth>) -> Result<()> {
        let now = self.clock.now();
        let alerts = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut alerts = Vec::new();
                    for health in &found {
                        store::write_health(&mut db, health).await?;
                        let edge = store::edge(&mut db, health, now).await?;
                        if edge.is_new {
                            let kind = if health.is_healthy() { "safari.service_up" } else { "safari.service_down" };
                            let data = serde_json::json!({"status": health.status, "detail": health.detail});
                            events::append(&mut db, &Event::new(now, kind, health.service.as_str()).with_data(data)).await?;
                        }
                        if !health.is_healthy() {
                            let blocked = store::blocked(&mut db, health.service).await?;
                            alerts.push(Alert::ServiceDown {
                                service: health.service,
                                since: edge.since,
                                last_healthy: edge.last_healthy,
                                blocked,
                            });
                        }
                    }
                    Ok(alerts)
                })
            })
            .await?;
        for alert in alerts {
            self.alerts.raise(alert).await?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Service, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
