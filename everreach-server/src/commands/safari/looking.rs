//! `safari status`, `health`, `services`, `rate-limits` and `halts`.

use serde_json::{Value, json};

use crate::commands::Context;
use crate::exit::Outcome;
use crate::output::{cell, columns, fields};

pub(super) async fn status(context: &Context) -> Outcome {
    let status = context.api().await?.get("/api/safari/status").await?.accepted()?;
    context.output.data(&status, |status| {
        let count = |name: &str| cell(&status["commands"][name]);
        let services = rows(&status["services"]);
        let up = services.iter().filter(|service| service["status"] == "healthy").count();
        let oldest = status["oldest_pending_s"].as_f64().map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.0} s"));
        let rate = status["completion_rate"].as_f64().map_or_else(|| "-".to_owned(), |rate| format!("{:.0} %", rate * 100.0));
        let switch = if status["stopped"] == true { "stopped: `everreach resume` lifts it" } else { "running" };
        let mut text = fields(&[
            ("switch", switch.to_owned()),
            ("pending", count("pending")),
            ("running", count("running")),
            ("completed", count("completed")),
            ("failed", format!("{} ({} with an unknown outcome)", count("failed"), count("unknown"))),
            ("cancelled", count("cancelled")),
            ("oldest waits", oldest),
            ("completion", rate),
            ("services", format!("{up} of {} up", services.len())),
        ]);
        for (title, rows, names) in [
            (
                "by platform",
                by_platform(rows(&status["depth"])),
                &["platform", "pending", "running", "completed", "failed", "cancelled"][..],
            ),
            ("used of the limits", used(status), &["platform", "action", "today", "this_hour", "note"][..]),
            ("down", down(services), &["service", "port", "status", "detail"][..]),
            ("stopped accounts", rows(&status["halts"]).to_vec(), &["account", "action", "cause", "until"][..]),
            ("wait for a person", rows(&status["approvals"]).to_vec(), &["id", "dms", "expires_at"][..]),
        ] {
            if !rows.is_empty() {
                text.push_str(&format!("\n{title}\n{}", columns(&rows, names)));
            }
        }
        text
    })?;
    if let Some(rejected) = status["rejected_elsewhere"].as_u64().filter(|rejected| *rejected > 0) {
        context.output.note(&format!(
            "{rejected} commands were failed by another program on the same table, which does not know them: stop it"
        ));
    }
    Ok(())
}

/// How many commands of each platform stand where.
fn by_platform(depth: &[Value]) -> Vec<Value> {
    let mut platforms: Vec<&Value> = depth.iter().map(|count| &count["platform"]).collect();
    platforms.dedup();
    let row = |platform: &&Value| {
        let of = |status: &str| {
            let counts = depth.iter().filter(|count| count["platform"] == **platform && count["status"] == status);
            counts.filter_map(|count| count["commands"].as_u64()).sum::<u64>()
        };
        json!({
            "platform": platform, "pending": of("pending"), "running": of("running"), "completed": of("completed"),
            "failed": of("failed"), "cancelled": of("cancelled"),
        })
    };
    platforms.iter().map(row).collect()
}

/// The limits of which something is used.
fn used(answer: &Value) -> Vec<Value> {
    let is_used = |usage: &Value| usage["used"]["today"] != 0 || usage["used"]["this_hour"] != 0;
    let each = rows(&answer["limits"]).iter().filter(|limit| is_used(limit)).map(usage);
    let combined = Some(&answer["combined"]).filter(|combined| is_used(combined)).map(combined_usage);
    each.chain(combined).collect()
}

/// A line about one limit.
fn usage(usage: &Value) -> Value {
    let of = |used: &Value, limit: &Value| if limit.is_null() { cell(used) } else { format!("{used}/{limit}") };
    let (used, limit) = (&usage["used"], &usage["limit"]);
    let counts_with = usage["counts_with"].as_str().map(|with| format!("counts with {with}"));
    let half_rate = usage["half_rate_until"].as_str().map(|until| format!("half the rate until {until}"));
    let note = counts_with.into_iter().chain(half_rate).collect::<Vec<_>>().join("; ");
    json!({
        "platform": usage["platform"], "action": usage["action"], "note": note,
        "today": of(&used["today"], &limit["per_day"]), "this_hour": of(&used["this_hour"], &limit["per_hour"]),
    })
}

fn down(services: &[Value]) -> Vec<Value> {
    services.iter().filter(|service| service["status"] != "healthy").cloned().collect()
}

/// The line about what all accounts send together.
fn combined_usage(combined: &Value) -> Value {
    let mut line = usage(combined);
    (line["platform"], line["action"]) = (json!("all"), json!("send"));
    line
}

pub(super) async fn health(context: &Context) -> Outcome {
    let answer = context.api().await?.get("/api/safari/services").await?.accepted()?;
    context
        .output
        .data(&answer, |answer| columns(rows(&answer["services"]), &["service", "port", "status", "response_ms", "detail"]))?;
    for service in rows(&answer["services"]) {
        if let Some(hint) = service["hint"].as_str() {
            context.output.note(&format!("{}: {hint}", cell(&service["service"])));
        }
    }
    Ok(())
}

pub(super) async fn services(context: &Context) -> Outcome {
    let answer = context.api().await?.get("/api/safari/services").await?.accepted()?;
    context.output.data(&answer, |answer| {
        columns(rows(&answer["services"]), &["service", "platform", "action", "url", "has_token", "status"])
    })
}

pub(super) async fn rate_limits(context: &Context) -> Outcome {
    let answer = context.api().await?.get("/api/safari/rate-limits").await?.accepted()?;
    context.output.data(&answer, |answer| {
        let mut usages: Vec<Value> = rows(&answer["limits"]).iter().map(usage).collect();
        usages.push(combined_usage(&answer["combined"]));
        format!(
            "{}resets {}\n",
            columns(&usages, &["platform", "action", "today", "this_hour", "note"]),
            cell(&answer["resets_at"]["day"])
        )
    })
}

pub(super) async fn halts(context: &Context) -> Outcome {
    let answer = context.api().await?.get("/api/safari/halts").await?.accepted()?;
    let halts = rows(&answer["halts"]);
    context.output.data(&answer, |_| {
        if halts.is_empty() { String::new() } else { columns(halts, &["account", "action", "cause", "since", "until"]) }
    })?;
    if halts.is_empty() {
        context.output.note("no account is stopped");
    }
    Ok(())
}

fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
