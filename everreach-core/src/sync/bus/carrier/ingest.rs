//! In: from the streams into our log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::StreamReadReply;

use super::session::{Shared, lost};
use super::wire::{self, Arrival};
use super::{link, store};
use crate::Result;

/// Entries of one stream in one step.
const BATCH: usize = 500;
/// How long a read waits at Redis: new subscriptions are seen after that at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// Reads the entries that were given to us and not acknowledged.
const PENDING: &str = "0";
/// Reads what is new.
const NEW: &str = ">";

/// The inward direction.
#[derive(Debug)]
pub(super) struct Ingest {
    shared: Shared,
    redis: MultiplexedConnection,
    /// Its commands wait, and nobody else has to wait behind them.
    reads: MultiplexedConnection,
    /// Topics whose consumer group is there.
    topics: BTreeSet<String>,
}

/// Reads in a row before other things get their turn.
const LONGEST_RUN: u32 = 200;

/// What a read brought.
#[derive(Debug, Default)]
struct Taken {
    entries: usize,
    /// Whether there may be more.
    is_full: bool,
    /// Whether something was missing before it.
    has_gap: bool,
}

impl Ingest {
    pub(super) const fn new(shared: Shared, redis: MultiplexedConnection, reads: MultiplexedConnection) -> Self {
        Self { shared, redis, reads, topics: BTreeSet::new() }
    }

    /// Takes over what comes, until something fails.
    pub(super) async fn run(mut self) -> Result<()> {
        let bus = self.shared.bus.clone();
        let interval = bus.inner.config.interval;
        let mut changes = bus.inner.wake.subscribe();
        let mut checked: Option<Duration> = None;
        let mut has_gap = false;
        loop {
            changes.borrow_and_update();
            self.shared.lead.authority(&bus).await?;
            self.join_groups().await?;
            if self.topics.is_empty() {
                tokio::select! {
                    _ = changes.changed() => {}
                    () = tokio::time::sleep(interval) => {}
                }
                continue;
            }
            let now = bus.inner.clock.monotonic();
            let pause = if has_gap { interval / 5 } else { interval };
            if checked.is_none_or(|checked| now.saturating_sub(checked) >= pause) {
                self.ask_for_missing().await?;
                checked = Some(now);
                has_gap = false;
            }
            has_gap |= self.take(NEW, Some(interval.min(LONGEST_WAIT))).await?.has_gap;
        }
    }

    /// Joins the streams of the topics that somebody here subscribes to, and takes what an earlier process left.
    async fn join_groups(&mut self) -> Result<()> {
        let Shared { bus, keys, database, .. } = self.shared.clone();
        let wanted = store::subscribed(&mut bus.inner.store.read().await?.db()).await?;
        let new: Vec<String> = wanted.iter().filter(|topic| !self.topics.contains(*topic)).cloned().collect();
        for topic in &new {
            let mut create = redis::cmd("XGROUP");
            create.arg("CREATE").arg(keys.stream(topic)).arg(&database).arg(0).arg("MKSTREAM");
            match create.query_async::<()>(&mut self.redis).await {
                Err(error) if error.code() != Some("BUSYGROUP") => return Err(link::failed(&error)),
                _ => {}
            }
        }
        self.topics = wanted.into_iter().collect();
        if !new.is_empty() {
            while self.take(PENDING, None).await?.entries > 0 {}
        }
        Ok(())
    }

