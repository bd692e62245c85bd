//! The handle on approvals.

use chrono::TimeDelta;

use super::decision::{has_lapsed, is_for};
use super::{Approval, ApprovalRequest, ApprovalState, Consumption, store};
use crate::events::{self, EventLog};
use crate::store::{Db, Store};
use crate::{Error, ErrorKind, Event, Id, Result, SharedClock, Timestamp};

/// How long a question waits for its answer, and an answer for its use.
const LIFE: TimeDelta = TimeDelta::hours(4);
/// Two that ask at once meet in the row of the first; more than a few rounds is something else.
const REQUEST_TRIES: u32 = 3;

/// A cheap-to-clone handle on what waits for a person.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::approval::{ApprovalRequest, Approvals, Consumption};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let events = EventLog::start(store.clone());
/// let approvals = Approvals::new(store, SystemClock::shared(), events);
/// let request = ApprovalRequest::call("dm.bulk_send".parse()?, serde_json::Map::new(), "order-1", "0f0f");
/// let approval = approvals.request(request).await?;
/// approvals.approve(approval.id).await?;
/// assert!(matches!(approvals.consume("order-1", "0f0f").await?, Consumption::Approved(_)));
/// assert_eq!(approvals.consume("order-1", "0f0f").await?, Consumption::None);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct Approvals {
    store: Store,
    clock: SharedClock,
    events: EventLog,
}

impl Approvals {
    /// Approvals in this database.
    #[must_use]
    pub const fn new(store: Store, clock: SharedClock, events: EventLog) -> Self {
        Self { store, clock, events }
    }

    /// Asks, unless the same request is already waiting or approved: then that one is returned.
    ///
    /// # Errors
    /// [`ErrorKind::IdempotencyMismatch`] when another request with the key is open, or the store's.
    pub async fn request(&self, request: ApprovalRequest) -> Result<Approval> {
        let now = self.clock.now();
        let approval = self.store.write(move |mut db| Box::pin(async move { ask(&mut db, &request, now).await })).await?;
        self.events.announce();
        Ok(approval)
    }

    /// What waits for a decision, newest last.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<Vec<Approval>> {
        self.expire_due().await?;
        let mut connection = self.store.read().await?;
        store::in_state(&mut connection.db(), ApprovalState::Pending).await
    }

    /// What a person agreed to and nobody has used: to be run, after a crash too. Oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn approved_unconsumed(&self) -> Result<Vec<Approval>> {
        self.expire_due().await?;
        let mut connection = self.store.read().await?;
        store::in_state(&mut connection.db(), ApprovalState::Approved).await
    }

    /// One approval, in whatever state.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, id: Id) -> Result<Option<Approval>> {
        let mut connection = self.store.read().await?;
        store::find(&mut connection.db(), id).await
    }

    /// A person agrees.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Conflict`] when it was decided before or has lapsed, or the store's.
    pub async fn approve(&self, id: Id) -> Result<Approval> {
        self.decide(id, ApprovalState::Approved).await
    }

    /// A person refuses.
    ///
    /// # Errors
    /// As [`Approvals::approve`].
    pub async fn deny(&self, id: Id) -> Result<Approval> {
        self.decide(id, ApprovalState::Denied).await
    }

    /// Uses the newest approval of a key, if it is for this very request and a person agreed. At most one caller ever gets it.
    ///
    /// # Errors
    /// The store's.
    pub async fn consume(&self, idempotency_key: &str, fingerprint: &str) -> Result<Consumption> {
        let (key, fingerprint, now) = (idempotency_key.to_owned(), fingerprint.to_owned(), self.clock.now());
        let consumption =
            self.store.write(move |mut db| Box::pin(async move { use_up(&mut db, &key, &fingerprint, now).await })).await?;
        if matches!(consumption, Consumption::Approved(_) | Consumption::Expired(_)) {
            self.events.announce();
        }
        Ok(consumption)
    }

    /// Lets lapse what is due; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn expire_due(&self) -> Result<u64> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        let is_due = !store::lapsed(&mut connection.db(), now).await?.is_empty();
        drop(connection);
        if !is_due {
            return Ok(0);
        }
        let count = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut count = 0;
                    for approval in store::lapsed(&mut db, now).await? {
                        count += u64::from(expire(&mut db, approval, now).await?.is_some());
                    }
                    Ok(count)
                })
            })
            .await?;
        self.events.announce();
        Ok(count)
    }

    async fn decide(&self, id: Id, state: ApprovalState) -> Result<Approval> {
        let now = self.clock.now();
        let decided = self.store.write(move |mut db| Box::pin(async move { settle(&mut db, id, state, now).await })).await?;
        self.events.announce();
        match decided {
            None => Err(Error::new(ErrorKind::NotFound, "no approval has this id: list what waits").with("id", id)),
            Some(Decided::Now(approval)) => Ok(approval),
            Some(Decided::Before(approval)) => {
                Err(Error::new(ErrorKind::Conflict, "this approval is no longer open: make the request again")
                    .with("id", id)
                    .with("state", approval.state))
            }
        }
    }
}

