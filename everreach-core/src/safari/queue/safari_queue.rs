//! The queue's handle: thin transactions around the decisions.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::claim::{self, Claimed, Wanted};
use super::finish::{Ends, Finish};
use super::people::{self, Elsewhere};
use super::wake::Wake;
use super::{Enqueued, NewCommand, QueueConfig, enqueue};
use crate::events::EventLog;
use crate::safari::decision::Conditions;
use crate::store::Store;
use crate::{Id, Result, SharedClock, Timestamp};

/// How long what is known of other programs' tables is good for.
const ELSEWHERE: Duration = Duration::from_secs(60);

/// A cheap-to-clone handle on the queue.
///
/// Writing rows: [`enqueue`](Self::enqueue), [`cancel`](Self::cancel), [`retry_failed`](Self::retry_failed),
/// [`resolve`](Self::resolve), [`approve`](Self::approve) and [`deny_group`](Self::deny_group), [`deny`](Self::deny),
/// [`halt`](Self::halt). Working: [`claim`](Self::claim), [`mark_dispatched`](Self::mark_dispatched), [`renew`](Self::renew),
/// [`finish`](Self::finish), [`changed`](Self::changed). Looking: [`get`](Self::get), [`history`](Self::history),
/// [`statistics`](Self::statistics), [`conditions`](Self::conditions).
///
/// ```
/// # use everreach_core::{Clock, SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::safari::decision::{Conditions, RetrySchedule, settle};
/// use everreach_core::safari::queue::{Finish, NewCommand, QueueConfig, SafariQueue};
/// use everreach_core::safari::{Command, DispatchOutcome, Verb};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// # let clock = SystemClock::shared();
/// let queue = SafariQueue::new(store, clock.clone(), events, QueueConfig::default());
/// let written = queue.enqueue(vec![NewCommand::new(Command::new(Verb::Score, clock.now()))]).await?;
/// assert!(written[0].created);
///
/// let conditions = Conditions::new(chrono_tz::UTC);
/// let claimed = queue.claim("mac-1", 10, &conditions).await?.remove(0);
/// queue.mark_dispatched(&claimed).await?;
/// let outcome = DispatchOutcome::done("scored");
/// let settlement = settle(&outcome, claimed.command().retry_count, &RetrySchedule::default(), clock.now(), 0.5);
/// queue.finish(Finish::new(claimed, outcome, settlement)).await?;
/// let detail = queue.get(written[0].id, &conditions).await?.expect("it is there");
/// assert_eq!((detail.entry.why.as_str(), detail.tries.len()), ("it is done", 1));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct SafariQueue {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    config: QueueConfig,
    wake: Wake,
    elsewhere: Arc<Mutex<Option<(Duration, Elsewhere)>>>,
}

impl SafariQueue {
    /// The queue in this database.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, events: EventLog, config: QueueConfig) -> Self {
        let wake = Wake::new(&store);
        Self { store, clock, events, config, wake, elsewhere: Arc::default() }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &QueueConfig {
        &self.config
    }

