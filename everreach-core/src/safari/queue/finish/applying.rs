//! What a try has come to.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::store;
use crate::events;
use crate::safari::decision::{Halt, Settlement};
use crate::safari::queue::counters::Charge;
use crate::safari::queue::row::Key;
use crate::safari::queue::{Claimed, claim, counters, people};
use crate::safari::{DispatchOutcome, DispatchVerdict, LimitedAction, Platform, Service};
use crate::store::Db;
use crate::{Event, Id, Result, Timestamp};

/// The end of a try, as its worker reports it.
///
/// ```
/// use everreach_core::safari::decision::{RetrySchedule, settle};
/// use everreach_core::safari::queue::{Claimed, Finish};
/// use everreach_core::safari::DispatchOutcome;
/// fn report(claimed: Claimed, outcome: DispatchOutcome, now: everreach_core::Timestamp) -> Finish {
///     let settlement = settle(&outcome, claimed.command().retry_count, &RetrySchedule::default(), now, 0.5);
///     Finish::new(claimed, outcome, settlement)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Finish {
    claimed: Claimed,
    outcome: DispatchOutcome,
    settlement: Settlement,
    rest: Duration,
}

impl Finish {
    /// What became of a claimed command. After an unknown outcome Safari rests for the time limit of what was tried.
    #[must_use]
    pub fn new(claimed: Claimed, outcome: DispatchOutcome, settlement: Settlement) -> Self {
        let rest = claimed.time_limit();
        Self { claimed, outcome, settlement, rest }
    }

    /// Lets Safari rest for this long after an unknown outcome; see [`Pacing::rest`](crate::safari::decision::Pacing::rest).
    #[must_use]
    pub const fn with_rest(mut self, rest: Duration) -> Self {
        self.rest = rest;
        self
    }

    /// The claim that it ends.
    #[must_use]
    pub const fn claimed(&self) -> &Claimed {
        &self.claimed
    }
}

impl From<Finish> for End {
    fn from(finish: Finish) -> Self {
        let Finish { claimed, outcome, settlement, rest } = finish;
        let action = claimed.charges.first().map(|charge| charge.action);
        Self {
            worker_id: claimed.worker_id,
            number: claimed.number,
            charges: claimed.charges,
            claimed_at: claimed.claimed_at,
            service: claimed.dispatchable.service(),
            stops: claimed.dispatchable.platform().map(|platform| (platform, action)),
            browser: claimed.browser,
            rest,
            retry_count: claimed.command.retry_count,
            is_quiet: claimed.browser.is_none(),
            key: claimed.key,
            outcome,
            settlement,
        }
    }
}

/// Ends of tries that are written together, as often as it takes.
#[derive(Debug, Clone)]
pub(in crate::safari) struct Ends(Arc<[Arc<End>]>);

impl From<Vec<Finish>> for Ends {
    fn from(finishes: Vec<Finish>) -> Self {
        Self(finishes.into_iter().map(|finish| Arc::new(End::from(finish))).collect())
    }
}

impl Ends {
    pub(in crate::safari) fn len(&self) -> usize {
        self.0.len()
    }

    pub(in crate::safari) fn ids(&self) -> impl Iterator<Item = Id> {
        self.0.iter().map(|end| end.key.id())
    }

    /// Each by itself.
    pub(in crate::safari) fn singly(&self) -> impl Iterator<Item = Self> {
        self.0.iter().map(|end| Self([Arc::clone(end)].into()))
    }

    pub(in crate::safari::queue) fn all(&self) -> Vec<&End> {
        self.0.iter().map(AsRef::as_ref).collect()
    }
}

/// The end of a try, whoever reports it.
#[derive(Debug)]
pub(in crate::safari::queue) struct End {
    pub(in crate::safari::queue) key: Key,
    pub(in crate::safari::queue) worker_id: String,
    pub(in crate::safari::queue) number: u32,
    pub(in crate::safari::queue) outcome: DispatchOutcome,
    pub(in crate::safari::queue) settlement: Settlement,
    pub(in crate::safari::queue) charges: Vec<Charge>,
    pub(in crate::safari::queue) claimed_at: Timestamp,
    pub(in crate::safari::queue) service: Option<Service>,
    /// What has to stop when the outcome says that something has to.
    pub(in crate::safari::queue) stops: Option<(Platform, Option<LimitedAction>)>,
    pub(in crate::safari::queue) browser: Option<i64>,
    pub(in crate::safari::queue) rest: Duration,
    pub(in crate::safari::queue) retry_count: u32,
    /// Whether its event may be told together with others'.
    pub(in crate::safari::queue) is_quiet: bool,
}

impl End {
    /// The repeats that are used after it, and when it is tried again.
    pub(super) const fn again(&self) -> (u32, Option<Timestamp>) {
        match self.settlement {
            Settlement::Again { at, retry_count } => (retry_count, Some(at)),
            _ => (self.retry_count, None),
        }
    }

    const fn event_kind(&self) -> &'static str {
        match self.settlement {
            Settlement::Completed => "safari.completed",
            Settlement::Failed => "safari.failed",
            Settlement::Held => "safari.held",
            Settlement::Again { .. } => "safari.rescheduled",
        }
    }
}

/// Writes the ends of tries whose claims still hold; returns whose did.
pub(in crate::safari::queue) async fn apply(db: &mut Db<'_>, ends: &[&End], now: Timestamp) -> Result<HashSet<Id>> {
    if ends.is_empty() {
        return Ok(HashSet::new());
    }
    if ends.iter().any(|end| end.browser.is_some()) {
        // Always before the rows, so that two transactions never wait for each other.
        claim::lock_slot(db).await?;
    }
    let settled = store::settle(db, ends, now).await?;
    let held: Vec<_> = ends.iter().copied().filter(|end| settled.contains(&end.key.id())).collect();
    store::write_attempts(db, &held, now).await?;
    for end in &held {
        if end.outcome.verdict.uses_limit() {
            counters::mark_sent(db, &end.charges, now).await?;
        } else {
            counters::give_back(db, &end.charges, end.claimed_at).await?;
        }
        if let (Some(cause), Some((platform, action))) = (end.outcome.halt(), end.stops) {
            people::set_halt(db, &Halt::after(cause, platform, action, now), now).await?;
        }
        if !end.is_quiet {
            events::append(db, &event(end, now)).await?;
        }
    }
    let quiet: Vec<_> = held.iter().filter(|end| end.is_quiet).map(|end| end.key.id()).collect();
    if let Some(first) = quiet.first() {
        let data = json!({"count": quiet.len(), "ids": &quiet[..quiet.len().min(100)]});
        events::append(db, &Event::new(now, "safari.finished", first.to_string()).with_data(data)).await?;
    }
    for end in ends {
        let Some(fence) = end.browser else { continue };
        let is_unknown = end.outcome.verdict == DispatchVerdict::Unknown;
        let rest = (is_unknown && !end.rest.is_zero()).then(|| (now + end.rest, end.service));
        claim::return_slot(db, fence, rest).await?;
    }
    Ok(settled)
}

fn event(end: &End, now: Timestamp) -> Event {
    let data = json!({
        "worker": end.worker_id, "attempt": end.number, "outcome": end.outcome.verdict, "reason": end.outcome.reason,
        "detail": super::record::detail(&end.outcome.detail), "next_retry_at": end.again().1,
    });
    Event::new(now, end.event_kind(), end.key.id().to_string()).with_data(data)
}
