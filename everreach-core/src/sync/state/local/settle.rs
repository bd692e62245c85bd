//! Taking over what the cloud decided, in one transaction with the outbox.

use serde_json::json;

use super::super::store::{Author, add_conflict, held_locked, put};
use super::super::{Conflict, Document, PushOutcome, Seen};
use super::merge::{Merge, merge};
use super::store::{RowName, fail, find, shift, take_out};
use crate::store::Db;
use crate::{Error, Event, Id, Result, Side, Timestamp, events};

/// The first wait after the cloud refused a version; it doubles with each refusal.
const FIRST_WAIT_S: i64 = 30;
const LONGEST_WAIT_S: i64 = 3_600;

/// What became of a version of the cloud's on this side.
#[derive(Debug)]
pub(super) enum Laid {
    /// Nothing changed.
    Known,
    /// It is this side's version now.
    Taken,
    /// What waits here stays on top of it.
    Below,
    /// Both sides had changed the document; the winner's version is here now.
    Conflict(Side),
    /// What waits here cannot be read, so nothing was done.
    Unreadable(Error),
}

/// The cloud's word about a version that was sent.
#[derive(Debug)]
pub(super) struct Decision {
    pub(super) outcome: PushOutcome,
    pub(super) current: Option<Document>,
    pub(super) seen: Option<Seen>,
    pub(super) error: Option<String>,
}

/// When a version that was refused is tried again.
pub(super) fn retry_at(attempts: u32, now: Timestamp) -> Timestamp {
    let doubled = FIRST_WAIT_S.saturating_mul(1_i64.checked_shl(attempts.min(16)).unwrap_or(i64::MAX));
    now + chrono::TimeDelta::seconds(doubled.min(LONGEST_WAIT_S))
}

/// Takes over what the cloud decided about a version; a later one that waits by now stays.
pub(super) async fn settle(db: &mut Db<'_>, author: &Author, sent: &Document, decision: Decision, now: Timestamp) -> Result<()> {
    let Decision { outcome, current, seen, error } = decision;
    let held = held_locked(db, sent.kind, &sent.key).await?;
    let waiting = find(db, author, sent.kind, &sent.key).await?;
    let attempts = waiting.as_ref().map_or(0, |waiting| waiting.attempts);
    if outcome == PushOutcome::Refused {
        let error = error.unwrap_or_else(|| "the cloud refused it without a reason".to_owned());
        refuse(db, &RowName::of(sent), &error, attempts, now).await?;
        return Ok(());
    }
    if let (PushOutcome::Overruled, Some(current)) = (outcome, &current) {
        tell(db, &Conflict::between(sent, current, Side::Cloud, now)).await?;
    }
    let Some(Ok(waiting)) = waiting.map(|waiting| waiting.document) else { return Ok(()) };
    match (outcome, current) {
        (PushOutcome::Stale, Some(current)) if waiting.id == sent.id => {
            lay(db, author, &current, seen, now).await?;
        }
        (PushOutcome::Stale, _) => {}
        (_, Some(current)) if waiting.id == sent.id => {
            take_out(db, sent.kind, &sent.key).await?;
            put(db, &current, held, now).await?;
        }
        (_, None) if waiting.id == sent.id => take_out(db, sent.kind, &sent.key).await?,
        (PushOutcome::Unchanged, Some(current)) => shift(db, &waiting, waiting.id, waiting.number, current.id).await?,
        // What was overruled was not known to whoever made the later change: the cloud decides about that too.
        (PushOutcome::Overruled, _) => {}
        (_, Some(current)) => {
            lay(db, author, &current, seen, now).await?;
        }
        (_, None) => shift(db, &waiting, waiting.id, waiting.number, sent.id).await?,
    }
    Ok(())
}

/// Notes that a version cannot go, tells of it the first time, and lets it wait.
pub(super) async fn refuse(db: &mut Db<'_>, row: &RowName, error: &str, attempts: u32, now: Timestamp) -> Result<()> {
    if attempts == 0 {
        let data = json!({ "version": row.id, "error": error });
        events::append(db, &Event::new(now, "sync.refused", row.to_string()).with_data(data)).await?;
    }
    fail(db, row, error, Some(retry_at(attempts, now))).await
}

/// Lays a version of the cloud's over what is here.
pub(super) async fn lay(
    db: &mut Db<'_>,
    author: &Author,
    incoming: &Document,
    seen: Option<Seen>,
    now: Timestamp,
) -> Result<Laid> {
    // The document first, as whoever records a change does: nothing is added to the outbox behind our back.
    let held = held_locked(db, incoming.kind, &incoming.key).await?;
    let waiting = match find(db, author, incoming.kind, &incoming.key).await?.map(|waiting| waiting.document).transpose() {
        Ok(waiting) => waiting,
        Err(error) => return Ok(Laid::Unreadable(error)),
    };
    let decided = merge(waiting.as_ref(), held, incoming, seen, &author.node);
    match (decided, &waiting) {
        (Merge::Nothing, _) => Ok(Laid::Known),
        (Merge::Keep(number), Some(waiting)) => {
            shift(db, waiting, id_for(waiting, number), number, incoming.id).await?;
            Ok(Laid::Below)
        }
        (Merge::LocalWins(number), Some(waiting)) => {
            tell(db, &Conflict::between(waiting, incoming, Side::Local, now)).await?;
            shift(db, waiting, id_for(waiting, number), number, incoming.id).await?;
            Ok(Laid::Conflict(Side::Local))
        }
        (Merge::CloudWins, Some(waiting)) => {
            tell(db, &Conflict::between(waiting, incoming, Side::Cloud, now)).await?;
            take_out(db, incoming.kind, &incoming.key).await?;
            put(db, incoming, held, now).await?;
            Ok(Laid::Conflict(Side::Cloud))
        }
        (Merge::Adopt | Merge::Keep(_) | Merge::LocalWins(_) | Merge::CloudWins, _) => {
            take_out(db, incoming.kind, &incoming.key).await?;
            put(db, incoming, held, now).await?;
            Ok(Laid::Taken)
        }
    }
}

/// A version whose number changes is another version.
fn id_for(waiting: &Document, number: i64) -> Id {
    if number == waiting.number { waiting.id } else { Id::new() }
}

/// Writes a conflict down, with both versions, and tells of it; once.
pub(in super::super) async fn tell(db: &mut Db<'_>, conflict: &Conflict) -> Result<()> {
    if add_conflict(db, conflict).await? {
        let subject = format!("{}/{}", conflict.kind, conflict.key);
        let data = json!({
            "conflict": conflict.id, "winner": conflict.winner, "local": conflict.local.id, "cloud": conflict.cloud.id,
        });
        events::append(db, &Event::new(conflict.detected_at, "sync.conflict", subject).with_data(data)).await?;
        metrics::counter!("everreach_sync_conflicts_total").increment(1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_version_waits_twice_as_long_each_time_and_an_hour_at_most() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(
            [0, 1, 2, 6, 7, 40].map(|attempts| (retry_at(attempts, now) - now).num_seconds()),
            [30, 60, 120, 1_920, 3_600, 3_600]
        );
    }
}
