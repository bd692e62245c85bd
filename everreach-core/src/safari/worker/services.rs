//! How the services are and what limits they keep: looked at when needed, written down, and told when it changes.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, timeout_at};

use super::store;
use crate::safari::alert::{Alert, AlertOutbox};
use crate::safari::limits::Limit;
use crate::safari::queue::blocked_by;
use crate::safari::service::write_health;
use crate::safari::{HealthStatus, SafariDispatcher, Service, ServiceHealth};
use crate::store::Store;
use crate::{Event, Result, SharedClock, events};

/// How long one look may take, limits included: a dispatcher that breaks its law does not hold up the other eight.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// What is known of the services: the one place for workers, the command line and HTTP.
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
    /// What each said last of its own limits.
    limits: Mutex<BTreeMap<Service, Limit>>,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Seen {
    health: ServiceHealth,
    at: Duration,
    /// Whether a dispatch has met something else since.
    is_doubted: bool,
    is_written: bool,
}

/// What one look found.
struct Found {
    health: ServiceHealth,
    /// What the service said of its own limits; none when it said nothing.
    limit: Option<Limit>,
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
        let (seen, limits, looking) = (Mutex::default(), Mutex::default(), tokio::sync::Mutex::default());
        Self { store, dispatcher, clock, alerts, every, seen, limits, looking }
    }

    /// What the last looks found.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<Service, ServiceHealth> {
        self.lock().iter().map(|(service, seen)| (*service, seen.health.clone())).collect()
    }

    /// What the services said last of their own limits. One that has not said any is not here: the contract stands for it.
    ///
    /// ```
    /// use everreach_core::safari::{Service, limits::Limit, worker::ServiceWatch};
    /// fn of_twitter(watch: &ServiceWatch) -> Limit {
    ///     watch.limits().get(&Service::TwitterDm).copied().unwrap_or_else(|| Limit::of_profile(Service::TwitterDm))
    /// }
    /// ```
    #[must_use]
    pub fn limits(&self) -> BTreeMap<Service, Limit> {
        self.limits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at those that were not looked at lately, side by side: how they are, and what limits they keep. Within 5 s, even when all
    /// nine hang. Nothing is written down and nobody is told: the next [`look`](Self::look) does that.
    ///
    /// ```
    /// use everreach_core::safari::worker::ServiceWatch;
    /// async fn down(watch: &ServiceWatch) -> usize {
    ///     watch.glance().await.values().filter(|health| !health.is_healthy()).count()
    /// }
    /// ```
    pub async fn glance(&self) -> BTreeMap<Service, ServiceHealth> {
        let _looking = self.looking.lock().await;
        self.find().await;
        self.seen()
    }

    /// The same, and writes down what was found. Changes are events; a service that went down is an alert, told again every hour while
    /// it stays so.
    ///
    /// # Errors
    /// The store's.
    pub async fn look(&self) -> Result<BTreeMap<Service, ServiceHealth>> {
        let _looking = self.looking.lock().await;
        self.find().await;
        let unwritten: Vec<_> = self.lock().values().filter(|seen| !seen.is_written).map(|seen| seen.health.clone()).collect();
        if !unwritten.is_empty() {
            let services: Vec<_> = unwritten.iter().map(|health| health.service).collect();
            self.write(unwritten).await?;
            let mut seen = self.lock();
            for service in services {
                if let Some(seen) = seen.get_mut(&service) {
                    seen.is_written = true;
                }
            }
        }
        Ok(self.seen())
    }

    /// Asks those that are due.
    async fn find(&self) {
        let found = join_all(self.due().into_iter().map(|service| self.look_at(service))).await;
        let at = self.clock.monotonic();
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = self.lock();
        for Found { health, limit } in found {
            // One that does not say its limits now still keeps those that it said before.
            if let Some(limit) = limit {
                limits.insert(health.service, limit);
            }
            seen.insert(health.service, Seen { health, at, is_doubted: false, is_written: false });
        }
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

    async fn look_at(&self, service: Service) -> Found {
        let until = Instant::now() + PATIENCE;
        let health = timeout_at(until, self.dispatcher.health(service)).await.unwrap_or_else(|_| {
            let detail = format!("no answer came within {} ms", PATIENCE.as_millis());
            ServiceHealth::new(service, HealthStatus::Timeout, detail, self.clock.now())
        });
        let has_limits = health.is_healthy() && service.profile().action.is_some();
        let limit = if has_limits { self.limit_of(service, until).await } else { None };
        Found { health, limit }
    }

    async fn limit_of(&self, service: Service, until: Instant) -> Option<Limit> {
        match timeout_at(until, self.dispatcher.limits(service)).await {
            Ok(Ok(limit)) => limit,
            Ok(Err(error)) => {
                tracing::debug!(%error, %service, "the service does not say its limits");
                None
            }
            Err(_) => {
                tracing::debug!(%service, "the service did not say its limits in time");
                None
            }
        }
    }

    async fn write(&self, found: Vec<ServiceHealth>) -> Result<()> {
        let now = self.clock.now();
        let alerts = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut alerts = Vec::new();
                    write_health(&mut db, &found, now).await?;
                    let edges = store::edges(&mut db, &found, now).await?;
                    for (health, edge) in found.iter().zip(edges) {
                        if edge.is_new {
                            let kind = if health.is_healthy() { "safari.service_up" } else { "safari.service_down" };
                            let data = serde_json::json!({"status": health.status, "detail": health.detail});
                            events::append(&mut db, &Event::new(now, kind, health.service.as_str()).with_data(data)).await?;
                        }
                        if !health.is_healthy() {
                            let blocked = blocked_by(&mut db, health.service).await?;
                            alerts.push(Alert::ServiceDown {
                                service: health.service,
                                port: health.port,
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
