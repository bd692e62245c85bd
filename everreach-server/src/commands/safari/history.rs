//! `safari history` and `safari show`.

use clap::Args;
use everreach_core::Id;
use everreach_core::safari::queue::Cursor;
use everreach_core::safari::{CommandStatus, Platform};
use serde_json::{Value, json};

use crate::commands::{Context, input};
use crate::exit::Outcome;
use crate::output::{cell, columns, fields};

/// The longest reason in a table.
const SHOWN: usize = 70;

/// Arguments of `safari history`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct HistoryArgs {
    /// Only of this platform
    #[arg(long)]
    pub platform: Option<Platform>,
    /// Only with this action, such as `send_dm`
    #[arg(long)]
    pub action: Option<String>,
    /// Only pending, running, completed, failed or cancelled
    #[arg(long)]
    pub status: Option<CommandStatus>,
    /// Only of this campaign
    #[arg(long, value_name = "ID")]
    pub campaign: Option<String>,
    /// How many at most, up to 1000
    #[arg(long, default_value = "50", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub limit: u16,
    /// Begin where the page before ended: its `next`
    #[arg(long)]
    pub cursor: Option<Cursor>,
}

pub(super) async fn list(arguments: &HistoryArgs, context: &Context) -> Outcome {
    let filters = [
        ("platform", arguments.platform.map(|platform| platform.to_string())),
        ("action", arguments.action.clone()),
        ("status", arguments.status.map(|status| status.to_string())),
        ("campaign", arguments.campaign.clone()),
        ("cursor", arguments.cursor.map(|cursor| cursor.to_string())),
    ];
    let filters = filters.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", input::path_part(&value?))));
    let path = format!("/api/safari/commands?limit={}{}", arguments.limit, filters.collect::<String>());
    let page = context.api().await?.get(&path).await?.accepted()?;
    context.output.data(&page, |page| {
        let rows: Vec<Value> = page["commands"].as_array().into_iter().flatten().map(row).collect();
        if rows.is_empty() {
            String::new()
        } else {
            columns(&rows, &["id", "action", "platform", "status", "tries", "created_at", "why"])
        }
    })?;
    if page["commands"].as_array().is_none_or(Vec::is_empty) {
        context.output.note("no such command");
    }
    if let Some(next) = page["next"].as_str() {
        context.output.note(&format!("there are more: --cursor {next}"));
    }
    Ok(())
}

fn row(command: &Value) -> Value {
    let why: String = command["why"].as_str().unwrap_or_default().chars().take(SHOWN).collect();
    json!({
        "id": command["id"], "action": command["action"], "platform": command["platform"], "status": command["status"],
        "tries": command["attempts"], "created_at": command["created_at"], "why": why,
    })
}

pub(super) async fn show(id: Id, context: &Context) -> Outcome {
    let command = context.api().await?.get(&format!("/api/safari/commands/{id}")).await?.accepted()?;
    context.output.data(&command, detail)
}

/// A command and its tries.
pub(super) fn detail(command: &Value) -> String {
    let names = ["id", "action", "platform", "params", "status", "outcome", "why", "error", "scheduled_for", "campaign_id"];
    let known = names.into_iter().filter(|name| !command[*name].is_null());
    let mut text = fields(&known.map(|name| (name, cell(&command[name]))).collect::<Vec<_>>());
    let tries = command["tries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !tries.is_empty() {
        text.push_str(&format!("\n{}", columns(tries, &["number", "service", "started_at", "finished_at", "verdict", "detail"])));
    }
    text
}
