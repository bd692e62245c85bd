//! The bus over a database, with or without Redis.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::wake::Wake;
use super::{BusConfig, NewMessage, Published, RedisState, Subscription, carrier, cursor, log, publish_within, retention};
use crate::events::EventLog;
use crate::lease::{Acquired, Lease, Leases};
use crate::store::{Db, Store};
use crate::{Id, Result, SharedClock};

/// How long the end of the background work is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A cheap-to-clone handle on the bus of a database: [`SyncBus`](super::SyncBus) says what it does.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::sync::bus::{BusConfig, NewMessage, OutboxBus, Subscription, SyncBus};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let bus = OutboxBus::start(store.clone(), SystemClock::shared(), EventLog::start(store), BusConfig::default())?;
/// bus.publish(NewMessage::new("crm.updated", serde_json::json!({"contact": 7}))).await?;
///
/// let subscription = Subscription::new("dashboard", "crm.updated");
/// let deliveries = bus.receive(&subscription, 10, std::time::Duration::from_secs(1)).await?;
/// assert_eq!(deliveries[0].message.payload["contact"], 7);
/// bus.ack(&deliveries[0]).await?;
/// bus.stop().await;
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct OutboxBus {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    pub(super) config: BusConfig,
    pub(super) leases: Leases,
    /// Unlike that of any other process, and of earlier runs of this one.
    pub(super) holder: String,
    pub(super) wake: Wake,
    pub(super) stopping: CancellationToken,
    held: Mutex<HashMap<String, Lease>>,
    registered: Mutex<HashSet<(String, String)>>,
    pub(super) redis: watch::Receiver<Option<RedisState>>,
    tasks: TaskTracker,
}

impl OutboxBus {
    /// The bus of this database; starts what goes on in the background: looking after the log, and the traffic with Redis when
    /// there is a URL. Redis need not be there.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) as [`BusConfig::validate`] says.
    pub fn start(store: Store, clock: SharedClock, events: EventLog, config: BusConfig) -> Result<Self> {
        config.validate()?;
        let (redis_setter, redis) = watch::channel(None);
        let inner = Inner {
            wake: Wake::start(&store),
            leases: Leases::new(store.clone(), Arc::clone(&clock), config.lease),
            holder: Id::new().to_string(),
            stopping: CancellationToken::new(),
            held: Mutex::default(),
            registered: Mutex::default(),
            redis,
            tasks: TaskTracker::new(),
            store,
            clock,
            events,
            config,
        };
        let bus = Self { inner: Arc::new(inner) };
        bus.inner.tasks.spawn(retention::keep(bus.clone()));
        carrier::start(&bus, &bus.inner.tasks, redis_setter)?;
        Ok(bus)
    }

    /// Ends the background work and gives every subscription up for other processes. What waits in a `receive` ends with nothing.
    pub async fn stop(&self) {
        self.inner.stopping.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(PATIENCE, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("the traffic with Redis did not end in time");
        }
        let held: Vec<Lease> = self.lock_held().drain().map(|(_, lease)| lease).collect();
        for lease in held {
            if let Err(error) = self.inner.leases.release(&lease, None).await {
                tracing::debug!(%error, "a subscription is given up when its time is over");
            }
        }
    }

    /// Publishes one message.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a message that cannot be published; or the store's.
    pub async fn publish(&self, message: NewMessage) -> Result<Published> {
        let bus: &dyn super::SyncBus = self;
        bus.publish(message).await
    }

    /// Lets what was published in a transaction of somebody else be delivered at once; see [`publish_within`].
    pub fn wake(&self) {
        self.inner.wake.tell();
    }

    /// Does the work of a message exactly once: `work` and the acknowledgement are one transaction, and a message that the
    /// subscription has handled before is only acknowledged. Says whether `work` ran.
    ///
    /// # Errors
    /// What `work` returned, and nothing is kept then; [`Conflict`](crate::ErrorKind::Conflict) when another process reads for the subscription by
    /// now; or the store's.
    ///
    /// ```
    /// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
    /// use everreach_core::sync::bus::{BusConfig, Delivery, OutboxBus};
    /// async fn handle(bus: &OutboxBus, delivery: &Delivery) -> everreach_core::Result<bool> {
    ///     bus.apply(delivery, |_db| Box::pin(async move { Ok(()) })).await
    /// }
    /// ```
    pub async fn apply<F>(&self, delivery: &super::Delivery, work: F) -> Result<bool>
    where
        F: for<'c> FnOnce(&'c mut Db<'_>) -> BoxFuture<'c, Result<()>> + Send + 'static,
    {
        let (lease, delivery, now) = (self.held(delivery)?, delivery.clone(), self.inner.clock.now());
        let applied = self.inner.store.write(move |mut db| {
            Box::pin(async move {
                if !crate::lease::holds(&mut db, &crate::lease::Authority::Lease(lease)).await? {
                    return Ok(None);
                }
                let is_first = cursor::first_time(&mut db, &delivery.subscription, &delivery.message.id, now).await?;
                if is_first {
                    work(&mut db).await?;
                }
                super::deliver::acknowledge(&mut db, &delivery, now).await?;
                Ok(Some(is_first))
            })
        });
        applied.await?.ok_or_else(super::deliver::taken_over)
    }

