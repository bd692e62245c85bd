//! Whose turn it is to ask a service that leaks with each `/health`: all processes on one database together ask it once in its interval.

use std::time::Duration;

use crate::safari::service::{last_turn, return_turn, take_turn, write_health};
use crate::safari::{Service, ServiceHealth};
use crate::store::Store;
use crate::{Result, Timestamp};

/// How long it is waited for what another process finds, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(50);

/// Whose turn it is.
#[derive(Debug)]
pub(super) enum Turn {
    /// Ours, taken at this time: it is asked, and the others are told.
    Ours(Timestamp),
    /// Another process has asked it.
    Theirs {
        /// What it found; none when it does not say.
        found: Option<ServiceHealth>,
        /// How long until the next turn.
        wait: Duration,
    },
}

/// One service at a port, and the database in which processes agree.
#[derive(Debug, Clone)]
pub(super) struct Turns {
    pub(super) store: Store,
    pub(super) service: Service,
    pub(super) port: u16,
}

impl Turns {
    /// Takes the turn when it is free. A database that cannot be asked keeps nobody from looking how a service is.
    pub(super) async fn take(&self, now: Timestamp) -> Turn {
        match self.try_take(now).await {
            Ok(turn) => turn,
            Err(error) => {
                tracing::warn!(%error, service = %self.service, "whether another process has asked the service is not known");
                Turn::Ours(now)
            }
        }
    }

    /// Takes the turn when it is free, and does not wait for what another process finds; says whether it is ours.
    pub(super) async fn take_at_once(&self, now: Timestamp) -> bool {
        self.is_taken(now).await.unwrap_or(true)
    }

    /// The turns of the same service at another port.
    pub(super) fn at_port(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    async fn is_taken(&self, now: Timestamp) -> Result<bool> {
        let (service, port, interval) = (self.service, self.port, self.service.profile().health_interval);
        self.store.write(move |mut db| Box::pin(async move { take_turn(&mut db, service, port, interval, now).await })).await
    }

    async fn try_take(&self, now: Timestamp) -> Result<Turn> {
        if self.is_taken(now).await? {
            return Ok(Turn::Ours(now));
        }
        let (service, port, interval) = (self.service, self.port, self.service.profile().health_interval);
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let mut connection = self.store.read().await?;
            let last = last_turn(&mut connection.db(), service, port).await?;
            drop(connection);
            let asked_at = last.as_ref().map_or(now, |turn| turn.asked_at);
            let found = last.and_then(|turn| turn.found);
            if found.is_some() || tokio::time::Instant::now() >= until {
                let wait = (asked_at + interval - now).to_std().unwrap_or_default();
                return Ok(Turn::Theirs { found, wait });
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells the others what was found.
    pub(super) async fn tell(&self, found: &ServiceHealth, now: Timestamp) {
        let found = found.clone();
        let writing = self
            .store
            .write(move |mut db| Box::pin(async move { write_health(&mut db, std::slice::from_ref(&found), now).await }));
        if let Err(error) = writing.await {
            tracing::warn!(%error, service = %self.service, "how the service is could not be told to other processes");
        }
    }

    /// Gives the turn of that time back: nobody was there to be asked.
    pub(super) async fn give_back(&self, asked_at: Timestamp) {
        let (service, port) = (self.service, self.port);
        let returning =
            self.store.write(move |mut db| Box::pin(async move { return_turn(&mut db, service, port, asked_at).await }));
        if let Err(error) = returning.await {
            tracing::warn!(%error, %service, "the turn to ask the service could not be given back: it ends by itself");
        }
    }
}
