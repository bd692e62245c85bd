//! `safari cancel`, `retry-failed`, `resolve` and `lift`.

use everreach_core::Id;
use everreach_core::safari::queue::Resolution;
use everreach_core::safari::{LimitedAction, Platform};
use serde_json::json;

use crate::commands::Context;
use crate::exit::Outcome;
use crate::output::cell;

pub(super) async fn cancel(id: Id, context: &Context) -> Outcome {
    let command = context.api().await?.post(&format!("/api/safari/commands/{id}/cancel"), &json!({})).await?.accepted()?;
    context.output.data(&command, |_| format!("cancelled {id}\n"))
}

pub(super) async fn retry_failed(ids: &[Id], context: &Context) -> Outcome {
    let body = if ids.is_empty() { json!({}) } else { json!({ "ids": ids }) };
    let answer = context.api().await?.post("/api/safari/retry-failed", &body).await?.accepted()?;
    let retried = answer["retried"].as_array().map_or(0, Vec::len);
    context.output.data(&answer, |_| format!("{retried} commands are tried again\n"))
}

pub(super) async fn resolve(id: Id, resolution: Resolution, context: &Context) -> Outcome {
    let path = format!("/api/safari/commands/{id}/resolve");
    let command = context.api().await?.post(&path, &json!({ "verdict": resolution })).await?.accepted()?;
    context.output.data(&command, |_| match resolution {
        Resolution::Happened => format!("{id} happened: it is completed\n"),
        Resolution::Retry => format!("{id} did not happen: it is tried again\n"),
        _ => format!("{id} is left alone\n"),
    })
}

pub(super) async fn lift(platform: Platform, action: Option<LimitedAction>, context: &Context) -> Outcome {
    let mut body = json!({ "platform": platform });
    if let Some(action) = action {
        body["action"] = json!(action);
    }
    let answer = context.api().await?.post("/api/safari/halts/lift", &body).await?.accepted()?;
    context.output.data(&answer, |answer| format!("{} stops are lifted\n", answer["lifted"]))?;
    for halt in answer["halts"].as_array().into_iter().flatten() {
        if halt["cause"] == "login" && !halt["until"].is_null() {
            let (account, until) = (cell(&halt["account"]), cell(&halt["until"]));
            context.output.note(&format!("{account} rests until {until}, and then goes at half its rate for a week"));
        }
    }
    Ok(())
}
