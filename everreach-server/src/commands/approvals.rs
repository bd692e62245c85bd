//! `approvals`: what waits for a person.

use clap::Subcommand;
use serde_json::json;

use super::input::path_part;
use super::{Context, route};
use crate::exit::Outcome;
use crate::output::{columns, pretty};

/// The verbs of `approvals`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum ApprovalsCommand {
    /// List what waits, and what was decided lately
    #[command(after_help = "Examples:\n  everreach approvals list\n  everreach approvals list --json")]
    List,
    /// Agree: the stored call runs now, once; or a batch of messages may go
    #[command(
        after_help = "Examples:\n  everreach approvals approve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach approvals approve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Approve {
        /// The id that `approvals list` shows
        id: String,
    },
    /// Refuse: the stored call never runs; or a batch of messages is cancelled
    #[command(
        after_help = "Examples:\n  everreach approvals deny 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach approvals deny 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Deny {
        /// The id that `approvals list` shows
        id: String,
    },
}

pub(super) async fn run(command: &ApprovalsCommand, context: &Context) -> Outcome {
    let api = context.api().await?;
    match command {
        ApprovalsCommand::List => {
            let waiting = api.get("/api/approvals").await?.accepted()?["approvals"].take();
            context.output.data(&waiting, |waiting| {
                let rows = waiting.as_array().map(Vec::as_slice).unwrap_or_default();
                if rows.is_empty() {
                    String::new()
                } else {
                    columns(rows, &["id", "action", "state", "requested_at", "expires_at"])
                }
            })?;
            if waiting.as_array().is_none_or(Vec::is_empty) {
                context.output.note("nothing waits for approval");
            }
            Ok(())
        }
        ApprovalsCommand::Approve { id } => approve(id, context).await,
        ApprovalsCommand::Deny { id } => deny(id, context).await,
    }
}

pub(super) async fn approve(id: &str, context: &Context) -> Outcome {
    let path = format!("/api/approvals/{}/approve", path_part(id));
    let answer = context.api().await?.post(&path, &json!({})).await?.accepted()?;
    let envelope = &answer["envelope"];
    context.output.data(&answer, |answer| match answer["commands"].as_u64() {
        _ if envelope.is_object() => pretty(envelope),
        Some(commands) => format!("approved {id}: {commands} commands may go\n"),
        None => "agreed: a process that has the action runs it within a minute, or when the call is sent again\n".to_owned(),
    })?;
    if envelope.is_object() { route::finish(envelope, context) } else { Ok(()) }
}

pub(super) async fn deny(id: &str, context: &Context) -> Outcome {
    let path = format!("/api/approvals/{}/deny", path_part(id));
    let answer = context.api().await?.post(&path, &json!({})).await?.accepted()?;
    context.output.data(&answer, |answer| match answer["commands"].as_u64() {
        Some(commands) => format!("denied {id}: {commands} commands are cancelled\n"),
        None => format!("denied {id}\n"),
    })
}
