//! The campaigns' SQL.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::types::Json;

use super::NewCampaign;
use crate::ledger::IdempotencyKey;
use crate::safari::campaign::{CampaignPlan, CampaignStatus, Progress, Step, Target, Templates};
use crate::store::{Db, Stamp, on_db};
use crate::{Error, ErrorKind, Id, Result, Timestamp};

const INSERT: &str = "INSERT INTO everreach_safari_campaigns (id, kind, platform, plan, templates, status, started_at, start_key, \
     start_fingerprint) VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8) ON CONFLICT DO NOTHING";
const STARTED: &str = "SELECT id, start_fingerprint FROM everreach_safari_campaigns WHERE start_key = $1";
const INSERT_RUN: &str = "INSERT INTO safari_campaign_runs (id, campaign_id, campaign_type, platform, total_tasks, completed, failed, \
     status, started_at) VALUES ($1, $2, $3, $4, $5, 0, 0, 'running', $6)";
const INSERT_TARGET: &str = "INSERT INTO everreach_safari_targets (campaign_id, handle, state, target, waiting, updated_at) \
     VALUES ($1, $2, $3, $4, '[]', $5)";
const ALL: &str = "SELECT id, plan, templates, status, started_at, completed_at FROM everreach_safari_campaigns \
     ORDER BY started_at DESC, id";
const OPEN: &str = "SELECT id, plan, templates, status, started_at, completed_at FROM everreach_safari_campaigns \
     WHERE status IN ('running', 'paused') ORDER BY started_at, id";
const FIND: &str = "SELECT id, plan, templates, status, started_at, completed_at FROM everreach_safari_campaigns WHERE id = $1";
const UNSENDABLE: &str = "SELECT id FROM everreach_safari_campaigns WHERE status = 'paused' OR (status = 'cancelled' \
     AND EXISTS (SELECT 1 FROM safari_command_queue WHERE campaign_id = everreach_safari_campaigns.id AND status IN ('pending', 'running')))";
const TARGETS: &str = "SELECT handle, target, waiting FROM everreach_safari_targets WHERE campaign_id = $1 ORDER BY handle";
// Whoever moves a target on has seen it as it is; a second one who had seen the same finds it changed.
const MOVE: &str = "UPDATE everreach_safari_targets SET state = $5, target = $6, waiting = $7, updated_at = $8 \
     WHERE campaign_id = $1 AND handle = $2 AND target = $3 AND waiting = $4";
const SET_STATUS: &str = "UPDATE everreach_safari_campaigns SET status = $3, completed_at = $4 WHERE id = $1 AND status = $2";
const SET_RUN: &str = "UPDATE safari_campaign_runs SET total_tasks = $2, completed = $3, failed = $4, status = $5, \
     completed_at = $6, result = $7 WHERE campaign_id = $1";

/// A campaign as it is kept.
#[derive(Debug, Clone)]
pub(super) struct CampaignRow {
    pub(super) id: String,
    pub(super) plan: CampaignPlan,
    pub(super) templates: Templates,
    pub(super) status: CampaignStatus,
    pub(super) started_at: Timestamp,
    pub(super) completed_at: Option<Timestamp>,
}

/// A command whose end a target waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) id: Id,
    pub(super) step: Step,
}

/// A target as it is kept, with the texts it was read from and what they said.
#[derive(Debug, Clone)]
pub(super) struct TargetRow {
    pub(super) handle: String,
    pub(super) target: Target,
    pub(super) waiting: Vec<Waiting>,
    texts: (String, String),
    read: (Target, Vec<Waiting>),
}

impl TargetRow {
    /// Whether it is to be written.
    pub(super) fn has_changed(&self) -> bool {
        self.target != self.read.0 || self.waiting != self.read.1
    }
}

type RawCampaign = (String, String, String, String, Stamp, Option<Stamp>);

