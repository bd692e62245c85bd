//! `stop` and `resume`: the one switch before every outward action.

use clap::Args;
use serde_json::{Value, json};

use super::Context;
use crate::exit::Outcome;

/// Arguments of `stop`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct StopArgs {
    /// Why, for whoever finds it stopped
    #[arg(long)]
    pub reason: Option<String>,
}

pub(super) async fn stop(arguments: &StopArgs, context: &Context) -> Outcome {
    let body = match &arguments.reason {
        Some(reason) => json!({"reason": reason}),
        None => json!({}),
    };
    let state = context.api().await?.post("/api/stop", &body).await?.accepted()?;
    context.output.data(&state, sentence)?;
    context.output.note("nothing new starts; `everreach resume` lifts it");
    Ok(())
}

pub(super) async fn resume(context: &Context) -> Outcome {
    let state = context.api().await?.post("/api/resume", &json!({})).await?.accepted()?;
    context.output.data(&state, sentence)
}

fn sentence(state: &Value) -> String {
    if state["stopped"] != true {
        return "running\n".to_owned();
    }
    let since = state["since"].as_str().unwrap_or("now");
    match state["reason"].as_str() {
        Some(reason) => format!("stopped since {since}: {reason}\n"),
        None => format!("stopped since {since}\n"),
    }
}
