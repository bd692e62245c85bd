//! The ledger's handle: thin transactions around the decisions.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::store::{self, Times};
use super::{
    AttemptEnd, AttemptId, Begin, Begun, CallRecord, CallState, Claim, IdempotencyKey, Pruned, Recovered, Verdict, decision,
    transition,
};
use crate::events::EventLog;
use crate::store::Store;
use crate::{Envelope, Error, ErrorKind, Event, Id, Result, SharedClock, Timestamp};

/// How long a finished call answers for its key.
pub(crate) const KEEP_CALLS: TimeDelta = TimeDelta::days(7);
const KEEP_ATTEMPTS: TimeDelta = TimeDelta::days(90);

/// A cheap-to-clone handle on the ledger.
///
/// ```
/// # use everreach_core::{Envelope, Id, Outcome, SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::ledger::{AttemptEnd, Begin, Begun, IdempotencyKey, Ledger, fingerprint};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// let ledger = Ledger::new(store, SystemClock::shared(), events, "terminal-1".to_owned());
/// let action: everreach_core::ActionName = "dm.send".parse()?;
/// let begin = Begin::new(IdempotencyKey::fresh(), action.clone(), fingerprint(&action, &serde_json::Map::new()), Id::new());
///
/// let Begun::Started(claim) = ledger.begin(begin.clone()).await? else { panic!("the key is fresh") };
/// let attempt = ledger.mark_dispatched(&claim, 1, "local").await?;
/// let mut envelope = Envelope::new(action, claim.request_id);
/// (envelope.ok, envelope.outcome) = (true, Outcome::Executed);
/// ledger.finish(&claim, Some(AttemptEnd::new(attempt, Outcome::Executed)), &envelope).await?;
///
/// assert!(matches!(ledger.begin(begin).await?, Begun::Replay(answer) if answer.replayed));
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct Ledger {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) events: EventLog,
    pub(super) owner: Arc<str>,
}