    /// Reads once, writes down what follows, and acknowledges to Redis after that is committed.
    async fn take(&mut self, from: &str, wait: Option<Duration>) -> Result<Taken> {
        let Shared { bus, keys, database, lead } = self.shared.clone();
        let mut ask = redis::cmd("XREADGROUP");
        // One name for all processes of the database: what one left, the next one finds among its own.
        ask.arg("GROUP").arg(&database).arg(&database).arg("COUNT").arg(BATCH);
        if let Some(wait) = wait {
            ask.arg("BLOCK").arg(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        }
        ask.arg("STREAMS");
        for topic in &self.topics {
            ask.arg(keys.stream(topic));
        }
        for _ in &self.topics {
            ask.arg(from);
        }
        let reply: Option<StreamReadReply> = match ask.query_async(&mut self.reads).await {
            Ok(reply) => reply,
            // Somebody flushed Redis or removed a stream: begin with new groups.
            Err(error) if error.code() == Some("NOGROUP") => {
                self.topics.clear();
                return Ok(Taken { has_gap: true, ..Taken::default() });
            }
            Err(error) => return Err(link::failed(&error)),
        };
        let Some(reply) = reply else { return Ok(Taken::default()) };
        let mut is_full = false;
        let (mut arrivals, mut read) = (Vec::new(), BTreeMap::<String, Vec<String>>::new());
        for stream in reply.keys {
            let Some(topic) = keys.topic(&stream.key) else { continue };
            is_full |= stream.ids.len() >= BATCH;
            for entry in stream.ids {
                match wire::read(topic, &entry) {
                    Some(arrival) if arrival.origin != database => arrivals.push(arrival),
                    Some(_) => {}
                    None => tracing::warn!(stream = stream.key, id = entry.id, "an entry is gone, or not one of ours: left out"),
                }
                read.entry(stream.key.clone()).or_default().push(entry.id);
            }
        }
        let entries = read.values().map(Vec::len).sum();
        let authority = lead.authority(&bus).await?;
        let now = bus.inner.clock.now();
        let written =
            bus.inner.store.write(move |mut db| Box::pin(async move { store::ingest(&mut db, &authority, arrivals, now).await }));
        let ingested = written.await?.ok_or_else(lost)?;
        self.acknowledge(read, &ingested).await?;
        if ingested.taken > 0 {
            bus.wake();
        }
        Ok(Taken { entries, is_full, has_gap: ingested.has_gap })
    }

    async fn acknowledge(&mut self, read: BTreeMap<String, Vec<String>>, ingested: &store::Ingested) -> Result<()> {
        let Shared { keys, database, .. } = &self.shared;
        if read.is_empty() {
            return Ok(());
        }
        let mut tell = redis::pipe();
        for (stream, ids) in read {
            tell.cmd("XACK").arg(stream).arg(database).arg(ids).ignore();
        }
        for ((origin, topic), place) in &ingested.newest {
            tell.cmd("HSET").arg(keys.have(origin)).arg(wire::field(database, topic)).arg(*place).ignore();
        }
        if ingested.taken > 0 {
            tell.cmd("PUBLISH").arg(keys.wake(database)).arg("").ignore();
        }
        tell.query_async::<()>(&mut self.redis).await.map_err(|error| link::failed(&error))
    }

    /// Asks the other databases for what they have sent and we have not got, although we have read all there is.
    async fn ask_for_missing(&mut self) -> Result<()> {
        let Shared { bus, keys, database, .. } = self.shared.clone();
        let sent: HashMap<String, String> =
            redis::cmd("HGETALL").arg(keys.sent()).query_async(&mut self.redis).await.map_err(|error| link::failed(&error))?;
        // Whatever was sent before we looked is in the stream by now.
        for _ in 0..LONGEST_RUN {
            if !self.take(NEW, None).await?.is_full {
                break;
            }
        }
        let have = store::have(&mut bus.inner.store.read().await?.db()).await?;
        let mut ask = redis::pipe();
        let mut is_asking = false;
        for (origin, topic, place) in wire::positions(sent) {
            if origin == database || !self.topics.contains(&topic) {
                continue;
            }
            let have = have.get(&(origin.clone(), topic.clone())).copied().unwrap_or(0);
            if have < place {
                is_asking = true;
                tracing::debug!(origin, topic, have, place, "messages are missing, asking for them");
                ask.cmd("HSET").arg(keys.want(&origin)).arg(wire::field(&database, &topic)).arg(have).ignore();
                ask.cmd("PUBLISH").arg(keys.wake(&origin)).arg(topic).ignore();
            }
        }
        if is_asking {
            ask.query_async::<()>(&mut self.redis).await.map_err(|error| link::failed(&error))?;
        }
        Ok(())
    }
}

impl Arrival {
    /// The sequence it belongs to.
    pub(super) fn key(&self) -> (String, String) {
        (self.origin.clone(), self.topic.clone())
    }
}