    pub(super) async fn forget(&self, name: &str, topic: &str) -> Result<bool> {
        let (name, topic) = (name.to_owned(), topic.to_owned());
        self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner).remove(&(name.clone(), topic.clone()));
        let removed =
            self.inner.store.write(move |mut db| Box::pin(async move { cursor::unregister(&mut db, &name, &topic).await }));
        removed.await
    }

    pub(super) async fn append(&self, messages: Vec<NewMessage>) -> Result<Vec<Published>> {
        let now = self.inner.clock.now();
        let written = self.inner.store.write(move |mut db| Box::pin(async move { publish_within(&mut db, messages, now).await }));
        let written = written.await?;
        self.inner.wake.tell();
        Ok(written)
    }

    /// Numbers what is new in the log.
    pub(super) async fn number_new(&self) -> Result<()> {
        loop {
            let has_new = {
                let mut connection = self.inner.store.read().await?;
                log::has_new(&mut connection.db()).await?
            };
            if !has_new {
                return Ok(());
            }
            let now = self.inner.clock.now();
            self.inner.store.write(move |mut db| Box::pin(async move { log::number(&mut db, now).await })).await?;
        }
    }

    /// Makes the subscription known, once per process.
    pub(super) async fn register(&self, subscription: &Subscription) -> Result<()> {
        subscription.validate()?;
        let key = (subscription.name.clone(), subscription.topic.clone());
        if self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner).contains(&key) {
            return Ok(());
        }
        // What is published before a subscription begins has to lie behind it.
        self.number_new().await?;
        let (new, now) = (subscription.clone(), self.inner.clock.now());
        let is_new = self.inner.store.write(move |mut db| Box::pin(async move { cursor::register(&mut db, &new, now).await }));
        if is_new.await? {
            self.inner.wake.tell();
        }
        self.inner.registered.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        Ok(())
    }

    /// The lease on a subscription; none when another process has it.
    pub(super) async fn hold(&self, subscription: &Subscription) -> Result<Option<Lease>> {
        let resource = resource(&subscription.name, &subscription.topic);
        let held = self.lock_held().get(&resource).cloned();
        let renewed = match held {
            Some(lease) if !self.is_due(&lease) => return Ok(Some(lease)),
            Some(lease) => self.inner.leases.renew(&lease).await?,
            None => None,
        };
        let lease = match renewed {
            Some(lease) => Some(lease),
            None => match self.inner.leases.acquire(&resource, &self.inner.holder).await? {
                Acquired::Held { lease, .. } => Some(lease),
                Acquired::ByOther(_) => None,
            },
        };
        match &lease {
            Some(lease) => self.lock_held().insert(resource, lease.clone()),
            None => self.lock_held().remove(&resource),
        };
        Ok(lease)
    }

    /// Whether a lease is to be renewed before it is used.
    pub(super) fn is_due(&self, lease: &Lease) -> bool {
        let timing = self.inner.leases.timing();
        !lease.is_good(self.inner.clock.monotonic() + timing.act_for.saturating_sub(timing.renew_every))
    }

    /// The lease under which something was delivered.
    pub(super) fn held(&self, delivery: &super::Delivery) -> Result<Lease> {
        let resource = resource(&delivery.subscription, &delivery.message.topic);
        self.lock_held().get(&resource).cloned().ok_or_else(super::deliver::taken_over)
    }

    pub(super) async fn let_go(&self, subscription: &Subscription) -> Result<()> {
        let held = self.lock_held().remove(&resource(&subscription.name, &subscription.topic));
        if let Some(lease) = held {
            self.inner.leases.release(&lease, None).await?;
        }
        Ok(())
    }

    fn lock_held(&self) -> std::sync::MutexGuard<'_, HashMap<String, Lease>> {
        self.inner.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn resource(subscription: &str, topic: &str) -> String {
    format!("bus/{subscription}/{topic}")
}
