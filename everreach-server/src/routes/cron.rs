//! `/cron/{job}` and `/api/cron`: the schedule, and firing a job now.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use everreach_core::schedule::{Job, JobName, JobOverview, MissedRuns, SlotRecord, Trigger};
use everreach_core::{ErrorKind, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json as value};
use utoipa::ToSchema;

use super::answer::json;
use crate::call::CallHeaders;
use crate::extract::{Named, RawJson, parse};
use crate::problem::Problem;
use crate::state::AppState;

const USUAL_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 1_000;
const LONGEST_EVENT: usize = 255;

/// How a job is fired.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CronBody {
    /// A run of its own, whatever the schedule says; otherwise the latest slot that is due, if nobody has fired it.
    #[serde(default)]
    force: bool,
    /// The delivery that asks; the same one never fires twice.
    #[schema(min_length = 1, max_length = 255)]
    event_id: Option<String>,
}

/// Which rows of the log to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    job: Option<String>,
    slot: Option<Timestamp>,
    limit: Option<u16>,
}

/// Fires a job, and answers at once: the run goes on in the background.
///
/// The body of an Amazon EventBridge event is taken as it is: its `id` names the delivery.
#[utoipa::path(post, path = "/cron/{job}", tag = "cron", operation_id = "fire_job", request_body = Option<CronBody>,
    params(("job" = String, Path, description = "The job's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "The delivery that asks, as `event_id`")),
    responses((status = 202, description = "Fired, or why not", body = crate::schema::CronFired),
        (status = 404, description = "There is no such job", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn fire(
    State(state): State<AppState>,
    Named(job): Named<JobName>,
    headers: CallHeaders,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let trigger = trigger(&body, headers.idempotency_key)?;
    match state.runtime().schedule().trigger(&job, trigger).await? {
        Some(answer) => Ok(json(StatusCode::ACCEPTED, &answer)),
        None => Err(Problem::of(ErrorKind::NotFound, format!("there is no job `{job}`: GET /api/cron lists them"))),
    }
}

fn trigger(body: &[u8], key: Option<String>) -> Result<Trigger, Problem> {
    let body = if body.is_empty() { CronBody::default() } else { cron_body(body)? };
    let event = body.event_id.or(key);
    if event.as_ref().is_some_and(|event| event.is_empty() || event.len() > LONGEST_EVENT) {
        return Err(Problem::wrong_shape("/event_id", "a delivery's name has from 1 to 255 bytes"));
    }
    let trigger = if body.force { Trigger::forced() } else { Trigger::latest() };
    Ok(match event {
        Some(event) => trigger.with_event(event),
        None => trigger,
    })
}

/// Our own body, or a whole event of EventBridge.
fn cron_body(body: &[u8]) -> Result<CronBody, Problem> {
    let members: Map<String, Value> = parse(body)?;
    match members.get("id").and_then(Value::as_str) {
        Some(id) if members.contains_key("detail-type") => Ok(CronBody { force: false, event_id: Some(id.to_owned()) }),
        _ => parse(body),
    }
}

/// The jobs with their next and last firing.
#[utoipa::path(get, path = "/api/cron", tag = "cron", operation_id = "list_jobs",
    responses((status = 200, description = "The jobs, by name", body = crate::schema::CronJobs)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let overview = state.runtime().schedule().overview().await?;
    let jobs: Vec<Value> = overview.iter().map(shown).collect();
    Ok(json(StatusCode::OK, &value!({ "jobs": jobs })))
}

fn shown(overview: &JobOverview) -> Value {
    let job = &overview.job;
    value!({
        "name": job.name,
        "description": job.description,
        "schedule": job.timing.text(),
        "timezone": job.timing.zone().name(),
        "enabled": job.enabled,
        "disabled_because": job.disabled_because,
        "fires_on": job.fires_on,
        "next": overview.next,
        "last": overview.last.as_ref().map(last),
        "chain": job.chain.iter().map(|step| step.action.as_str()).collect::<Vec<_>>(),
        "timeout_s": job.timeout.as_secs(),
        "policy": policy(job),
    })
}

fn last(record: &SlotRecord) -> Value {
    value!({
        "slot": record.slot,
        "fired_at": record.fired_at,
        "status": record.status,
        "ok": record.ok,
        "reason": record.reason,
        "duration_ms": record.duration_ms,
        "env": record.env,
    })
}

fn policy(job: &Job) -> Value {
    let (max, within) = match job.missed {
        MissedRuns::Skip => (None, None),
        MissedRuns::Once { within } => (None, Some(within.as_secs())),
        MissedRuns::All { max, within } => (Some(max), Some(within.as_secs())),
    };
    value!({ "missed": job.missed.as_str(), "within_s": within, "max": max, "overlap": job.overlap })
}

/// What was fired and what was missed, newest first, each run with the envelope of each step.
#[utoipa::path(get, path = "/api/cron/history", tag = "cron", operation_id = "cron_history",
    params(("job" = Option<String>, Query, description = "Of this job"),
        ("slot" = Option<String>, Query, description = "This slot of the job only"),
        ("limit" = Option<u16>, Query, description = "How many at most; 50 when left out", minimum = 1, maximum = 1000)),
    responses((status = 200, description = "Rows of the log", body = crate::schema::CronHistory),
        (status = 404, description = "There is no such job", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or out of range", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn history(
    State(state): State<AppState>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(listing) = listing.map_err(|rejection| Problem::of(ErrorKind::InvalidInput, rejection.body_text()))?;
    let limit = listing.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::of(ErrorKind::InvalidInput, format!("`limit` is a number from 1 to {MAX_LIMIT}")));
    }
    let schedule = state.runtime().schedule();
    let job = listing.job.map(|name| {
        let known = name.parse().ok().filter(|name: &JobName| schedule.jobs().get(name).is_some());
        known.ok_or_else(|| Problem::of(ErrorKind::NotFound, "there is no such job: GET /api/cron lists them"))
    });
    let job = job.transpose()?;
    let runs = match (&job, listing.slot) {
        (Some(job), Some(slot)) => schedule.slot(job, slot).await?.into_iter().collect(),
        (None, Some(_)) => return Err(Problem::of(ErrorKind::InvalidInput, "`slot` goes with `job`")),
        (job, None) => schedule.history(job.as_ref(), limit).await?,
    };
    Ok(json(StatusCode::OK, &value!({ "runs": runs })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_of_an_event_names_its_delivery() {
        let event = br#"{"version": "0", "id": "7e1c", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}"#;
        assert_eq!(trigger(event, None).expect("a trigger"), Trigger::latest().with_event("7e1c"));
        assert_eq!(trigger(b"", Some("k".to_owned())).expect("a trigger"), Trigger::latest().with_event("k"));
        assert_eq!(trigger(br#"{"force": true}"#, None).expect("a trigger"), Trigger::forced());
    }

    #[test]
    fn another_body_is_refused() {
        for wrong in [&br#"{"forced": true}"#[..], br#"{"id": "7e1c"}"#, br#"{"event_id": ""}"#, b"[]", b"{"] {
            assert!(trigger(wrong, None).is_err(), "{}", String::from_utf8_lossy(wrong));
        }
    }
}