fn campaign((id, plan, templates, status, started_at, completed_at): RawCampaign) -> Result<CampaignRow> {
    Ok(CampaignRow {
        plan: parse(&plan)?,
        templates: parse(&templates)?,
        status: status.parse()?,
        started_at: started_at.0,
        completed_at: completed_at.map(|at| at.0),
        id,
    })
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T> {
    let broken =
        |source| Error::new(ErrorKind::Store, "a campaign's row cannot be read: restore it from a backup").with_source(source);
    serde_json::from_str(text).map_err(broken)
}

fn write(value: &impl Serialize) -> Result<String> {
    let failed = |source| Error::new(ErrorKind::Internal, "a campaign cannot be written as JSON").with_source(source);
    serde_json::to_string(value).map_err(failed)
}

/// The campaign that was started under this key, and what it was started with.
pub(super) async fn started(db: &mut Db<'_>, key: &IdempotencyKey) -> Result<Option<(String, String)>> {
    Ok(on_db!(db, conn => sqlx::query_as(STARTED).bind(key.as_str()).fetch_optional(conn).await)?)
}

/// Writes a new campaign with its targets; says whether its id and its key were free.
pub(super) async fn insert(db: &mut Db<'_>, new: &NewCampaign, now: Timestamp) -> Result<bool> {
    let (plan, templates) = (write(&new.plan)?, write(&new.templates)?);
    let (kind, platform) = (new.plan.kind.as_str(), new.plan.platform.as_str());
    let rows = on_db!(&mut *db, conn => {
        sqlx::query(INSERT)
            .bind(&new.id)
            .bind(kind)
            .bind(platform)
            .bind(plan)
            .bind(templates)
            .bind(Stamp(now))
            .bind(new.key.as_ref().map(IdempotencyKey::as_str))
            .bind(new.key.as_ref().map(|_| new.fingerprint()))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 0 {
        return Ok(false);
    }
    on_db!(&mut *db, conn => {
        sqlx::query(INSERT_RUN)
            .bind(Id::new())
            .bind(&new.id)
            .bind(kind)
            .bind(platform)
            .bind(i32::try_from(new.targets.len()).unwrap_or(i32::MAX))
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(drop)
    })?;
    for target in &new.targets {
        let text = write(target)?;
        on_db!(&mut *db, conn => {
            sqlx::query(INSERT_TARGET)
                .bind(&new.id)
                .bind(&target.handle)
                .bind(target.state.as_str())
                .bind(text)
                .bind(Stamp(now))
                .execute(conn)
                .await
                .map(drop)
        })?;
    }
    Ok(true)
}

pub(super) async fn all(db: &mut Db<'_>) -> Result<Vec<CampaignRow>> {
    let rows: Vec<RawCampaign> = on_db!(db, conn => sqlx::query_as(ALL).fetch_all(conn).await)?;
    rows.into_iter().map(campaign).collect()
}

/// Campaigns that are not over.
pub(super) async fn open(db: &mut Db<'_>) -> Result<Vec<CampaignRow>> {
    let rows: Vec<RawCampaign> = on_db!(db, conn => sqlx::query_as(OPEN).fetch_all(conn).await)?;
    rows.into_iter().map(campaign).collect()
}

pub(super) async fn find(db: &mut Db<'_>, id: &str) -> Result<Option<CampaignRow>> {
    let row: Option<RawCampaign> = on_db!(db, conn => sqlx::query_as(FIND).bind(id).fetch_optional(conn).await)?;
    row.map(campaign).transpose()
}

/// Campaigns whose rows may not be sent.
pub(super) async fn unsendable(db: &mut Db<'_>) -> Result<Vec<String>> {
    Ok(on_db!(db, conn => sqlx::query_scalar(UNSENDABLE).fetch_all(conn).await)?)
}

pub(super) async fn targets(db: &mut Db<'_>, campaign: &str) -> Result<Vec<TargetRow>> {
    let rows: Vec<(String, String, String)> = on_db!(db, conn => sqlx::query_as(TARGETS).bind(campaign).fetch_all(conn).await)?;
    let row = |(handle, target, waiting): (String, String, String)| {
        let read: (Target, Vec<Waiting>) = (parse(&target)?, parse(&waiting)?);
        Ok(TargetRow { handle, target: read.0.clone(), waiting: read.1.clone(), texts: (target, waiting), read })
    };
    rows.into_iter().map(row).collect()
}

/// Writes a target that was changed; says whether it was still as it was read.
pub(super) async fn move_on(db: &mut Db<'_>, campaign: &str, row: &TargetRow, now: Timestamp) -> Result<bool> {
    let (target, waiting) = (write(&row.target)?, write(&row.waiting)?);
    let rows = on_db!(db, conn => {
        sqlx::query(MOVE)
            .bind(campaign)
            .bind(&row.handle)
            .bind(&row.texts.0)
            .bind(&row.texts.1)
            .bind(row.target.state.as_str())
            .bind(target)
            .bind(waiting)
            .bind(Stamp(now))
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    Ok(rows == 1)
}

/// Sets the status, here and in the table that others read; says whether it was still as it was read.
pub(super) async fn set_status(
    db: &mut Db<'_>,
    row: &CampaignRow,
    status: CampaignStatus,
    progress: Progress,
    now: Timestamp,
) -> Result<bool> {
    let completed_at = status.is_terminal().then_some(Stamp(now));
    let rows = on_db!(&mut *db, conn => {
        sqlx::query(SET_STATUS)
            .bind(&row.id)
            .bind(row.status.as_str())
            .bind(status.as_str())
            .bind(completed_at)
            .execute(conn)
            .await
            .map(|done| done.rows_affected())
    })?;
    if rows == 1 {
        set_run(db, row, status, progress, completed_at).await?;
    }
    Ok(rows == 1)
}

/// Keeps the table true that others read.
pub(super) async fn set_run(
    db: &mut Db<'_>,
    row: &CampaignRow,
    status: CampaignStatus,
    progress: Progress,
    completed_at: Option<Stamp>,
) -> Result<()> {
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    on_db!(db, conn => {
        sqlx::query(SET_RUN)
            .bind(&row.id)
            .bind(count(progress.total))
            .bind(count(progress.completed))
            .bind(count(progress.failed))
            .bind(status.as_str())
            .bind(completed_at)
            .bind(Json(json!(progress)))
            .execute(conn)
            .await
            .map(drop)
    })?;
    Ok(())
}
