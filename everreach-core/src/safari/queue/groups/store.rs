//! The groups' SQL.

use std::collections::BTreeMap;

use sqlx::types::Json;

use super::WaitingGroup;
use super::deciding::word;
use crate::safari::Contact;
use crate::safari::decision::{DmGroup, DmGroupApproval};
use crate::store::{Db, Stamp, on_db};
use crate::{Result, Timestamp};

/// The due time of a row that waits for a person.
pub(in crate::safari::queue) const HELD: &str = "9999-12-31T00:00:00.000000Z";

const GROW: &str = "INSERT INTO everreach_safari_groups (id, dms, approval) VALUES ($1, $2, 'pending') \
     ON CONFLICT (id) DO UPDATE SET dms = everreach_safari_groups.dms + excluded.dms RETURNING dms, approval, decided_at IS NOT NULL";
const ASK: &str = "UPDATE everreach_safari_groups SET requested_at = $2, expires_at = $3 WHERE id = $1 AND requested_at IS NULL";
// A question that lapsed can still be answered by a no; a yes is to be asked for again.
const DECIDE: &str = "UPDATE everreach_safari_groups SET approval = $2, decided_at = $3, expires_at = NULL \
     WHERE id = $1 AND approval = 'pending' AND (decided_at IS NULL OR $2 = 'denied')";
// One that lapsed is pending with the time at which nobody had decided.
const LAPSE: &str = "UPDATE everreach_safari_groups SET decided_at = $2, expires_at = NULL \
     WHERE id = $1 AND approval = 'pending' AND decided_at IS NULL";
const ASK_AGAIN: &str = "UPDATE everreach_safari_groups SET requested_at = $2, expires_at = $3, decided_at = NULL \
     WHERE id = $1 AND approval = 'pending' AND decided_at IS NOT NULL RETURNING dms";
const LAPSED: &str = "SELECT id, EXISTS (SELECT 1 FROM everreach_safari_campaigns AS campaigns WHERE campaigns.id = everreach_safari_groups.id) \
     FROM everreach_safari_groups WHERE approval = 'pending' AND expires_at IS NOT NULL AND expires_at <= $1";
const WAITING: &str = "SELECT id, dms, requested_at, expires_at FROM everreach_safari_groups \
     WHERE approval = 'pending' AND expires_at IS NOT NULL AND requested_at IS NOT NULL ORDER BY requested_at, id";
const FIND_SQLITE: &str =
    "SELECT id, dms, approval, decided_at IS NOT NULL FROM everreach_safari_groups WHERE id IN (SELECT value FROM json_each($1))";
#[cfg(feature = "postgres")]
const FIND_POSTGRES: &str = "SELECT id, dms, approval, decided_at IS NOT NULL FROM everreach_safari_groups \
     WHERE id IN (SELECT value FROM jsonb_array_elements_text($1) AS ids (value))";
const SIZE: &str = "SELECT COUNT(*) FROM safari_command_queue WHERE (campaign_id = $1 OR batch_id = $1) AND action = 'send_dm'";
const HOLD: [&str; 2] = [
    "UPDATE safari_command_queue SET everreach_due_at = $2 WHERE campaign_id = $1 AND status = 'pending' AND action = 'send_dm'",
    "UPDATE safari_command_queue SET everreach_due_at = $2 WHERE batch_id = $1 AND status = 'pending' AND action = 'send_dm'",
];
const RELEASE: [&str; 2] = [
    "UPDATE safari_command_queue SET everreach_due_at = scheduled_for, updated_at = $3 \
     WHERE campaign_id = $1 AND status = 'pending' AND everreach_due_at = $2",
    "UPDATE safari_command_queue SET everreach_due_at = scheduled_for, updated_at = $3 \
     WHERE batch_id = $1 AND status = 'pending' AND everreach_due_at = $2",
];
// A campaign that is refused posts no comments either.
const CANCEL: [&str; 2] = [
    "UPDATE safari_command_queue SET status = 'cancelled', error = $2, updated_at = $3 \
     WHERE campaign_id = $1 AND status = 'pending' AND action IN ('send_dm', 'comment', 'market_research')",
    "UPDATE safari_command_queue SET status = 'cancelled', error = $2, updated_at = $3 \
     WHERE batch_id = $1 AND status = 'pending' AND action = 'send_dm'",
];

const HAS_REPLIED: &str =
    "SELECT COUNT(*) FROM everreach_safari_targets WHERE campaign_id = $1 AND handle IN ($2, $3) AND state = 'replied'";
const LOOK_ANEW: &str = "UPDATE safari_command_queue SET everreach_due_at = NULL \
     WHERE campaign_id = $1 AND status = 'pending' AND everreach_due_at IS NOT NULL";

fn approval(text: &str, is_closed: bool) -> DmGroupApproval {
    match text {
        "approved" => DmGroupApproval::Approved,
        "denied" => DmGroupApproval::Denied,
        _ if is_closed => DmGroupApproval::Lapsed,
        _ => DmGroupApproval::Pending,
    }
}

