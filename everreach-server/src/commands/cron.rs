//! `cron`: the schedule, its log, and firing a job now.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, input};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{cell, columns, fields};

/// How often the end of a run is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// The commands of `cron`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum CronCommand {
    /// List the jobs: when, what, and how the last run went
    #[command(after_help = "Examples:\n  everreach cron list\n  everreach cron list --json")]
    List,
    /// Show what fires next, soonest first
    #[command(after_help = "Examples:\n  everreach cron next\n  everreach cron next --json")]
    Next,
    /// Fire a job now: its latest due slot, if nobody has
    #[command(
        after_help = "Examples:\n  everreach cron run daily_routine\n  everreach cron run cost_report --force\n  everreach cron run daily_routine --server http://127.0.0.1:8080 --no-wait"
    )]
    Run(CronRunArgs),
    /// Show what was fired and what was missed, newest first
    #[command(after_help = "Examples:\n  everreach cron history --job daily_routine\n  everreach cron history --limit 5 --json")]
    History(CronHistoryArgs),
}

/// Arguments of `cron run`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct CronRunArgs {
    /// The job's name
    pub job: String,
    /// A run of its own, whatever the schedule says
    #[arg(long)]
    pub force: bool,
    /// With --server: do not wait for the end of the run
    #[arg(long, requires = "server")]
    pub no_wait: bool,
}

/// Arguments of `cron history`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct CronHistoryArgs {
    /// Only of this job
    #[arg(long, value_name = "JOB")]
    pub job: Option<String>,
    /// How many at most, up to 1000
    #[arg(long, default_value = "50", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
}

pub(super) async fn run(command: &CronCommand, context: &Context) -> Outcome {
    match command {
        CronCommand::List => list(context).await,
        CronCommand::Next => next(context).await,
        CronCommand::Run(arguments) => fire(arguments, context).await,
        CronCommand::History(arguments) => history(arguments, context).await,
    }
}

async fn list(context: &Context) -> Outcome {
    let jobs = context.api().await?.get("/api/cron").await?.accepted()?;
    context.output.data(&jobs, |jobs| {
        let rows: Vec<Value> = jobs["jobs"].as_array().into_iter().flatten().map(job_row).collect();
        columns(&rows, &["name", "schedule", "timezone", "fires on", "next", "last"])
    })
}

fn job_row(job: &Value) -> Value {
    let last = match (&job["last"]["slot"], job["last"]["status"].as_str()) {
        (slot, Some(status)) => json!(format!("{} {status}", cell(slot))),
        _ => Value::Null,
    };
    let next = match job["disabled_because"].as_str() {
        Some(reason) => json!(format!("off: {reason}")),
        None if job["enabled"] == false => json!("off"),
        None => job["next"].clone(),
    };
    json!({
        "name": job["name"], "schedule": job["schedule"], "timezone": job["timezone"], "fires on": job["fires_on"],
        "next": next, "last": last,
    })
}

async fn next(context: &Context) -> Outcome {
    let jobs = context.api().await?.get("/api/cron").await?.accepted()?;
    let upcoming = |job: &Value| Some(json!({ "slot": job["next"].as_str()?, "job": job["name"], "chain": job["chain"] }));
    let mut next: Vec<Value> = jobs["jobs"].as_array().into_iter().flatten().filter_map(upcoming).collect();
    // The texts of UTC times sort as the times do.
    next.sort_by(|one, other| one["slot"].as_str().cmp(&other["slot"].as_str()));
    context.output.data(&json!({ "next": next }), |next| {
        let rows = next["next"].as_array().map(Vec::as_slice).unwrap_or_default();
        columns(rows, &["slot", "job"])
    })
}

async fn fire(arguments: &CronRunArgs, context: &Context) -> Outcome {
    let api = context.api().await?;
    let path = format!("/cron/{}", input::path_part(&arguments.job));
    let mut answer = api.post(&path, &json!({ "force": arguments.force })).await?.accepted()?;
    let Some(slot) = answer["slot"].as_str().filter(|_| answer["fired"] == true && !arguments.no_wait) else {
        return context.output.data(&answer, fired);
    };
    let path = format!("/api/cron/history?job={}&slot={}", input::path_part(&arguments.job), input::path_part(slot));
    let run = loop {
        let found = api.get(&path).await?.accepted()?;
        let run = found["runs"][0].clone();
        if run["status"] != "running" {
            break run;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let is_good = run["ok"] == true;
    answer["run"] = run;
    context.output.data(&answer, |answer| format!("{}{}", fired(answer), steps(&answer["run"])))?;
    if is_good { Ok(()) } else { Err(Failure::Quiet(Exit::Failed)) }
}

fn fired(answer: &Value) -> String {
    let (job, slot) = (cell(&answer["job"]), cell(&answer["slot"]));
    match answer["reason"].as_str() {
        Some(reason) => format!("{job} {slot}: not fired: {reason}; --force runs it anyway\n"),
        None => format!("{job} {slot}: fired\n"),
    }
}

fn steps(run: &Value) -> String {
    let shown = |step: &Value| {
        let envelope = &step["envelope"];
        let word = if envelope["ok"] == true { json!("ok") } else { envelope["error"].clone() };
        json!({ "action": envelope["action"], "answer": word, "ms": envelope["duration_ms"], "detail": envelope["detail"] })
    };
    let rows: Vec<Value> = run["steps"].as_array().into_iter().flatten().map(shown).collect();
    let end = [("status", cell(&run["status"])), ("reason", cell(&run["reason"]))];
    format!("{}{}", columns(&rows, &["action", "answer", "ms", "detail"]), fields(&end))
}

async fn history(arguments: &CronHistoryArgs, context: &Context) -> Outcome {
    let job = arguments.job.as_deref().map(|job| format!("&job={}", input::path_part(job))).unwrap_or_default();
    let path = format!("/api/cron/history?limit={}{job}", arguments.limit);
    let page = context.api().await?.get(&path).await?.accepted()?;
    context.output.data(&page, |page| {
        let rows = page["runs"].as_array().map(Vec::as_slice).unwrap_or_default();
        if rows.is_empty() {
            "nothing was fired or missed yet\n".to_owned()
        } else {
            columns(rows, &["job", "slot", "fired_at", "env", "status", "duration_ms", "reason"])
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_was_not_fired_says_why_and_what_to_do() {
        let text =
            fired(&json!({"job": "a", "slot": "2026-11-20T06:00:00Z", "fired": false, "reason": "it has been fired already"}));
        assert_eq!(text, "a 2026-11-20T06:00:00Z: not fired: it has been fired already; --force runs it anyway\n");
    }

    #[test]
    fn a_job_that_is_off_says_so_where_its_next_slot_would_stand() {
        let row = job_row(&json!({"name": "a", "enabled": false, "disabled_because": "nothing answers it yet", "last": null}));
        assert_eq!(row["next"], "off: nothing answers it yet");
    }
}
