//! `approvals`: what waits for a person.

use clap::Subcommand;
use everreach_core::Id;
use serde_json::{Value, json};

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
    /// Agree: the stored call runs now, once
    #[command(
        after_help = "Examples:\n  everreach approvals approve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach approvals approve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Approve {
        /// The id that `approvals list` shows
        id: Id,
    },
    /// Refuse: the stored call never runs
    #[command(
        after_help = "Examples:\n  everreach approvals deny 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach approvals deny 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Deny {
        /// The id that `approvals list` shows
        id: Id,
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
        ApprovalsCommand::Approve { id } => {
            let answer = api.post(&format!("/api/approvals/{id}/approve"), &json!({})).await?.accepted()?;
            let envelope = &answer["envelope"];
            if envelope.is_null() {
                let text = "agreed: a process that has the action runs it within a minute, or when the call is sent again";
                return context.output.data(&answer, |_| format!("{text}\n"));
            }
            context.output.data(&answer, |_| pretty(envelope))?;
            route::finish(envelope, context)
        }
        ApprovalsCommand::Deny { id } => {
            let answer = api.post(&format!("/api/approvals/{id}/deny"), &json!({})).await?.accepted()?;
            context.output.data(&answer, |_: &Value| format!("denied {id}\n"))
        }
    }
}
