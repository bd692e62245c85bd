//! `sync`: the exchange of shared state with the cloud.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;
use crate::exit::Outcome;
use crate::output::{cell, fields, pretty};

/// The verbs of `sync`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum SyncCommand {
    /// Show what waits, why, and which documents were in conflict
    #[command(after_help = "Examples:\n  everreach sync status\n  everreach sync status --json")]
    Status,
    /// Push what waits to the cloud, now
    #[command(after_help = "Examples:\n  everreach sync push\n  everreach sync push --json")]
    Push,
    /// Take over what changed in the cloud, now
    #[command(after_help = "Examples:\n  everreach sync pull\n  everreach sync pull --json")]
    Pull,
}

pub(super) async fn run(command: &SyncCommand, context: &Context) -> Outcome {
    let api = context.api().await?;
    match command {
        SyncCommand::Status => context.output.data(&api.get("/api/sync/status").await?.accepted()?, standing),
        SyncCommand::Push => context.output.data(&api.post("/api/sync/push", &json!({})).await?.accepted()?, pretty),
        SyncCommand::Pull => context.output.data(&api.post("/api/sync/pull", &json!({})).await?.accepted()?, pretty),
    }
}

fn standing(status: &Value) -> String {
    let state = &status["state"];
    let names = ["side", "is_sealed", "pending", "failing", "error", "pushed_at", "pulled_at", "conflicts"];
    fields(&names.map(|name| (name, cell(&state[name]))))
}