enum Decided {
    Now(Approval),
    Before(Approval),
}

async fn ask(db: &mut Db<'_>, request: &ApprovalRequest, now: Timestamp) -> Result<Approval> {
    for _ in 0..REQUEST_TRIES {
        let id = Id::new();
        if store::insert(db, id, request, now, now + LIFE).await? {
            let approval = store::find(db, id).await?.ok_or_else(vanished)?;
            events::append(db, &event("approval.requested", &approval, now)).await?;
            return Ok(approval);
        }
        let Some(open) = store::newest(db, &request.idempotency_key).await? else { continue };
        if has_lapsed(&open, now) {
            expire(db, open, now).await?;
        } else if matches!(open.state, ApprovalState::Pending | ApprovalState::Approved) {
            if is_for(&open, &request.fingerprint) {
                return Ok(open);
            }
            return Err(Error::new(
                ErrorKind::IdempotencyMismatch,
                "another request with this key waits for a person: use a fresh key",
            )
            .with("idempotency_key", &request.idempotency_key)
            .with("approval", open.id));
        }
    }
    Err(vanished().with("idempotency_key", &request.idempotency_key))
}

async fn settle(db: &mut Db<'_>, id: Id, state: ApprovalState, now: Timestamp) -> Result<Option<Decided>> {
    let is_decided = store::decide(db, id, state, now, now + LIFE).await?;
    let Some(approval) = store::find(db, id).await? else { return Ok(None) };
    if is_decided {
        let kind = if state == ApprovalState::Approved { "approval.approved" } else { "approval.denied" };
        events::append(db, &event(kind, &approval, now)).await?;
        return Ok(Some(Decided::Now(approval)));
    }
    if has_lapsed(&approval, now) {
        let lapsed = expire(db, approval.clone(), now).await?;
        return Ok(Some(Decided::Before(lapsed.unwrap_or(approval))));
    }
    Ok(Some(Decided::Before(approval)))
}

async fn use_up(db: &mut Db<'_>, key: &str, fingerprint: &str, now: Timestamp) -> Result<Consumption> {
    let Some(mut approval) = store::newest(db, key).await? else { return Ok(Consumption::None) };
    if !is_for(&approval, fingerprint) {
        return Ok(Consumption::None);
    }
    if has_lapsed(&approval, now) {
        let lapsed = expire(db, approval, now).await?;
        return Ok(lapsed.map_or(Consumption::None, Consumption::Expired));
    }
    Ok(match approval.state {
        ApprovalState::Pending => Consumption::Pending(approval),
        ApprovalState::Denied => Consumption::Denied(approval),
        ApprovalState::Expired => Consumption::Expired(approval),
        ApprovalState::Approved if store::consume(db, approval.id, now).await? => {
            approval.state = ApprovalState::Consumed;
            events::append(db, &event("approval.consumed", &approval, now)).await?;
            Consumption::Approved(approval)
        }
        ApprovalState::Approved | ApprovalState::Consumed => Consumption::None,
    })
}

/// Lets one lapse; `None` when somebody was faster.
async fn expire(db: &mut Db<'_>, mut approval: Approval, now: Timestamp) -> Result<Option<Approval>> {
    if !store::expire(db, approval.id, now).await? {
        return Ok(None);
    }
    approval.state = ApprovalState::Expired;
    events::append(db, &event("approval.expired", &approval, now)).await?;
    Ok(Some(approval))
}

/// Without the parameters: they may hold what an event must not.
fn event(kind: &'static str, approval: &Approval, now: Timestamp) -> Event {
    Event::new(now, kind, approval.id.to_string()).with_data(serde_json::json!({
        "kind": approval.kind,
        "action": approval.action,
        "idempotency_key": approval.idempotency_key,
        "expires_at": approval.expires_at,
    }))
}

fn vanished() -> Error {
    Error::new(ErrorKind::StoreUnavailable, "the approval's row keeps changing: try again")
}