fn group(dms: i64, said: &str, is_closed: bool) -> DmGroup {
    DmGroup::new(u32::try_from(dms).unwrap_or(u32::MAX), approval(said, is_closed))
}

/// The moment that stands for "when a person says so".
fn held() -> Option<Stamp> {
    Stamp::parse(HELD)
}

pub(super) async fn grow(db: &mut Db<'_>, id: &str, more: u32) -> Result<DmGroup> {
    let (dms, said, is_closed): (i64, String, bool) =
        on_db!(db, conn => sqlx::query_as(GROW).bind(id).bind(i64::from(more)).fetch_one(conn).await)?;
    Ok(group(dms, &said, is_closed))
}

/// How many messages the table holds of a group.
pub(super) async fn size(db: &mut Db<'_>, id: &str) -> Result<u32> {
    let dms: i64 = on_db!(db, conn => sqlx::query_scalar(SIZE).bind(id).fetch_one(conn).await)?;
    Ok(u32::try_from(dms).unwrap_or(u32::MAX))
}

pub(super) async fn ask(db: &mut Db<'_>, id: &str, now: Timestamp, expires_at: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(ASK).bind(id).bind(Stamp(now)).bind(Stamp(expires_at)).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

pub(super) async fn decide(db: &mut Db<'_>, id: &str, said: DmGroupApproval, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(DECIDE).bind(id).bind(word(said)).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Closes a question that nobody answered, until it is asked again.
pub(super) async fn lapse(db: &mut Db<'_>, id: &str, now: Timestamp) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(LAPSE).bind(id).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Asks again what nobody answered; returns how many messages it is about.
pub(super) async fn ask_again(db: &mut Db<'_>, id: &str, now: Timestamp, expires_at: Timestamp) -> Result<Option<i64>> {
    Ok(on_db!(db, conn => {
        sqlx::query_scalar(ASK_AGAIN).bind(id).bind(Stamp(now)).bind(Stamp(expires_at)).fetch_optional(conn).await
    })?)
}

/// Groups whose time to be decided about is over, and whether each is one of our campaigns.
pub(super) async fn lapsed(db: &mut Db<'_>, now: Timestamp) -> Result<Vec<(String, bool)>> {
    Ok(on_db!(db, conn => sqlx::query_as(LAPSED).bind(Stamp(now)).fetch_all(conn).await)?)
}

pub(super) async fn waiting(db: &mut Db<'_>) -> Result<Vec<WaitingGroup>> {
    let rows: Vec<(String, i64, Stamp, Stamp)> = on_db!(db, conn => sqlx::query_as(WAITING).fetch_all(conn).await)?;
    let group = |(id, dms, requested_at, expires_at): (String, i64, Stamp, Stamp)| WaitingGroup {
        id,
        dms: u32::try_from(dms).unwrap_or(u32::MAX),
        requested_at: requested_at.0,
        expires_at: expires_at.0,
    };
    Ok(rows.into_iter().map(group).collect())
}

pub(super) async fn find(db: &mut Db<'_>, ids: &[String]) -> Result<BTreeMap<String, DmGroup>> {
    let ids = Json(ids);
    let rows: Vec<(String, i64, String, bool)> = match db {
        Db::Sqlite(conn) => sqlx::query_as(FIND_SQLITE).bind(ids).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(FIND_POSTGRES).bind(ids).fetch_all(&mut **conn).await?,
    };
    Ok(rows.into_iter().map(|(id, dms, said, is_closed)| (id, group(dms, &said, is_closed))).collect())
}

/// Lets the waiting messages of a group wait for a person.
pub(super) async fn hold(db: &mut Db<'_>, id: &str) -> Result<()> {
    for statement in HOLD {
        on_db!(db, conn => sqlx::query(statement).bind(id).bind(held()).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Lets them go when their time comes.
pub(super) async fn release(db: &mut Db<'_>, id: &str, now: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for statement in RELEASE {
        rows += on_db!(db, conn => {
            sqlx::query(statement).bind(id).bind(held()).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(rows)
}

pub(super) async fn cancel(db: &mut Db<'_>, id: &str, why: &str, now: Timestamp) -> Result<u64> {
    let mut rows = 0;
    for statement in CANCEL {
        rows += on_db!(db, conn => {
            sqlx::query(statement).bind(id).bind(why).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
        })?;
    }
    Ok(rows)
}

/// Lets the rows of a campaign be looked at at once; those that still have to wait are put aside again.
pub(super) async fn look_anew(db: &mut Db<'_>, campaign: &str) -> Result<()> {
    on_db!(db, conn => sqlx::query(LOOK_ANEW).bind(campaign).execute(conn).await.map(drop))?;
    Ok(())
}

/// Whether a target of the campaign has replied; it is kept under the name that was given.
pub(in crate::safari::queue) async fn has_replied(
    db: &mut Db<'_>,
    campaign: &str,
    given: &str,
    contact: &Contact,
) -> Result<bool> {
    let targets: i64 = on_db!(db, conn => {
        sqlx::query_scalar(HAS_REPLIED).bind(campaign).bind(given).bind(contact.handle()).fetch_one(conn).await
    })?;
    Ok(targets > 0)
}
