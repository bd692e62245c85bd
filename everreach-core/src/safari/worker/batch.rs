//! Commands that need neither Safari nor a limit and reach nobody: claimed many at a time, carried out side by side, and written down
//! together.
//!
//! What was claimed starts within a second or is given back, so that nothing starts on an old look at the stop switch and the
//! campaigns. While one group of ends is written the next one gathers; a lone end is written at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::OptionFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::batch_size::next_size;
use super::lane_task::{Carried, Waiting, carry_out_waiting};
use super::{RunSummary, SafariWorker};
use crate::safari::queue::{Claimed, Lease};
use crate::{Id, Result};

/// How long what was claimed may wait for its start.
const FRESH: Duration = Duration::from_secs(1);
/// Ends in one transaction.
const ENDS: usize = 500;

pub(super) struct Batch {
    worker: SafariWorker,
    waiting: Arc<Waiting>,
    tasks: FuturesUnordered<JoinHandle<()>>,
    carried: mpsc::Sender<Carried>,
    ended: mpsc::Receiver<Carried>,
    gathered: Vec<Carried>,
    claiming: Option<JoinHandle<Result<Vec<Claimed>>>>,
    writing: Option<JoinHandle<RunSummary>>,
    /// The claims of what waits or runs.
    held: HashMap<Id, Lease>,
    /// How many more commands may be claimed in this run.
    left: u32,
    /// How many are claimed at a time.
    size: u32,
    /// How many have ended, since when.
    pace: (u32, Duration),
    /// How many were asked for in the claim that runs, and when.
    asked: (u32, Duration),
    /// Whether the last claim found as many as it asked for.
    is_more: bool,
    is_closed: bool,
    looks: Interval,
    renewals: Interval,
}

fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

impl Batch {
    pub(super) fn new(worker: &SafariWorker, max: u32) -> Self {
        let (carried, ended) = mpsc::channel(ENDS);
        Self {
            worker: worker.clone(),
            waiting: Arc::default(),
            tasks: FuturesUnordered::new(),
            carried,
            ended,
            gathered: Vec::new(),
            claiming: None,
            writing: None,
            held: HashMap::new(),
            left: max,
            size: worker.config.parallel.max(1),
            pace: (0, worker.parts.clock.monotonic()),
            asked: (0, Duration::ZERO),
            is_more: false,
            is_closed: false,
            looks: every(FRESH),
            renewals: every((worker.parts.queue.config().lease / 3).max(Duration::from_millis(1))),
        }
    }

    /// How many more commands of any kind may be claimed in this run.
    pub(super) const fn left(&self) -> u32 {
        self.left
    }

    /// Counts commands that others of this run carry out.
    pub(super) fn count(&mut self, commands: &[Claimed]) {
        self.left = self.left.saturating_sub(number(commands.len()));
    }

    /// How many may be claimed now: none while some wait, or while many ends are not written.
    pub(super) fn room(&self) -> u32 {
        if self.claiming.is_some() || self.is_closed || self.gathered.len() >= ENDS || !self.waiting.is_empty() {
            return 0;
        }
        let (parallel, tasks) = (self.worker.config.parallel.max(1), number(self.tasks.len()));
        let room = if self.size > parallel { self.size } else { parallel.saturating_sub(tasks) };
        room.min(self.left)
    }

    /// Nothing waits, runs, or is being claimed or written.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.claiming.is_none() && self.writing.is_none()
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Takes up what was claimed, when so many were asked for and the conditions were looked at then.
    pub(super) fn add(&mut self, claimed: Vec<Claimed>, (asked, looked_at): (u32, Duration)) {
        self.is_more = asked > 0 && number(claimed.len()) >= asked;
        if claimed.is_empty() {
            return;
        }
        self.count(&claimed);
        if self.held.is_empty() {
            self.pace = (0, looked_at);
        }
        self.held.extend(claimed.iter().map(|claimed| (claimed.command().id, claimed.lease())));
        self.waiting.add(claimed, looked_at + FRESH);
        self.start();
    }

    /// Starts nothing more, and gives back what has not started.
    pub(super) async fn close(&mut self) {
        self.is_closed = true;
        self.give_back().await;
    }

