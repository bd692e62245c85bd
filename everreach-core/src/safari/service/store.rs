//! What processes tell each other of the services.

use std::time::Duration;

use serde::Serialize;
use sqlx::types::Json;

use super::{HealthStatus, Service, ServiceHealth};
use crate::store::{Db, Stamp, on_db};
use crate::{Id, Result, Timestamp};

// A look is written over by a later one only, and by any when the clock has been set back.
macro_rules! unless_older {
    () => {
        " ON CONFLICT (service_name) DO UPDATE SET port = excluded.port, status = excluded.status, \
         response_ms = excluded.response_ms, checked_at = excluded.checked_at WHERE safari_service_health.checked_at IS NULL \
         OR safari_service_health.checked_at <= excluded.checked_at OR safari_service_health.checked_at > $2"
    };
}
const WRITE_SQLITE: &str = concat!(
    "INSERT INTO safari_service_health (id, service_name, port, status, response_ms, checked_at) \
     SELECT value ->> 'id', value ->> 'service_name', value ->> 'port', value ->> 'status', value ->> 'response_ms', \
     value ->> 'checked_at' FROM json_each($1) WHERE TRUE",
    unless_older!()
);
#[cfg(feature = "postgres")]
const WRITE_POSTGRES: &str = concat!(
    "INSERT INTO safari_service_health (id, service_name, port, status, response_ms, checked_at) \
     SELECT id, service_name, port, status, response_ms, checked_at FROM jsonb_to_recordset($1) \
     AS found (id UUID, service_name TEXT, port INTEGER, status TEXT, response_ms INTEGER, checked_at TIMESTAMPTZ)",
    unless_older!()
);
// One that was taken in the future was taken before the clock was set back.
const TAKE_TURN: &str = "INSERT INTO everreach_safari_health_turns (service_name, port, asked_at) VALUES ($1, $2, $3) \
     ON CONFLICT (service_name, port) DO UPDATE SET asked_at = excluded.asked_at \
     WHERE everreach_safari_health_turns.asked_at <= $4 OR everreach_safari_health_turns.asked_at > $5";
const RETURN_TURN: &str = "DELETE FROM everreach_safari_health_turns WHERE service_name = $1 AND port = $2 AND asked_at = $3";
const LAST_TURN: &str = "SELECT turns.asked_at, found.status, found.response_ms, found.checked_at \
     FROM everreach_safari_health_turns AS turns LEFT JOIN safari_service_health AS found \
     ON found.service_name = turns.service_name AND found.port = turns.port AND found.checked_at >= turns.asked_at \
     WHERE turns.service_name = $1 AND turns.port = $2";

/// The turn of one process to ask a service at a port how it is.
#[derive(Debug, Clone)]
pub(in crate::safari) struct HealthTurn {
    pub(in crate::safari) asked_at: Timestamp,
    /// What whoever has it found; none while that is not told.
    pub(in crate::safari) found: Option<ServiceHealth>,
}

#[derive(Serialize)]
struct HealthRow {
    id: Id,
    service_name: &'static str,
    port: u16,
    status: HealthStatus,
    response_ms: Option<i32>,
    checked_at: String,
}

/// Writes down how services are.
pub(in crate::safari) async fn write_health(db: &mut Db<'_>, found: &[ServiceHealth], now: Timestamp) -> Result<()> {
    let row = |health: &ServiceHealth| HealthRow {
        id: Id::new(),
        service_name: health.service.as_str(),
        port: health.port,
        status: health.status,
        response_ms: health.response_ms.map(|ms| i32::try_from(ms).unwrap_or(i32::MAX)),
        checked_at: Stamp(health.checked_at).to_string(),
    };
    let rows = Json(found.iter().map(row).collect::<Vec<_>>());
    let statement = match db {
        Db::Sqlite(_) => WRITE_SQLITE,
        #[cfg(feature = "postgres")]
        Db::Postgres(_) => WRITE_POSTGRES,
    };
    on_db!(db, conn => sqlx::query(statement).bind(rows).bind(Stamp(now)).execute(conn).await.map(drop))?;
    Ok(())
}

/// Takes the turn, unless somebody took it less than `interval` ago; says whether it is ours.
pub(in crate::safari) async fn take_turn(
    db: &mut Db<'_>,
    service: Service,
    port: u16,
    interval: Duration,
    now: Timestamp,
) -> Result<bool> {
    let rows = on_db!(db, conn => {
        sqlx::query(TAKE_TURN)
            .bind(service.as_str())
            .bind(i64::from(port))
            .bind(Stamp(now))
            .bind(Stamp(now - interval))
            .bind(Stamp(now + interval))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Gives the turn of that time back: nobody was asked.
pub(in crate::safari) async fn return_turn(db: &mut Db<'_>, service: Service, port: u16, asked_at: Timestamp) -> Result<()> {
    on_db!(db, conn => {
        sqlx::query(RETURN_TURN).bind(service.as_str()).bind(i64::from(port)).bind(Stamp(asked_at)).execute(conn).await.map(drop)
    })?;
    Ok(())
}

type Row = (Stamp, Option<String>, Option<i32>, Option<Stamp>);

/// The last turn; none when nobody has asked.
pub(in crate::safari) async fn last_turn(db: &mut Db<'_>, service: Service, port: u16) -> Result<Option<HealthTurn>> {
    let row: Option<Row> = on_db!(db, conn => {
        sqlx::query_as(LAST_TURN).bind(service.as_str()).bind(i64::from(port)).fetch_optional(conn).await
    })?;
    Ok(row.map(|(asked_at, status, response_ms, checked_at)| {
        let status = status.and_then(|word| word.parse::<HealthStatus>().ok());
        let found = status.zip(checked_at).map(|(status, checked_at)| {
            let detail = format!("{status}, as another process found at {checked_at}");
            let mut health = ServiceHealth::new(service, status, detail, checked_at.0).at_port(port);
            health.response_ms = response_ms.and_then(|ms| u64::try_from(ms).ok());
            health
        });
        HealthTurn { asked_at: asked_at.0, found }
    }))
}
