//! Out: from our log to the streams.

use std::time::Duration;

use redis::aio::MultiplexedConnection;

use super::session::{Shared, lost};
use super::{link, store, wire};
use crate::{Id, Result};

/// Messages in one step.
const BATCH: u32 = 500;

/// The outward direction.
#[derive(Debug)]
pub(super) struct Relay {
    shared: Shared,
    redis: MultiplexedConnection,
}

impl Relay {
    pub(super) const fn new(shared: Shared, redis: MultiplexedConnection) -> Self {
        Self { shared, redis }
    }

    /// Sends what is new and what is asked for, until something fails.
    pub(super) async fn run(mut self) -> Result<()> {
        let bus = self.shared.bus.clone();
        let mut changes = bus.inner.wake.subscribe();
        let mut said: Option<Duration> = None;
        loop {
            changes.borrow_and_update();
            let now = bus.inner.clock.monotonic();
            if said.is_none_or(|said| now.saturating_sub(said) >= bus.inner.config.interval) {
                if !self.is_in_step().await? {
                    return Ok(());
                }
                said = Some(now);
            }
            self.go_back().await?;
            bus.number_new().await?;
            let topics = store::own_topics(&mut bus.inner.store.read().await?.db()).await?;
            let mut is_behind = false;
            for topic in topics.iter().filter(|topic| topic.sent < topic.last) {
                is_behind |= self.send(&topic.name, topic.sent).await?;
            }
            if is_behind {
                // Those who read need a moment, or the stream is trimmed before they have read it, again and again.
                tokio::time::sleep(bus.inner.config.interval / 5).await;
                continue;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep(bus.inner.config.interval) => {}
            }
        }
    }

    /// Says how far we are and hears how far the others are. A database that was restored from a backup would give numbers again
    /// that others have had: it takes a new name, under which it sends what it has.
    async fn is_in_step(&mut self) -> Result<bool> {
        let Shared { bus, keys, database, lead } = self.shared.clone();
        let topics = store::own_topics(&mut bus.inner.store.read().await?.db()).await?;
        let mut ask = redis::pipe();
        ask.cmd("HGETALL").arg(keys.have(&database)).cmd("HGETALL").arg(keys.sent());
        let (have, sent) = ask.query_async(&mut self.redis).await.map_err(|error| link::failed(&error))?;
        let (have, mut ours) = (wire::positions(have), wire::positions(sent));
        ours.retain(|(origin, _, _)| *origin == database);
        // Read again, since a message may have been published and taken over meanwhile.
        bus.number_new().await?;
        let newest = store::own_topics(&mut bus.inner.store.read().await?.db()).await?;
        let last = |topic: &str| newest.iter().find(|known| known.name == topic).map_or(0, |known| known.last);
        let authority = lead.authority(&bus).await?;
        if let Some((_, topic, place)) = have.iter().chain(&ours).find(|(_, topic, place)| *place > last(topic)) {
            tracing::warn!(topic, place, last = last(topic), "the database is older than what it has sent: it takes a new name");
            let name = Id::new().as_uuid().simple().to_string();
            let renamed =
                bus.inner.store.write(move |mut db| Box::pin(async move { store::rename(&mut db, &authority, &name).await }));
            let mut forget = redis::pipe();
            for (_, topic, _) in &ours {
                forget.cmd("HDEL").arg(keys.sent()).arg(wire::field(&database, topic)).ignore();
            }
            forget.cmd("DEL").arg(keys.have(&database)).ignore();
            forget.query_async::<()>(&mut self.redis).await.map_err(|error| link::failed(&error))?;
            return renamed.await.map(|_| false);
        }
        let now = bus.inner.clock.now();
        let kept =
            bus.inner.store.write(move |mut db| Box::pin(async move { store::set_peers(&mut db, &authority, &have, now).await }));
        if !kept.await? {
            return Err(lost());
        }
        let mut tell = redis::pipe();
        for topic in topics.iter().filter(|topic| topic.sent > 0) {
            tell.cmd("HSET").arg(keys.sent()).arg(wire::field(&database, &topic.name)).arg(topic.sent).ignore();
        }
        if !tell.is_empty() {
            tell.query_async::<()>(&mut self.redis).await.map_err(|error| link::failed(&error))?;
        }
        Ok(true)
    }

    /// Goes back to where others miss something.
    async fn go_back(&mut self) -> Result<()> {
        let Shared { bus, keys, database, lead } = self.shared.clone();
        let mut ask = redis::pipe();
        ask.atomic().cmd("HGETALL").arg(keys.want(&database)).cmd("DEL").arg(keys.want(&database)).ignore();
        let (wanted,) = ask.query_async(&mut self.redis).await.map_err(|error| link::failed(&error))?;
        let wanted = wire::positions(wanted);
        if wanted.is_empty() {
            return Ok(());
        }
        tracing::debug!(?wanted, "others miss messages, sending them again");
        let authority = lead.authority(&bus).await?;
        let lowered =
            bus.inner.store.write(move |mut db| Box::pin(async move { store::lower_sent(&mut db, &authority, &wanted).await }));
        if lowered.await? { Ok(()) } else { Err(lost()) }
    }

    /// Sends a topic from this place on, at most half of what its stream holds; says whether there may be more.
    async fn send(&mut self, topic: &str, mut sent: i64) -> Result<bool> {
        let Shared { bus, keys, database, lead } = self.shared.clone();
        let mut left = (bus.inner.config.stream_length / 2).max(1);
        loop {
            let count = left.min(BATCH);
            left -= count;
            let messages = store::outgoing(&mut bus.inner.store.read().await?.db(), topic, sent, count).await?;
            let authority = lead.authority(&bus).await?;
            let is_last = messages.len() < usize::try_from(count).unwrap_or(usize::MAX);
            if let Some(newest) = messages.last() {
                sent = newest.place;
                let mut add = redis::pipe();
                add.atomic();
                for message in &messages {
                    add.add_command(wire::add(&keys.stream(topic), bus.inner.config.stream_length, &database, message)).ignore();
                    if let Some(told) = wire::announcement(topic, message) {
                        add.cmd("PUBLISH").arg(topic).arg(told).ignore();
                    }
                }
                add.cmd("HSET").arg(keys.sent()).arg(wire::field(&database, topic)).arg(sent).ignore();
                add.cmd("PUBLISH").arg(keys.wake(&database)).arg(topic).ignore();
                add.query_async::<()>(&mut self.redis).await.map_err(|error| link::failed(&error))?;
                let name = topic.to_owned();
                let marked = bus
                    .inner
                    .store
                    .write(move |mut db| Box::pin(async move { store::mark_sent(&mut db, &authority, &name, sent).await }));
                if !marked.await? {
                    return Err(lost());
                }
            }
            if is_last || left == 0 {
                return Ok(!is_last);
            }
        }
    }
}