    /// Waits for the next thing to happen; returns what was written down as ended by then. Not to be asked of an empty batch.
    pub(super) async fn step(&mut self) -> RunSummary {
        if self.is_closed || !self.waiting.may_start(&self.worker) {
            self.give_back().await;
        }
        self.start();
        self.claim_more();
        self.write();
        if self.is_empty() {
            return RunSummary::default();
        }
        tokio::select! {
            count = self.ended.recv_many(&mut self.gathered, ENDS) => self.measure(count),
            Some(written) = OptionFuture::from(self.writing.as_mut()) => {
                self.writing = None;
                return written.unwrap_or_else(|error| {
                    tracing::error!(%error, "writing ends down broke off: the leases will lapse");
                    RunSummary::default()
                });
            }
            Some(claimed) = OptionFuture::from(self.claiming.as_mut()) => {
                self.claiming = None;
                let claimed = claimed.unwrap_or_else(|_| Ok(Vec::new())).unwrap_or_else(|error| {
                    tracing::warn!(%error, "nothing more could be claimed; it is tried again");
                    Vec::new()
                });
                self.add(claimed, self.asked);
            }
            Some(_) = self.tasks.next() => {}
            _ = self.looks.tick() => {}
            _ = self.renewals.tick() => self.renew().await,
        }
        RunSummary::default()
    }

    /// As many tasks as may run side by side, while something waits.
    fn start(&mut self) {
        let room = usize::try_from(self.worker.config.parallel.max(1)).unwrap_or(1).saturating_sub(self.tasks.len());
        for _ in 0..room.min(self.waiting.len()) {
            let task = carry_out_waiting(self.worker.clone(), Arc::clone(&self.waiting), self.carried.clone());
            self.tasks.push(tokio::spawn(task));
        }
    }

    /// Claims on while there is more, so that the next ones are there when these have started.
    fn claim_more(&mut self) {
        let room = self.room();
        if !self.is_more || room == 0 {
            return;
        }
        self.asked = (room, self.worker.parts.clock.monotonic());
        let worker = self.worker.clone();
        self.claiming = Some(tokio::spawn(async move {
            let conditions = worker.conditions().await?;
            worker.parts.queue.claim_free(&worker.config.worker_id, room, &conditions).await
        }));
    }

    /// Writes what has gathered, one group at a time.
    fn write(&mut self) {
        if self.writing.is_some() || self.gathered.is_empty() {
            return;
        }
        let carried: Vec<_> = self.gathered.drain(..self.gathered.len().min(ENDS)).collect();
        for (claimed, _) in &carried {
            self.held.remove(&claimed.command().id);
        }
        let worker = self.worker.clone();
        self.writing = Some(tokio::spawn(async move { worker.write_ends(carried).await }));
    }

    /// Takes the size of the next claims from how long as many took.
    fn measure(&mut self, ended: usize) {
        self.pace.0 = self.pace.0.saturating_add(number(ended));
        if self.pace.0 >= self.size {
            let (now, config) = (self.worker.parts.clock.monotonic(), &self.worker.config);
            self.size = next_size(self.pace.0, now.saturating_sub(self.pace.1), config.parallel, config.batch);
            self.pace = (0, now);
        }
    }

    async fn give_back(&mut self) {
        let claimed = self.waiting.take_all();
        if claimed.is_empty() {
            return;
        }
        self.left = self.left.saturating_add(number(claimed.len()));
        (self.size, self.is_more) = (self.worker.config.parallel.max(1), true);
        self.pace = (0, self.worker.parts.clock.monotonic());
        let leases: Vec<_> = claimed.iter().filter_map(|claimed| self.held.remove(&claimed.command().id)).collect();
        let worker = self.worker.clone();
        // In a task of its own: who waits for the next step may stop waiting, and these are in nobody's hands any more.
        let returning = tokio::spawn(async move {
            if let Err(error) = worker.parts.queue.give_back(&worker.config.worker_id, leases).await {
                tracing::warn!(%error, "commands that were not started could not be given back: their leases will lapse");
            }
        });
        let _it_goes_on_by_itself = returning.await;
    }

    /// Lengthens the leases of what waits, runs, or waits to be written. What was lost is not started.
    async fn renew(&mut self) {
        let leases: Vec<_> = self.held.values().cloned().collect();
        match self.worker.parts.queue.renew_many(&self.worker.config.worker_id, leases).await {
            Ok(lost) if lost.is_empty() => {}
            Ok(lost) => {
                tracing::warn!(count = lost.len(), "the leases of commands were lost while they waited or ran");
                for claimed in self.waiting.remove(&lost) {
                    self.held.remove(&claimed.command().id);
                }
            }
            Err(error) => tracing::warn!(%error, "leases could not be renewed"),
        }
    }
}

/// What waits is not started by a run that was given up; its leases lapse.
impl Drop for Batch {
    fn drop(&mut self) {
        self.waiting.take_all();
    }
}
