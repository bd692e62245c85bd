//! `safari enqueue`: commands into the queue.

use clap::{Args, Subcommand};
use everreach_core::Timestamp;
use everreach_core::ledger::IdempotencyKey;
use everreach_core::safari::Platform;
use serde_json::{Map, Value, json};

use crate::commands::{Context, input};
use crate::exit::{Failure, Outcome};

/// Arguments of `safari enqueue`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct EnqueueArgs {
    /// What to write.
    #[command(subcommand)]
    pub command: EnqueueCommand,
    /// Lower goes first; 5 when left out
    #[arg(long, global = true, value_name = "N", allow_negative_numbers = true)]
    pub priority: Option<i32>,
    /// Not before this time, such as 2026-11-20T12:00:00Z
    #[arg(long, global = true, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Write it once however often it is asked for
    #[arg(long, global = true, value_name = "KEY")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// The campaign it belongs to
    #[arg(long, global = true, value_name = "ID")]
    pub campaign: Option<String>,
}

/// What can be written.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum EnqueueCommand {
    /// A direct message
    #[command(
        after_help = "Examples:\n  everreach safari enqueue dm instagram bob 'Great work!'\n  everreach safari enqueue dm twitter bob hello --at 2026-11-20T12:00:00Z --idempotency-key bob-1"
    )]
    Dm {
        /// instagram, twitter, tiktok or linkedin
        platform: Platform,
        /// The user name; on LinkedIn the address of the profile
        handle: String,
        /// What to write
        text: String,
    },
    /// A comment under a post
    #[command(
        after_help = "Examples:\n  everreach safari enqueue comment twitter https://x.com/bob/status/1 'Well said'\n  everreach safari enqueue comment threads https://www.threads.com/@bob/post/1 'Nice' --priority 1"
    )]
    Comment {
        /// instagram, twitter, tiktok or threads
        platform: Platform,
        /// The address of the post
        url: String,
        /// What to write
        text: String,
    },
    /// A search
    #[command(
        after_help = "Examples:\n  everreach safari enqueue research twitter 'ai automation' 50\n  everreach safari enqueue research instagram tea --json"
    )]
    Research {
        /// instagram, twitter, tiktok, threads or facebook
        platform: Platform,
        /// What to look for
        keyword: String,
        /// How many posts at most
        max: Option<u32>,
    },
    /// Any command as a JSON object, or many as {"commands": […]}
    #[command(
        after_help = "Examples:\n  everreach safari enqueue command '{\"action\": \"score\"}'\n  everreach safari enqueue command @commands.json --json"
    )]
    Command {
        /// JSON, @FILE, or - for stdin
        #[arg(value_name = "JSON")]
        object: String,
    },
}

pub(super) async fn run(arguments: &EnqueueArgs, context: &Context) -> Outcome {
    let body = body(arguments)?;
    let answer = context.api().await?.post("/api/safari/commands", &body).await?.accepted()?;
    let written: Vec<&Value> = answer["commands"].as_array().map_or_else(|| vec![&answer], |many| many.iter().collect());
    context
        .output
        .data(&answer, |_| written.iter().map(|one| format!("{}\n", one["id"].as_str().unwrap_or_default())).collect())?;
    let known = written.iter().filter(|one| one["created"] == false).count();
    if known > 0 {
        context.output.note(&format!("{known} of {} were known by their key and not written again", written.len()));
    }
    let mut groups: Vec<_> = written.iter().filter_map(|one| one["waits_for"].as_str()).collect();
    groups.dedup();
    for group in groups {
        context.output.note(&format!("the messages of {group} wait for a person: everreach safari approve '{group}'"));
    }
    Ok(())
}

/// What the API is sent. What a flag says and the JSON too is the flag's.
fn body(arguments: &EnqueueArgs) -> Outcome<Value> {
    let mut body = match &arguments.command {
        EnqueueCommand::Dm { platform, handle, text } => {
            command("send_dm", *platform, json!({ "username": handle, "text": text }))
        }
        EnqueueCommand::Comment { platform, url, text } => command("comment", *platform, json!({ "postUrl": url, "text": text })),
        EnqueueCommand::Research { platform, keyword, max } => {
            let mut params = json!({ "keyword": keyword });
            if let Some(max) = max {
                params["maxPosts"] = json!(max);
            }
            command("market_research", *platform, params)
        }
        EnqueueCommand::Command { object } => {
            input::object(object, "a command is a JSON object, such as '{\"action\": \"score\"}'")?
        }
    };
    let flags = [
        ("priority", arguments.priority.map(Value::from)),
        ("scheduled_for", arguments.at.map(|at| json!(at))),
        ("idempotency_key", arguments.idempotency_key.as_ref().map(|key| json!(key.as_str()))),
        ("campaign_id", arguments.campaign.as_ref().map(|campaign| json!(campaign))),
    ];
    let flags = flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let flags: Map<String, Value> = flags.collect();
    if body.contains_key("commands") && !flags.is_empty() {
        return Err(Failure::usage("flags are for a single command: with many, write them into each one"));
    }
    body.extend(flags);
    Ok(Value::Object(body))
}

fn command(action: &str, platform: Platform, params: Value) -> Map<String, Value> {
    [("action", json!(action)), ("platform", json!(platform)), ("params", params)]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