    /// Writes commands: all of them, or none. A command whose key is known is not written again. More than 10 messages in one request
    /// become a batch, and wait for [`approve`](Self::approve).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidParams`](crate::ErrorKind::InvalidParams) with the gate's code for the first that may not be sent,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when more than 10 messages are spread over several groups,
    /// [`ErrorKind::IdempotencyMismatch`](crate::ErrorKind::IdempotencyMismatch) when a key belongs to another command,
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) for an id that exists, or the store's.
    pub async fn enqueue(&self, commands: Vec<NewCommand>) -> Result<Vec<Enqueued>> {
        let prepared = enqueue::prepare(commands)?;
        let now = self.clock.now();
        let answers =
            self.store.write(move |mut db| Box::pin(async move { enqueue::write(&mut db, prepared, now).await })).await?;
        if answers.iter().any(|answer| answer.created) {
            self.told();
        }
        Ok(answers)
    }

    /// Claims what may go now, in its turn: at most one command that drives Safari, and as many as wanted of the others.
    ///
    /// Before that, what belongs to the queue is put in order: rows of other programs are looked at, leases that lapsed are
    /// ended, rows whose time has come are let in, questions that nobody answered are closed. `conditions` say what the database cannot:
    /// health, our limits, hours, spacing, the stop switch, the deny list's file. What the database knows is added here.
    ///
    /// # Errors
    /// The store's.
    pub async fn claim(&self, worker: &str, wanted: u32, conditions: &Conditions) -> Result<Vec<Claimed>> {
        let wanted = Wanted { browser: 1, free: wanted, all: wanted };
        self.claim_found(self.probe().await?, worker, wanted, conditions).await
    }

    pub(super) async fn claim_browser(&self, worker: &str, conditions: &Conditions) -> Result<Option<Claimed>> {
        let (now, lease_until) = self.times();
        // Looked at without a transaction first: most of the time somebody has Safari.
        let mut connection = self.store.read().await?;
        let is_held = claim::slot(&mut connection.db()).await?.held_until(now).is_some();
        drop(connection);
        if is_held {
            return Ok(None);
        }
        let elsewhere = self.elsewhere().await?;
        loop {
            let (worker, conditions, elsewhere) = (worker.to_owned(), conditions.clone(), elsewhere.clone());
            let search = self.store.write(move |mut db| {
                Box::pin(async move { claim::claim_browser(&mut db, &worker, &conditions, &elsewhere, now, lease_until).await })
            });
            match search.await? {
                claim::Search::Found(claimed) => return Ok(Some(*claimed)),
                claim::Search::Nothing => return Ok(None),
                claim::Search::Unfinished => {}
            }
        }
    }

    /// Does what has to be done before a claim; returns what can be claimed then.
    pub(super) async fn put_in_order(&self, mut found: claim::Probe, conditions: &Conditions) -> Result<claim::Probe> {
        while found.is_out_of_order() {
            let (conditions, now) = (conditions.clone(), self.clock.now());
            let is_more = self
                .store
                .write(move |mut db| Box::pin(async move { claim::tidy(&mut db, found, &conditions, now).await }))
                .await?;
            self.events.announce();
            found = self.probe().await?;
            if !is_more {
                break;
            }
        }
        Ok(found)
    }

    /// Records that the request is about to leave. Call it before the first byte does, and send nothing when it fails.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the claim is lost: its lease lapsed, or a person cancelled the command; or
    /// the store's.
    pub async fn mark_dispatched(&self, claimed: &Claimed) -> Result<()> {
        let (mine, now) = (claimed.clone(), self.clock.now());
        let holds =
            self.store.write(move |mut db| Box::pin(async move { claim::mark_dispatched(&mut db, &mine, now).await })).await?;
        if holds { Ok(()) } else { Err(claimed.lost("mark dispatched")) }
    }

    /// Lengthens the lease of a claim, and of the browser with it; returns its new end.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the claim is lost, or the store's.
    pub async fn renew(&self, claimed: &Claimed) -> Result<Timestamp> {
        let (mine, (_, until)) = (claimed.clone(), self.times());
        let holds = self.store.write(move |mut db| Box::pin(async move { claim::renew(&mut db, &mine, until).await })).await?;
        if holds { Ok(until) } else { Err(claimed.lost("renew the lease")) }
    }

    /// Records what became of a claimed command, with its attempt, its limits and the browser, in one transaction.
    ///
    /// A late report about a command that is held as unknown and that nobody has decided about is accepted: it is the proof that
    /// was missing.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the claim is lost; or the store's. After a failure of the store the same
    /// report can be made again.
    pub async fn finish(&self, finish: Finish) -> Result<()> {
        let claimed = finish.claimed().clone();
        let lost = self.finish_many(vec![finish]).await?;
        if lost.is_empty() { Ok(()) } else { Err(claimed.lost("finish")) }
    }

    /// The same for many at once; returns those whose claims were lost.
    ///
    /// # Errors
    /// The store's: then nothing of it is written.
    pub async fn finish_many(&self, finishes: Vec<Finish>) -> Result<Vec<Id>> {
        self.write_ends(&Ends::from(finishes)).await
    }

    /// A receiver that changes whenever there may be something new to claim: this process wrote, or another one did and the database
    /// told of it. Behind a pooler, and for rows of programs that announce nothing to PostgreSQL, only looking again from time to
    /// time helps. Must be called inside a Tokio runtime: from the first call on it listens.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Waits until there may be something new to claim, from now on; see [`changes`](Self::changes), which misses nothing between
    /// two waits.
    pub async fn changed(&self) {
        let _the_sender_is_ours = self.wake.subscribe().changed().await;
    }

    pub(super) fn told(&self) {
        self.events.announce();
        self.wake.tell();
    }

    pub(super) fn times(&self) -> (Timestamp, Timestamp) {
        let now = self.clock.now();
        (now, now + self.config.lease)
    }

    /// What is known of the tables in which other programs keep what they sent.
    pub(super) async fn elsewhere(&self) -> Result<Elsewhere> {
        let now = self.clock.monotonic();
        let known = self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((at, elsewhere)) = known
            && now.saturating_sub(at) < ELSEWHERE
        {
            return Ok(elsewhere);
        }
        let mut connection = self.store.read().await?;
        let found = people::discover(&mut connection.db()).await?;
        *self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, found.clone()));
        Ok(found)
    }
}
