//! Being connected: who of a database's processes does the work, and what happens when Redis goes away.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use redis::Client;
use redis::aio::{MultiplexedConnection, PubSub};
use tokio::sync::watch;

use super::ingest::Ingest;
use super::link;
use super::relay::Relay;
use super::store;
use super::wire::Keys;
use crate::lease::{Acquired, Authority, Lease};
use crate::sync::bus::{OutboxBus, RedisState};
use crate::{Error, ErrorKind, Result};

/// The work that one process of a database does at a time.
const RESOURCE: &str = "bus-carrier";
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

/// Keeps connected until the bus stops; says so at each change.
pub(super) async fn run(bus: OutboxBus, client: Client, state: watch::Sender<Option<RedisState>>) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let connected = tokio::select! {
            connected = Links::open(&bus, &client) => connected,
            () = bus.inner.stopping.cancelled() => return,
        };
        let ended = match connected {
            Ok(links) => session(&bus, links, &state).await,
            Err(error) => Err(error),
        };
        let was_up = state.borrow().as_ref().is_some_and(|state| state.is_up);
        pause = if was_up { SHORTEST_PAUSE } else { (pause * 2).min(bus.inner.config.interval).max(SHORTEST_PAUSE) };
        if let Err(error) = ended {
            set(&bus, &state, Some(&error));
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = bus.inner.stopping.cancelled() => return,
        }
    }
}

/// Says whether Redis is there, when that changed.
fn set(bus: &OutboxBus, state: &watch::Sender<Option<RedisState>>, error: Option<&Error>) {
    let is_up = error.is_none();
    if state.borrow().as_ref().is_some_and(|state| state.is_up == is_up) {
        return;
    }
    match error {
        None => tracing::info!("redis carries the messages"),
        Some(error) => tracing::warn!(%error, "redis is away: messages wait in the database"),
    }
    let error = error.map(ToString::to_string);
    let kind = if is_up { "bus.redis_up" } else { "bus.redis_down" };
    let now = bus.inner.clock.now();
    bus.inner.events.record(crate::Event::new(now, kind, "redis").with_data(serde_json::json!({ "error": error })));
    state.send_replace(Some(RedisState::new(is_up, now, error)));
}

/// What a session works with.
struct Links {
    keys: Keys,
    database: String,
    listener: PubSub,
    commands: MultiplexedConnection,
    reads: MultiplexedConnection,
}

impl Links {
    async fn open(bus: &OutboxBus, client: &Client) -> Result<Self> {
        let database = store::origin(&mut bus.inner.store.read().await?.db()).await?;
        let keys = Keys::new(bus.inner.config.prefix.clone());
        let listener = link::listen(client, &keys.wake(&database)).await?;
        let commands = link::connect(client, Duration::ZERO).await?;
        let reads = link::connect(client, bus.inner.config.interval).await?;
        Ok(Self { keys, database, listener, commands, reads })
    }
}

/// One connection's life; it ends with a failure, when the database took a new name, or when the bus stops. However it ends, the work
/// is left to others at once.
async fn session(bus: &OutboxBus, links: Links, state: &watch::Sender<Option<RedisState>>) -> Result<()> {
    let Links { keys, database, mut listener, commands, reads } = links;
    let held = OnceLock::new();
    set(bus, state, None);
    let nudged = async {
        let mut told = listener.on_message();
        while told.next().await.is_some() {
            bus.wake();
        }
        Err::<(), _>(Error::new(ErrorKind::Unreachable, "redis closed the connection"))
    };
    let work = async {
        let lead = Lead::wait(bus).await?;
        let lead = Arc::clone(held.get_or_init(|| Arc::new(lead)));
        if store::origin(&mut bus.inner.store.read().await?.db()).await? != database {
            // Another process gave it a new one while we waited.
            return Ok(());
        }
        let shared = Shared { bus: bus.clone(), keys, database, lead };
        let (relay, ingest) = (Relay::new(shared.clone(), commands.clone()), Ingest::new(shared.clone(), commands, reads));
        tokio::select! {
            ended = relay.run() => ended,
            ended = ingest.run() => ended,
        }
    };
    let ended = tokio::select! {
        ended = nudged => ended,
        ended = work => ended,
        () = bus.inner.stopping.cancelled() => Ok(()),
    };
    match held.get() {
        Some(lead) => lead.leave(bus).await,
        // It may have been taken in the very moment in which nobody waited for it any more.
        None => leave_unheard(bus).await,
    }
    ended
}

/// What both directions need.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) bus: OutboxBus,
    pub(super) keys: Keys,
    /// This database's name.
    pub(super) database: String,
    pub(super) lead: Arc<Lead>,
}

/// The lease on the work.
#[derive(Debug)]
pub(super) struct Lead {
    lease: Mutex<Lease>,
}

impl Lead {
    /// Waits until the work is ours.
    async fn wait(bus: &OutboxBus) -> Result<Self> {
        loop {
            if let Acquired::Held { lease, .. } = bus.inner.leases.acquire(RESOURCE, &bus.inner.holder).await? {
                return Ok(Self { lease: Mutex::new(lease) });
            }
            tokio::time::sleep(bus.inner.config.interval.min(bus.inner.config.lease.renew_every)).await;
        }
    }

    /// The right to write, renewed when it is time.
    pub(super) async fn authority(&self, bus: &OutboxBus) -> Result<Authority> {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !bus.is_due(&lease) {
            return Ok(Authority::Lease(lease));
        }
        let renewed = bus.inner.leases.renew(&lease).await?.ok_or_else(lost)?;
        *self.lease.lock().unwrap_or_else(PoisonError::into_inner) = renewed.clone();
        Ok(Authority::Lease(renewed))
    }

    async fn leave(&self, bus: &OutboxBus) {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Err(error) = bus.inner.leases.release(&lease, None).await {
            tracing::debug!(%error, "the work is left when its time is over");
        }
    }
}

async fn leave_unheard(bus: &OutboxBus) {
    if let Err(error) = bus.inner.leases.release_unheard(RESOURCE, &bus.inner.holder).await {
        tracing::debug!(%error, "the work is left when its time is over");
    }
}

pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Conflict, "another process of this database talks to redis by now")
}
