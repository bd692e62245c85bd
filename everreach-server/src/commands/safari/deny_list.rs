//! `safari deny-list`: people who are never written to.

use clap::Subcommand;
use everreach_core::safari::Platform;
use serde_json::{Value, json};

use crate::commands::Context;
use crate::exit::Outcome;
use crate::output::{cell, columns};

/// The verbs of `safari deny-list`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum DenyListCommand {
    /// List them, those of SAFARI_DENY_LIST_FILE included
    #[command(after_help = "Examples:\n  everreach safari deny-list list\n  everreach safari deny-list list --json")]
    List,
    /// Never write to somebody again, take back what waits for them, and end
    /// them in every campaign
    #[command(
        after_help = "Examples:\n  everreach safari deny-list add bob --platform twitter --reason opt_out\n  everreach safari deny-list add my_own_account"
    )]
    Add {
        /// The user name
        handle: String,
        /// Only there; everywhere when left out
        #[arg(long)]
        platform: Option<Platform>,
        /// Why, in a few words
        #[arg(long)]
        reason: Option<String>,
    },
    /// Take somebody off the list
    #[command(
        after_help = "Examples:\n  everreach safari deny-list remove bob --platform twitter\n  everreach safari deny-list remove my_own_account"
    )]
    Remove {
        /// The user name
        handle: String,
        /// As it was added
        #[arg(long)]
        platform: Option<Platform>,
    },
}

pub(super) async fn run(command: &DenyListCommand, context: &Context) -> Outcome {
    let api = context.api().await?;
    match command {
        DenyListCommand::List => {
            let answer = api.get("/api/safari/deny-list").await?.accepted()?;
            let mut rows = answer["denied"].as_array().cloned().unwrap_or_default();
            rows.extend(of_file(&answer["file"]));
            context.output.data(&answer, |_| {
                if rows.is_empty() { String::new() } else { columns(&rows, &["handle", "platform", "reason", "since"]) }
            })?;
            if rows.is_empty() {
                context.output.note("nobody is on the deny list");
            }
            Ok(())
        }
        DenyListCommand::Add { handle, platform, reason } => {
            let body = body(handle, *platform, reason.as_deref());
            let answer = api.post("/api/safari/deny-list", &body).await?.accepted()?;
            context.output.data(&answer, |answer| {
                format!("{handle} is never written to; {} commands were taken back\n", answer["cancelled"])
            })
        }
        DenyListCommand::Remove { handle, platform } => {
            let body = body(handle, *platform, None);
            let answer = api.post("/api/safari/deny-list/remove", &body).await?.accepted()?;
            context.output.data(&answer, |answer| {
                if answer["removed"] == true {
                    format!("{handle} is off the list\n")
                } else {
                    format!("{handle} was not on it\n")
                }
            })
        }
    }
}

/// The rows of the deny list's file.
fn of_file(file: &Value) -> Vec<Value> {
    let row = |entry: &Value| {
        let entry = entry.as_str().unwrap_or_default();
        let (platform, handle) = entry.split_once(':').map_or((None, entry), |(platform, handle)| (Some(platform), handle));
        json!({ "handle": handle, "platform": platform, "reason": format!("in {}", cell(&file["path"])), "since": null })
    };
    file["people"].as_array().into_iter().flatten().map(row).collect()
}

fn body(handle: &str, platform: Option<Platform>, reason: Option<&str>) -> Value {
    let mut body = json!({ "handle": handle });
    if let Some(platform) = platform {
        body["platform"] = json!(platform);
    }
    if let Some(reason) = reason {
        body["reason"] = json!(reason);
    }
    body
}