impl Ledger {
    /// A ledger whose claims are held in the name of `owner`, which no other process uses.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, events: EventLog, owner: String) -> Self {
        Self { store, clock, events, owner: owner.into() }
    }

    /// Asks for the key of a call.
    ///
    /// # Errors
    /// [`ErrorKind::IdempotencyConflict`] while another call with the key runs, [`ErrorKind::IdempotencyMismatch`] when the key
    /// belongs to another request, or the store's.
    pub async fn begin(&self, begin: Begin) -> Result<Begun> {
        let times = self.times(&begin)?;
        let owner = Arc::clone(&self.owner);
        let begun = self
            .store
            .write(move |mut db| Box::pin(async move { transition::begin(&mut db, &begin, &owner, times).await }))
            .await?;
        match &begun {
            Begun::Replay(envelope) => self.note("call.replayed", envelope),
            Begun::Held(envelope) => self.note("call.held", envelope),
            Begun::Started(_) | Begun::Waiting(_) => {}
        }
        Ok(begun)
    }

    /// Claims a call that waits for a person, once that person has agreed or refused.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a key that is not known, [`ErrorKind::Conflict`] when the call does not wait (any more),
    /// [`ErrorKind::IdempotencyMismatch`] when the key belongs to another request, or the store's.
    pub async fn resume(&self, begin: Begin) -> Result<Claim> {
        let times = self.times(&begin)?;
        let owner = Arc::clone(&self.owner);
        self.store.write(move |mut db| Box::pin(async move { transition::resume(&mut db, &begin, &owner, times).await })).await
    }

    /// Records that a try is about to leave. Call it before the first byte does, and send nothing when it fails.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the claim is lost, its lease is over, or an earlier try was not proven un-run; or the store's.
    pub async fn mark_dispatched(&self, claim: &Claim, attempt: u32, executor: &str) -> Result<AttemptId> {
        let (claim, owner, executor, now) = (claim.clone(), Arc::clone(&self.owner), executor.to_owned(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    if !store::dispatch(&mut db, &claim, &owner, now).await? {
                        return Err(decision::lost(&claim));
                    }
                    let id = Id::new();
                    store::insert_attempt(&mut db, id, &claim, attempt, &executor, now).await?;
                    Ok(AttemptId::from_id(id))
                })
            })
            .await
    }

    /// Records the end of a try after which the call goes on. `NotExecuted` takes the dispatch mark back; for a call that is
    /// held by then it is the proof that the hold waits for, so that the key may be used again.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the claim is lost or the try has ended already; or the store's.
    pub async fn finish_attempt(&self, claim: &Claim, end: AttemptEnd) -> Result<()> {
        let (claim, now) = (claim.clone(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut call = transition::lock_for(&mut db, &claim).await?;
                    let expires_at = call.expires_at;
                    transition::end_attempt(&mut db, &mut call, &end, now).await?;
                    if call.state == CallState::Unknown && call.dispatched_at.is_none() {
                        return transition::release(&mut db, call, now).await;
                    }
                    call.updated_at = now;
                    store::record(&mut db, &call, expires_at).await
                })
            })
            .await
    }

    /// Records the answer of a call, with its last try if there was one and with its event, in one transaction.
    ///
    /// A late answer to a call that others hold as unknown is accepted: it is the proof they wait for. Finishing twice with one
    /// outcome changes nothing, so that a write whose fate is unclear can be repeated.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the claim is lost, or when the envelope says `NotExecuted` although a try may have run; or
    /// the store's.
    pub async fn finish(&self, claim: &Claim, attempt: Option<AttemptEnd>, envelope: &Envelope) -> Result<()> {
        let (claim, envelope, now) = (claim.clone(), envelope.clone(), self.clock.now());
        self.store
            .write(move |mut db| Box::pin(async move { transition::finish(&mut db, &claim, attempt, envelope, now).await }))
            .await?;
        self.events.announce();
        Ok(())
    }

    /// Gives the claim up because a person has to agree first; repeats answer this envelope until then.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the claim is lost or a try may have run; or the store's.
    pub async fn wait_for_approval(&self, claim: &Claim, envelope: &Envelope) -> Result<()> {
        let (claim, envelope, now) = (claim.clone(), envelope.clone(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut call = transition::lock_for(&mut db, &claim).await?;
                    if call.state != CallState::Running || call.dispatched_at.is_some() {
                        return Err(decision::lost(&claim).with("state", call.state));
                    }
                    call.state = CallState::Waiting;
                    transition::close(&mut db, call, envelope, "call.waiting", now).await
                })
            })
            .await?;
        self.events.announce();
        Ok(())
    }

    /// Makes the claim last this long from now.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] when the claim is lost; or the store's.
    pub async fn renew(&self, claim: &Claim, lease: Duration) -> Result<()> {
        let until = lease_end(self.clock.now(), lease)?;
        let (claim, owner) = (claim.clone(), Arc::clone(&self.owner));
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let is_held = store::renew(&mut db, &claim, &owner, until).await?;
                    if is_held { Ok(()) } else { Err(decision::lost(&claim)) }
                })
            })
            .await
    }

    /// The call of a key, with its tries.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, key: &IdempotencyKey) -> Result<Option<CallRecord>> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        match store::find(&mut db, key).await? {
            Some(call) => Ok(Some(transition::with_attempts(&mut db, call).await?)),
            None => Ok(None),
        }
    }

    /// The calls in one state, latest change first: what is under way, what is held.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, state: CallState, limit: u32) -> Result<Vec<CallRecord>> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let mut records = Vec::new();
        for call in store::list(&mut db, state, limit).await? {
            records.push(transition::with_attempts(&mut db, call).await?);
        }
        Ok(records)
    }

    /// Settles a held call by a person's word or a positive proof. Where calls are queued as rows,
    /// [`Runtime::resolve`](crate::runtime::Runtime::resolve) does this and writes the word into the call's row, which stands against
    /// the word otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for a key that is not known, [`ErrorKind::Conflict`] when its call is not held; or the store's.
    pub async fn resolve(&self, key: &IdempotencyKey, verdict: Verdict) -> Result<CallRecord> {
        let (key, now) = (key.clone(), self.clock.now());
        let record = self
            .store
            .write(move |mut db| Box::pin(async move { transition::resolve(&mut db, &key, verdict, now).await }))
            .await?;
        self.events.announce();
        Ok(record)
    }

    /// Settles the running calls whose lease is over: what may have run is held, the rest may be tried again. Call it at start and
    /// every minute or so.
    ///
    /// # Errors
    /// The store's.
    pub async fn recover(&self) -> Result<Recovered> {
        let now = self.clock.now();
        let mut total = Recovered::default();
        loop {
            let batch = self.store.write(move |mut db| Box::pin(async move { transition::recover(&mut db, now).await })).await?;
            total.unknown += batch.unknown;
            total.not_executed += batch.not_executed;
            if batch == Recovered::default() {
                break;
            }
        }
        if total != Recovered::default() {
            self.events.announce();
        }
        Ok(total)
    }

    /// Removes calls whose week is over, but never one that runs or is held, and tries older than 90 days.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self) -> Result<Pruned> {
        let now = self.clock.now();
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let calls = store::prune_calls(&mut db, now).await?;
                    let attempts = store::prune_attempts(&mut db, now - KEEP_ATTEMPTS).await?;
                    Ok(Pruned { calls, attempts })
                })
            })
            .await
    }

    pub(super) fn times(&self, begin: &Begin) -> Result<Times> {
        let now = self.clock.now();
        Ok(Times { now, created_at: now, lease_until: lease_end(now, begin.lease)?, expires_at: now + KEEP_CALLS })
    }

    fn note(&self, kind: &'static str, envelope: &Envelope) {
        let key = envelope.idempotency_key.clone().unwrap_or_default();
        let data = serde_json::json!({"action": envelope.action, "outcome": envelope.outcome});
        self.events.record(Event::new(self.clock.now(), kind, key).with_request(envelope.request_id).with_data(data));
    }
}

fn lease_end(now: Timestamp, lease: Duration) -> Result<Timestamp> {
    let end = TimeDelta::from_std(lease).ok().and_then(|lease| now.checked_add_signed(lease));
    end.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "the lease is too long").with("seconds", lease.as_secs()))
}
