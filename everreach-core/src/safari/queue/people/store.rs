//! The SQL of people and stops.

use sqlx::AssertSqlSafe;
use sqlx::types::Json;

use super::elsewhere::Columns;
use super::{Denial, Denied};
use crate::safari::decision::Halt;
use crate::safari::queue::row::Moment;
use crate::safari::{Contact, HaltCause, LimitedAction, Platform};
use crate::store::{Db, Stamp, on_db};
use crate::{Result, Timestamp};

const DENY: &str = "INSERT INTO everreach_safari_denied (platform, handle, reason, since) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (platform, handle) DO UPDATE SET reason = excluded.reason";
const ALLOW: &str = "DELETE FROM everreach_safari_denied WHERE platform = $1 AND handle = $2";
const DENIED: &str = "SELECT platform, handle, reason, since FROM everreach_safari_denied ORDER BY handle, platform";
const DENIES: &str = "SELECT COUNT(*) FROM everreach_safari_denied WHERE handle = $2 AND platform IN ($1, '')";
const CANCEL_FOR: &str = "UPDATE safari_command_queue SET status = 'cancelled', error = 'the person is on the deny list', updated_at = $2 \
     WHERE everreach_contact = $1 AND status = 'pending'";
const HALTS: &str = "SELECT platform, action, cause, since, until FROM everreach_safari_halts WHERE until IS NULL OR until > $1";
const SET_HALT: &str = "INSERT INTO everreach_safari_halts (platform, action, cause, since, until) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (platform, action, cause) DO UPDATE SET since = excluded.since, until = excluded.until";
const LIFT_HALTS: &str = "DELETE FROM everreach_safari_halts WHERE platform = $1 AND ($2 = '' OR action = $2) AND cause <> $3";
// One that was lifted before is not lifted again: what follows it has begun.
const LET_REST: &str = "UPDATE everreach_safari_halts SET until = $4 \
     WHERE platform = $1 AND ($2 = '' OR action = $2) AND cause = $3 AND until IS NULL";
const DM_SENT: &str = "SELECT platform, CAST(params AS TEXT), created_at FROM safari_command_queue \
     WHERE action = 'dm_sent' AND status NOT IN ('failed', 'cancelled') AND created_at > $1 ORDER BY created_at";
const DMS_TO_SQLITE: &str = "SELECT everreach_contact, everreach_dispatched_at FROM safari_command_queue \
     WHERE everreach_contact IN (SELECT value FROM json_each($1)) AND everreach_dispatched_at > $2 AND action = 'send_dm'";
#[cfg(feature = "postgres")]
const DMS_TO_POSTGRES: &str = "SELECT everreach_contact, everreach_dispatched_at FROM safari_command_queue \
     WHERE everreach_contact = ANY (ARRAY(SELECT jsonb_array_elements_text($1))) AND everreach_dispatched_at > $2 AND action = 'send_dm'";
const COLUMNS_SQLITE: &str = "SELECT name FROM pragma_table_info($1)";
#[cfg(feature = "postgres")]
const COLUMNS_POSTGRES: &str =
    "SELECT column_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1";

pub(super) async fn deny(db: &mut Db<'_>, who: &Denied, reason: &str, now: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(DENY).bind(who.platform_word()).bind(who.handle()).bind(reason).bind(Stamp(now)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

pub(super) async fn allow(db: &mut Db<'_>, who: &Denied) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(ALLOW).bind(who.platform_word()).bind(who.handle()).execute(conn).await.map(|done| done.rows_affected())
    })?;
    Ok(rows > 0)
}

pub(super) async fn denied(db: &mut Db<'_>) -> Result<Vec<Denial>> {
    let rows: Vec<(String, String, String, Stamp)> = on_db!(db, conn => sqlx::query_as(DENIED).fetch_all(conn).await)?;
    let denial = |(platform, handle, reason, since): (String, String, String, Stamp)| {
        Denial::of_columns(&platform, handle, reason, since.0)
    };
    Ok(rows.into_iter().map(denial).collect())
}

pub(super) async fn denies(db: &mut Db<'_>, contact: &Contact) -> Result<bool> {
    let entries: i64 = on_db!(db, conn => {
        sqlx::query_scalar(DENIES).bind(contact.platform().as_str()).bind(contact.handle()).fetch_one(conn).await
    })?;
    Ok(entries > 0)
}

pub(super) async fn cancel_for(db: &mut Db<'_>, contact: &Contact, now: Timestamp) -> Result<u64> {
    Ok(on_db!(db, conn => {
        sqlx::query(CANCEL_FOR).bind(contact.to_string()).bind(Stamp(now)).execute(conn).await.map(|done| done.rows_affected())
    })?)
}

#[derive(sqlx::FromRow)]
struct HaltRow {
    platform: String,
    action: String,
    cause: String,
    since: Stamp,
    until: Option<Stamp>,
}

