//! The actions behind the schedule's own jobs.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::Safari;
use super::services::Sources;
use crate::routing::{LocalExecutorBuilder, Params};
use crate::{Error, ErrorKind, Result};

/// How many commands a round of the queue carries out where nobody says.
const USUAL_ROUND: u32 = 20;
/// How long counters and attempts are kept.
const KEEP: TimeDelta = TimeDelta::days(90);

pub(super) fn add(registry: LocalExecutorBuilder, sources: &Sources) -> LocalExecutorBuilder {
    let (report, run, look, retry, reset) = (sources.clone(), sources.clone(), sources.clone(), sources.clone(), sources.clone());
    registry
        .handler("cost.report", "tell the operator what today cost, and where the month stands", move |_, _| {
            let sources = report.clone();
            async move { cost_report(&sources).await }
        })
        .handler("safari_queue.run_once", "carry out what may go from Safari's queue", move |params, _| {
            let safari = safari(&run);
            async move {
                let summary = safari?.run_once(round(&params)?).await?;
                written(&summary)
            }
        })
        .handler("safari_queue.check_services", "look whether Safari's services are well", move |_, _| {
            let safari = safari(&look);
            async move {
                let health = safari?.health().await?;
                let down: Vec<_> = health.iter().filter(|one| !one.is_healthy()).map(|one| one.service).collect();
                Ok(json!({ "services": health.len(), "down": down }))
            }
        })
        .handler("safari_queue.retry_failed", "give commands that certainly were not done another try", move |_, _| {
            let safari = safari(&retry);
            async move { Ok(json!({ "retried": safari?.queue().retry_failed(None).await? })) }
        })
        .handler("safari_queue.reset_counters", "remove the counters of days long past", move |_, _| {
            let (safari, oldest) = (safari(&reset), reset.clock.now() - KEEP);
            async move { Ok(json!({ "removed": safari?.queue().prune(oldest).await? })) }
        })
}

async fn cost_report(sources: &Sources) -> Result<Value> {
    let report = sources.cost_log.daily_report(sources.cost_log.today()).await?;
    sources.notifier.notify(&report.to_string()).await?;
    written(&report)
}

fn safari(sources: &Sources) -> Result<Safari> {
    Ok(sources.whole()?.safari.clone())
}

fn round(params: &Params) -> Result<u32> {
    let Some(max) = params.get("max") else { return Ok(USUAL_ROUND) };
    let max = max.as_u64().and_then(|max| u32::try_from(max).ok()).filter(|max| *max > 0);
    max.ok_or_else(|| Error::new(ErrorKind::InvalidParams, "safari_queue.run_once takes {\"max\": 20}, a number of at least 1"))
}

pub(super) fn written(value: &impl serde::Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|source| Error::new(ErrorKind::Internal, "the answer cannot be written").with_source(source))
}
