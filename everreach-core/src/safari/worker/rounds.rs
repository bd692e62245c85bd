//! The loop: claim, start, wait for an end or for something new.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::batch::Batch;
use super::{Ended, RunSummary, SafariWorker};
use crate::safari::queue::{Claimed, Wanted};
use crate::{Error, Result};

/// How often it is looked, while something runs, for what another process wrote on a database that announces nothing.
const LOOK: Duration = Duration::from_secs(1);

/// Commands that run. Their tasks go on when this is dropped: a request that has left is not cut off.
type Running = FuturesUnordered<JoinHandle<Result<Ended>>>;

impl SafariWorker {
    /// Carries out what may go now, `max` commands at most, and returns when they have ended. Rows that lapsed are put in order first.
    ///
    /// # Errors
    /// The store's. What was started by then goes on to its end.
    pub async fn run_once(&self, max: u32) -> Result<RunSummary> {
        self.run_once_until(max, &CancellationToken::new()).await
    }

    /// The same until `stopping`: then it starts nothing more, and returns when what runs has ended.
    ///
    /// # Errors
    /// As [`run_once`](Self::run_once).
    pub async fn run_once_until(&self, max: u32, stopping: &CancellationToken) -> Result<RunSummary> {
        self.run_until_idle(max, stopping).await
    }

    /// The daemon: carries out what may go as soon as it may, told by the queue or looking every `interval`, until `stopping`. Then it
    /// starts nothing more and returns when what runs has ended. While the database is away it waits.
    pub async fn run(&self, interval: Duration, stopping: CancellationToken) -> RunSummary {
        let mut changes = self.parts.queue.changes();
        let mut total = RunSummary::default();
        while !stopping.is_cancelled() {
            changes.mark_unchanged();
            let round = stopping.child_token();
            let is_cut_off = match self.run_round(&round).await {
                Ok(summary) => {
                    total.merge(summary);
                    round.is_cancelled()
                }
                Err(error) => {
                    tracing::warn!(%error, "the queue cannot be worked through; it is tried again");
                    false
                }
            };
            if is_cut_off {
                continue;
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                _ = changes.changed() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
        total
    }

    /// Until nothing can go, or for as long as a round may last: campaigns wait for its end.
    async fn run_round(&self, round: &CancellationToken) -> Result<RunSummary> {
        let working = self.run_until_idle(u32::MAX, round);
        tokio::pin!(working);
        tokio::select! {
            summary = &mut working => return summary,
            () = tokio::time::sleep(self.config.round) => round.cancel(),
        }
        working.await
    }

    /// Campaigns are moved on before, so that their rows can go, and after, so that what became of them is known.
    async fn run_until_idle(&self, max: u32, stopping: &CancellationToken) -> Result<RunSummary> {
        if stopping.is_cancelled() {
            return Ok(RunSummary::default());
        }
        self.move_campaigns_on().await?;
        let summary = self.work(max, stopping).await?;
        if summary.executed > 0 && !stopping.is_cancelled() {
            self.move_campaigns_on().await?;
        }
        self.watch_progress().await?;
        Ok(summary)
    }

    async fn move_campaigns_on(&self) -> Result<()> {
        match &self.parts.campaigns {
            Some(campaigns) => {
                let moving: BoxFuture<'_, Result<usize>> = Box::pin(campaigns.advance());
                moving.await.map(drop)
            }
            None => Ok(()),
        }
    }

    async fn work(&self, max: u32, stopping: &CancellationToken) -> Result<RunSummary> {
        let (mut running, mut summary) = (Running::new(), RunSummary::default());
        let mut batch = Batch::new(self, max);
        let mut changes = self.parts.queue.changes();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_due = true;
        let outcome = loop {
            let wanted = Wanted { browser: u32::from(running.is_empty()), free: batch.room(), all: batch.left() };
            if is_due && !wanted.is_nothing() && !stopping.is_cancelled() {
                changes.mark_unchanged();
                let asked = (wanted.free, self.parts.clock.monotonic());
                match self.claim(wanted, stopping).await {
                    Ok(claimed) => {
                        let (browser, free): (Vec<_>, Vec<_>) = claimed.into_iter().partition(Claimed::has_browser);
                        batch.count(&browser);
                        running.extend(browser.into_iter().map(|claimed| self.start(claimed)));
                        batch.add(free, asked);
                    }
                    Err(error) => break Err(error),
                }
            }
            is_due = false;
            if running.is_empty() && batch.is_empty() {
                break Ok(());
            }
            tokio::select! {
                Some(ended) = running.next() => {
                    summary.count(ended);
                    is_due = true;
                }
                ended = batch.step(), if !batch.is_empty() => {
                    summary.merge(ended);
                    is_due = batch.is_empty();
                }
                Ok(()) = changes.changed(), if !wanted.is_nothing() => is_due = true,
                _ = looks.tick(), if !stopping.is_cancelled() => is_due = true,
                () = stopping.cancelled(), if !batch.is_closed() => batch.close().await,
            }
        };
        batch.close().await;
        while let Some(ended) = running.next().await {
            summary.count(ended);
        }
        while !batch.is_empty() {
            summary.merge(batch.step().await);
        }
        outcome.map(|()| summary)
    }

    /// Services are only looked at when something may need one.
    async fn claim(&self, wanted: Wanted, stopping: &CancellationToken) -> Result<Vec<Claimed>> {
        let (found, mut conditions) = tokio::try_join!(self.parts.queue.probe(), self.conditions())?;
        if found.is_nothing() {
            return Ok(Vec::new());
        }
        if found.is_more_than_free() {
            self.services_looked_at().await?;
            conditions = self.conditions().await?;
        }
        // Looking may have taken seconds.
        if stopping.is_cancelled() {
            return Ok(Vec::new());
        }
        self.parts.queue.claim_found(found, &self.config.worker_id, wanted, &conditions).await
    }

    fn start(&self, claimed: Claimed) -> JoinHandle<Result<Ended>> {
        let worker = self.clone();
        tokio::spawn(async move { worker.carry_out(claimed).await })
    }

    async fn services_looked_at(&self) -> Result<()> {
        self.services().look().await.map(drop)
    }
}

impl RunSummary {
    /// An error leaves the row to its lease.
    fn count(&mut self, ended: std::result::Result<Result<Ended>, tokio::task::JoinError>) {
        match ended {
            Ok(Ok(ended)) => self.add(ended),
            Ok(Err(error)) => tracing::warn!(%error, "what became of a command is not recorded: its lease will lapse"),
            Err(error) => {
                let error = Error::new(crate::ErrorKind::Internal, "carrying a command out broke off").with_source(error);
                tracing::error!(%error, "the command's lease will lapse");
            }
        }
    }

    pub(super) const fn merge(&mut self, other: Self) {
        self.executed += other.executed;
        self.completed += other.completed;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.rescheduled += other.rescheduled;
    }
}