impl HaltRow {
    /// A stop that cannot be read stops all it names, for ever: better one too many.
    fn halt(self) -> Option<Halt> {
        let account: Platform = self.platform.parse().ok()?;
        let causes =
            [HaltCause::Captcha, HaltCause::Login, HaltCause::ActionBlock, HaltCause::PlatformLimit, HaltCause::Restricted];
        let cause = causes.into_iter().find(|cause| cause.as_str() == self.cause).unwrap_or(HaltCause::Restricted);
        let mut halt = Halt::after(cause, account, None, self.since.0);
        halt.action = self.action.parse::<LimitedAction>().ok();
        halt.until = self.until.map(Timestamp::from);
        Some(halt)
    }
}

/// Those that did not end before this time.
pub(super) async fn halts(db: &mut Db<'_>, since: Timestamp) -> Result<Vec<Halt>> {
    let rows: Vec<HaltRow> = on_db!(db, conn => sqlx::query_as(HALTS).bind(Stamp(since)).fetch_all(conn).await)?;
    Ok(rows.into_iter().filter_map(HaltRow::halt).collect())
}

pub(super) async fn set_halt(db: &mut Db<'_>, halt: &Halt) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(SET_HALT)
            .bind(halt.account.as_str())
            .bind(halt.action.map_or("", LimitedAction::as_str))
            .bind(halt.cause.as_str())
            .bind(Stamp(halt.since))
            .bind(halt.until.map(Stamp))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Ends the stops of an account, but those of this cause.
pub(super) async fn lift_halts(db: &mut Db<'_>, account: Platform, action: Option<LimitedAction>, but: HaltCause) -> Result<u64> {
    let action = action.map_or("", LimitedAction::as_str);
    Ok(on_db!(db, conn => {
        sqlx::query(LIFT_HALTS)
            .bind(account.as_str())
            .bind(action)
            .bind(but.as_str())
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?)
}

/// Ends the stops of an account of this cause at that time; those whose end is known keep it.
pub(super) async fn let_rest(
    db: &mut Db<'_>,
    account: Platform,
    action: Option<LimitedAction>,
    cause: HaltCause,
    until: Timestamp,
) -> Result<u64> {
    let action = action.map_or("", LimitedAction::as_str);
    Ok(on_db!(db, conn => {
        sqlx::query(LET_REST)
            .bind(account.as_str())
            .bind(action)
            .bind(cause.as_str())
            .bind(Stamp(until))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?)
}

pub(super) async fn columns(db: &mut Db<'_>, table: &str) -> Result<Columns> {
    let statement = match db {
        Db::Sqlite(_) => COLUMNS_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => COLUMNS_POSTGRES,
    };
    Ok(Columns(on_db!(db, conn => sqlx::query_scalar(statement).bind(table).fetch_all(conn).await)?))
}

/// The statement that selects the newest times; made of names that are in this program.
pub(super) fn newest(table: &str, time: &str, join: &str, conditions: &str) -> String {
    format!("SELECT {time} FROM {table} AS sent{join} WHERE {conditions} ORDER BY 1 DESC LIMIT 20")
}

pub(super) async fn times(db: &mut Db<'_>, statement: &str, contact: &Contact) -> Result<Vec<String>> {
    Ok(on_db!(db, conn => {
        sqlx::query_scalar(AssertSqlSafe(statement.to_owned()))
            .bind(contact.platform().as_str())
            .bind(contact.handle())
            .fetch_all(conn)
            .await
    })?)
}

/// What other programs wrote into the queue as sent.
pub(super) async fn dm_sent_rows(db: &mut Db<'_>, since: Timestamp) -> Result<Vec<(Option<String>, Option<String>, Moment)>> {
    // On SQLite times are text of several forms, and a day's slack keeps those that only look older.
    let since = match db {
        Db::Sqlite(_) => since - chrono::TimeDelta::days(1),
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => since,
    };
    Ok(on_db!(db, conn => sqlx::query_as(DM_SENT).bind(Stamp(since)).fetch_all(conn).await)?)
}

/// When we wrote, or may have written, to these people.
pub(super) async fn dms_to(db: &mut Db<'_>, contacts: &[String], since: Timestamp) -> Result<Vec<(String, Timestamp)>> {
    let contacts = Json(contacts);
    let rows: Vec<(String, Stamp)> = match db {
        Db::Sqlite(conn) => sqlx::query_as(DMS_TO_SQLITE).bind(contacts).bind(Stamp(since)).fetch_all(&mut **conn).await?,
        #[cfg(feature = "postgres")]
        Db::Postgres(conn) => sqlx::query_as(DMS_TO_POSTGRES).bind(contacts).bind(Stamp(since)).fetch_all(&mut **conn).await?,
    };
    Ok(rows.into_iter().map(|(contact, at)| (contact, at.0)).collect())
}
