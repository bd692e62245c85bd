//! The row and its key.

use serde::Deserialize;
use serde_json::Value;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo};
use sqlx::{Encode, Sqlite, Type};

use super::Moment;
use crate::safari::queue::counters::Charge;
use crate::safari::{Command, CommandStatus};
use crate::{Id, Timestamp};

/// The key of a row: its id, and on SQLite the text that its writer made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::safari::queue) struct Key {
    id: Id,
    stored: String,
}

impl Key {
    /// The usual text.
    pub(in crate::safari::queue) fn of(id: Id) -> Self {
        Self { id, stored: id.to_string() }
    }

    /// The text without hyphens, which SQLite's `hex` makes.
    pub(in crate::safari::queue) fn without_hyphens(id: Id) -> Self {
        Self { id, stored: id.as_uuid().simple().to_string() }
    }

    fn parse(stored: String) -> Option<Self> {
        Some(Self { id: stored.parse().ok()?, stored })
    }

    pub(in crate::safari::queue) const fn id(&self) -> Id {
        self.id
    }

    pub(in crate::safari::queue) fn stored(&self) -> &str {
        &self.stored
    }
}

impl Type<Sqlite> for Key {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Key {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.stored.clone(), buffer)
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
    use sqlx::{Encode, Postgres, Type};

    use super::{BoxDynError, Id, IsNull, Key};

    impl Type<Postgres> for Key {
        fn type_info() -> PgTypeInfo {
            <Id as Type<Postgres>>::type_info()
        }
    }

    impl Encode<'_, Postgres> for Key {
        fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
            Encode::<Postgres>::encode(self.id, buffer)
        }
    }
}

/// A command with what only the queue needs to know.
#[derive(Debug, Clone)]
pub(in crate::safari::queue) struct QueueRow {
    pub(in crate::safari::queue) key: Key,
    pub(in crate::safari::queue) command: Command,
    pub(in crate::safari::queue) attempts: u32,
    pub(in crate::safari::queue) claimed_at: Option<Timestamp>,
    pub(in crate::safari::queue) lease_until: Option<Timestamp>,
    pub(in crate::safari::queue) dispatched_at: Option<Timestamp>,
    pub(in crate::safari::queue) charged: Vec<Charge>,
    pub(in crate::safari::queue) outcome: Option<String>,
    pub(in crate::safari::queue) lane: Option<String>,
}

impl QueueRow {
    /// What a claim has changed of it, but for the number of the attempt.
    pub(in crate::safari::queue) fn was_claimed(&mut self, worker: &str, now: Timestamp, lease_until: Timestamp) {
        self.command.status = CommandStatus::Running;
        self.command.worker_id = Some(worker.to_owned());
        self.command.updated_at = now;
        (self.claimed_at, self.lease_until, self.dispatched_at) = (Some(now), Some(lease_until), None);
    }
}

/// The columns of a row as they are selected: everything of theirs as text, so that no type of theirs can fail.
#[derive(Debug, sqlx::FromRow, Deserialize)]
pub(in crate::safari::queue) struct RawRow {
    id: String,
    action: String,
    platform: Option<String>,
    params: Option<String>,
    priority: i64,
    status: String,
    result: Option<String>,
    error: Option<String>,
    scheduled_for: Option<Moment>,
    retry_count: i64,
    next_retry_at: Option<Moment>,
    campaign_id: Option<String>,
    batch_id: Option<String>,
    worker_id: Option<String>,
    created_at: Option<Moment>,
    updated_at: Option<Moment>,
    everreach_lane: Option<String>,
    everreach_attempts: i64,
    everreach_claimed_at: Option<Moment>,
    everreach_lease_until: Option<Moment>,
    everreach_dispatched_at: Option<Moment>,
    everreach_charged: Option<String>,
    everreach_outcome: Option<String>,
}

/// JSON where it is JSON, the text itself where it is not.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// What was written as a result: an object, an object as JSON text, or plain text.
fn result(text: String) -> Value {
    match json(text) {
        Value::String(inner) => serde_json::from_str(&inner).unwrap_or(Value::String(inner)),
        other => other,
    }
}

/// The row, unless its id is no UUID, its status no status or its age no time: such rows are left alone.
pub(in crate::safari::queue) fn readable(raw: RawRow) -> Option<QueueRow> {
    let at = |moment: Option<Moment>| moment.and_then(|moment| moment.0);
    let parts = (Key::parse(raw.id.clone()), raw.status.parse::<CommandStatus>(), at(raw.created_at));
    let (Some(key), Ok(status), Some(created_at)) = parts else {
        tracing::warn!(id = raw.id, status = raw.status, "a command that cannot be read is left alone");
        return None;
    };
    let count = |number: i64| u32::try_from(number.max(0)).unwrap_or(u32::MAX);
    let bounds = (i64::from(i32::MIN), i64::from(i32::MAX));
    let command = Command {
        id: key.id,
        action: raw.action,
        platform: raw.platform,
        params: raw.params.map_or(Value::Null, json),
        priority: i32::try_from(raw.priority.clamp(bounds.0, bounds.1)).unwrap_or(5),
        status,
        scheduled_for: at(raw.scheduled_for),
        retry_count: count(raw.retry_count),
        next_retry_at: at(raw.next_retry_at),
        campaign_id: raw.campaign_id,
        batch_id: raw.batch_id,
        worker_id: raw.worker_id,
        result: raw.result.map(result),
        error: raw.error,
        created_at,
        updated_at: at(raw.updated_at).unwrap_or(created_at),
    };
    Some(QueueRow {
        key,
        command,
        attempts: count(raw.everreach_attempts),
        claimed_at: at(raw.everreach_claimed_at),
        lease_until: at(raw.everreach_lease_until),
        dispatched_at: at(raw.everreach_dispatched_at),
        charged: raw.everreach_charged.map_or_else(Vec::new, |text| serde_json::from_str(&text).unwrap_or_default()),
        outcome: raw.everreach_outcome,
        lane: raw.everreach_lane,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn results_are_read_as_objects_json_text_or_plain_text() {
        assert_eq!(result("{\"detail\": 1}".to_owned()), json!({"detail": 1}));
        assert_eq!(result("\"{\\\"detail\\\": 1}\"".to_owned()), json!({"detail": 1}));
        assert_eq!(result("sent".to_owned()), json!("sent"));
        assert_eq!(result("{\"detail\": \"cut o".to_owned()), json!("{\"detail\": \"cut o"));
    }

    #[test]
    fn parameters_stay_as_they_were_written() {
        assert_eq!(json("{\"username\": \"bob\"}".to_owned()), json!({"username": "bob"}));
        assert_eq!(json("\"{}\"".to_owned()), json!("{}"), "the gate reads this one");
        assert_eq!(json("bob".to_owned()), json!("bob"));
    }
}
