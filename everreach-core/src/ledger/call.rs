//! What goes into the ledger and what comes out of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, ForwardedClaim, IdempotencyKey};
use crate::{ActionName, Effect, Envelope, Error, ErrorKind, Id, Outcome, Result, Timestamp};

const LEASE: Duration = Duration::from_secs(60);

/// Where a journaled call stands.
///
/// ```
/// use everreach_core::ledger::CallState;
/// assert_eq!("not_executed".parse::<CallState>().expect("a word"), CallState::NotExecuted);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallState {
    /// Somebody holds the row and works on it.
    Running,
    /// A person has to agree first.
    Waiting,
    /// It ran; the stored envelope answers every repeat.
    Executed,
    /// It provably did not run, or may run twice without harm: the same key may be used to try again.
    NotExecuted,
    /// It may have run: held.
    Unknown,
    /// It was handed to a durable queue; the stored envelope answers every repeat.
    Queued,
}

impl CallState {
    const ALL: [Self; 6] = [Self::Running, Self::Waiting, Self::Executed, Self::NotExecuted, Self::Unknown, Self::Queued];

    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Executed => "executed",
            Self::NotExecuted => "not_executed",
            Self::Unknown => "unknown",
            Self::Queued => "queued",
        }
    }
}

impl fmt::Display for CallState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CallState {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "a call is running, waiting, executed, not_executed, unknown or queued")
                .with("seen", text)
        })
    }
}

/// A call that asks for its key.
///
/// ```
/// use everreach_core::{Effect, Id};
/// use everreach_core::ledger::{Begin, IdempotencyKey, fingerprint};
/// let action = "dm.send".parse().expect("a name");
/// let print = fingerprint(&action, &serde_json::Map::new());
/// let begin = Begin::new(IdempotencyKey::fresh(), action, print, Id::new());
/// assert_eq!(begin.effect, Effect::Outward);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Begin {
    /// The key.
    pub key: IdempotencyKey,
    /// What is to run.
    pub action: ActionName,
    /// What the request is; a repeat must have the same.
    pub fingerprint: Fingerprint,
    /// The id that logs and events carry.
    pub request_id: Id,
    /// How long the claim lasts without [`Ledger::renew`](super::Ledger::renew).
    pub lease: Duration,
    /// What running it does. A call that is safe to repeat is never held.
    pub effect: Effect,
    /// The claim that came along with a forwarded call. Where it holds the row of this journal, the row is taken over from it.
    pub forwarded: Option<ForwardedClaim>,
}

impl Begin {
    /// An outward call with a lease of one minute.
    #[must_use]
    pub const fn new(key: IdempotencyKey, action: ActionName, fingerprint: Fingerprint, request_id: Id) -> Self {
        Self { key, action, fingerprint, request_id, lease: LEASE, effect: Effect::Outward, forwarded: None }
    }

    /// Sets how long the claim lasts.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Says what running it does.
    #[must_use]
    pub const fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Adds the claim that came along with the call, if one did.
    #[must_use]
    pub const fn with_forwarded(mut self, forwarded: Option<ForwardedClaim>) -> Self {
        self.forwarded = forwarded;
        self
    }
}

/// The right to work on a call. It is lost when its lease lapses and somebody else takes the row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a claim that is dropped leaves its call running until the lease lapses: finish it"]
#[non_exhaustive]
pub struct Claim {
    /// The key.
    pub key: IdempotencyKey,
    /// What is to run.
    pub action: ActionName,
    /// The id that logs and events carry.
    pub request_id: Id,
    pub(super) fence: i64,
    pub(super) was_handed_over: bool,
}

/// What [`Ledger::begin`](super::Ledger::begin) found.
#[derive(Debug)]
#[must_use]
#[non_exhaustive]
pub enum Begun {
    /// The call is the caller's to run.
    Started(Claim),
    /// It ran, or was queued, before: the stored answer, marked as replayed.
    Replay(Envelope),
    /// Nobody knows whether it ran: it is held, and this says so.
    Held(Envelope),
    /// It waits for a person: the stored answer. Once approved, [`Ledger::resume`](super::Ledger::resume) claims it.
    Waiting(Envelope),
}

/// Names one try of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct AttemptId(Id);

impl AttemptId {
    pub(super) const fn from_id(id: Id) -> Self {
        Self(id)
    }

    /// The id of the attempt's row.
    #[must_use]
    pub const fn as_id(self) -> Id {
        self.0
    }
}

/// What became of one try.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AttemptEnd {
    /// Which try.
    pub id: AttemptId,
    /// Whether it ran. `NotExecuted` takes the dispatch mark back, so that another try may follow.
    pub outcome: Outcome,
    /// The word of its failure.
    pub error: Option<ErrorKind>,
    /// The sentence that goes with it.
    pub detail: Option<String>,
}

impl AttemptEnd {
    /// An end without a failure.
    #[must_use]
    pub const fn new(id: AttemptId, outcome: Outcome) -> Self {
        Self { id, outcome, error: None, detail: None }
    }

    /// Adds the failure.
    #[must_use]
    pub fn with_error(mut self, error: &Error) -> Self {
        self.error = Some(error.kind());
        self.detail = Some(error.to_string());
        self
    }
}

/// One try of a call, as stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// Its id.
    pub id: Id,
    /// Its number, from 1.
    pub attempt: u32,
    /// Who tried.
    pub executor: String,
    /// When it was about to leave.
    pub dispatched_at: Timestamp,
    /// When its end was recorded.
    pub finished_at: Option<Timestamp>,
    /// What became of it; `None` while it is under way.
    pub outcome: Option<Outcome>,
    /// The word of its failure.
    pub error: Option<String>,
    /// The sentence that goes with it.
    pub detail: Option<String>,
}

/// A call and its tries, as stored.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CallRecord {
    /// The key.
    pub idempotency_key: IdempotencyKey,
    /// What was to run.
    pub action: ActionName,
    /// Where it stands.
    pub state: CallState,
    /// Its answer; `None` while it runs.
    pub envelope: Option<Envelope>,
    /// Its tries, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// When the key was first used.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
    /// When the try that was not proven un-run was about to leave.
    pub dispatched_at: Option<Timestamp>,
}

/// What a person, or a positive proof, says about a held call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// It happened: repeats answer the stored envelope.
    Happened,
    /// It did not: the same key may be used to try again.
    DidNotHappen,
}

impl Verdict {
    /// The word for it in events and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Happened => "happened",
            Self::DidNotHappen => "did_not_happen",
        }
    }
}

/// What [`Ledger::recover`](super::Ledger::recover) did with the calls of owners that are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recovered {
    /// Calls that may have run and are now held.
    pub unknown: u64,
    /// Calls of which nothing had left.
    pub not_executed: u64,
}

/// What [`Ledger::prune`](super::Ledger::prune) removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Pruned {
    /// Keys that count as never used again.
    pub calls: u64,
    /// Old tries.
    pub attempts: u64,
}
