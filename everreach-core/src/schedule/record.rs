//! A row of the cron log, as people and programs read it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::SlotStatus;
use crate::store::Stamp;
use crate::{Envelope, Id, Timestamp};

/// A result larger than this is left out of the log.
const LARGEST_RESULT: usize = 16 * 1024;

/// Who had a slot fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(clippy::exhaustive_enums, reason = "these are the words of a column")]
pub enum Origin {
    /// The schedule itself.
    Schedule,
    /// A call of `/cron/{job}`.
    Call,
    /// A person or program that wanted a run of its own.
    Forced,
}

impl Origin {
    /// The word for it in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Call => "call",
            Self::Forced => "forced",
        }
    }
}

/// What one step of a run answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StepRecord {
    /// When it began.
    pub at: Timestamp,
    /// Whether the run is good without it.
    pub optional: bool,
    /// Its answer. A result of more than 16 KiB is replaced by its size.
    pub envelope: Envelope,
}

impl StepRecord {
    pub(super) fn new(at: Timestamp, optional: super::Need, mut envelope: Envelope) -> Self {
        let size = envelope.result.as_ref().map_or(0, |result| result.to_string().len());
        if size > LARGEST_RESULT {
            envelope.result = Some(json!({ "left_out": "too large for the log", "bytes": size }));
        }
        Self { at, optional: optional == super::Need::Optional, envelope }
    }
}

/// One firing of a job, or one that was missed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SlotRecord {
    /// Its id.
    pub id: Id,
    /// The job.
    pub job: String,
    /// Which slot; none in rows of other programs.
    pub slot: Option<Timestamp>,
    /// When it was fired, or logged as missed.
    pub fired_at: Timestamp,
    /// The side that wrote it.
    pub env: String,
    /// Where it stands.
    pub status: String,
    /// Whether it went well; none while it runs.
    pub ok: Option<bool>,
    /// Why it is not well.
    pub reason: Option<String>,
    /// How long it ran.
    pub duration_ms: Option<i64>,
    /// Who had it fired; none in rows of other programs.
    pub origin: Option<String>,
    /// The fencing number of the lease under which it was fired.
    pub epoch: Option<i64>,
    /// What each step answered.
    pub steps: Vec<Value>,
}

impl SlotRecord {
    /// The record of a row that can be read; of another only a warning.
    pub(super) fn readable(row: sqlx::Result<Row>) -> Option<Self> {
        match row {
            Ok(row) => Some(row.into()),
            Err(error) => {
                tracing::warn!(%error, "a row of actp_cron_log cannot be read");
                None
            }
        }
    }
}

#[derive(Debug, sqlx::FromRow)]
pub(super) struct Row {
    id: Id,
    job_name: String,
    fired_at: Stamp,
    env: String,
    duration_ms: Option<i64>,
    ok: Option<bool>,
    scheduled_at: Option<Stamp>,
    everreach_status: Option<String>,
    everreach_reason: Option<String>,
    everreach_origin: Option<String>,
    everreach_epoch: Option<i64>,
    everreach_steps: Option<String>,
}

impl From<Row> for SlotRecord {
    fn from(row: Row) -> Self {
        let of_others = if row.ok == Some(false) { SlotStatus::Failed } else { SlotStatus::Ok };
        Self {
            id: row.id,
            job: row.job_name,
            slot: row.scheduled_at.map(Timestamp::from),
            fired_at: row.fired_at.into(),
            env: row.env,
            status: row.everreach_status.unwrap_or_else(|| of_others.as_str().to_owned()),
            ok: row.ok,
            reason: row.everreach_reason,
            duration_ms: row.duration_ms,
            origin: row.everreach_origin,
            epoch: row.everreach_epoch,
            steps: row.everreach_steps.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        }
    }
}
