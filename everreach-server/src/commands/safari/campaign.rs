//! `safari campaign`: sequences of commands per target.

use clap::{Args, Subcommand};
use everreach_core::safari::Platform;
use everreach_core::safari::campaign::CampaignKind;
use serde_json::{Value, json};

use crate::commands::{Context, input};
use crate::exit::Outcome;
use crate::output::{cell, columns, fields};

/// The verbs of `safari campaign`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum CampaignCommand {
    /// Start a campaign; prints its id
    #[command(
        after_help = "Examples:\n  everreach safari campaign start comment_warmup --platform twitter --handles bob,eve\n  everreach safari campaign start dm_sequence --platform twitter --handles bob --template words.json --id spring"
    )]
    Start(CampaignArgs),
    /// List campaigns, newest first
    #[command(after_help = "Examples:\n  everreach safari campaign list\n  everreach safari campaign list --json")]
    List,
    /// Show a campaign and its targets
    #[command(after_help = "Examples:\n  everreach safari campaign show spring\n  everreach safari campaign show spring --json")]
    Show {
        /// The id that `campaign start` printed
        id: String,
    },
    /// Hold a campaign: nothing of it is sent
    #[command(
        after_help = "Examples:\n  everreach safari campaign pause spring\n  everreach safari campaign pause spring --json"
    )]
    Pause {
        /// The id that `campaign list` shows
        id: String,
    },
    /// Let a campaign go on
    #[command(
        after_help = "Examples:\n  everreach safari campaign resume spring\n  everreach safari campaign resume spring --json"
    )]
    Resume {
        /// The id that `campaign list` shows
        id: String,
    },
    /// Take a campaign back, and every command of it that waits
    #[command(
        after_help = "Examples:\n  everreach safari campaign cancel spring\n  everreach safari campaign cancel spring --json"
    )]
    Cancel {
        /// The id that `campaign list` shows
        id: String,
    },
    /// Say that a target replied: nothing more is sent to them
    #[command(
        after_help = "Examples:\n  everreach safari campaign replied spring bob\n  everreach safari campaign replied spring bob --json"
    )]
    Replied {
        /// The id that `campaign list` shows
        id: String,
        /// The target
        handle: String,
    },
    /// Say that a target wants no more: they are put on the deny list
    #[command(
        after_help = "Examples:\n  everreach safari campaign opted-out spring bob\n  everreach safari campaign opted-out spring bob --json"
    )]
    OptedOut {
        /// The id that `campaign list` shows
        id: String,
        /// The target
        handle: String,
    },
    /// Name posts of a target, as when too few were found
    #[command(
        after_help = "Examples:\n  everreach safari campaign posts spring bob https://x.com/bob/status/1\n  everreach safari campaign posts spring bob https://x.com/bob/status/1 https://x.com/bob/status/2"
    )]
    Posts {
        /// The id that `campaign list` shows
        id: String,
        /// The target
        handle: String,
        /// The addresses of the posts
        #[arg(required = true)]
        urls: Vec<String>,
    },
}

/// Arguments of `safari campaign start`.
#[derive(Debug, Args)]
#[command(override_usage = "everreach safari campaign start [OPTIONS] TYPE\n       --platform PLATFORM --handles A,B")]
#[non_exhaustive]
pub struct CampaignArgs {
    /// `comment_warmup`, `dm_sequence` or `research_sweep`
    #[arg(value_name = "TYPE")]
    pub kind: CampaignKind,
    /// Where
    #[arg(long)]
    pub platform: Platform,
    /// The targets' user names; keywords for a `research_sweep`
    #[arg(long, required = true, value_delimiter = ',', value_name = "A,B")]
    pub handles: Vec<String>,
    /// Posts to comment on: a JSON object of lists of addresses, by handle;
    /// searched for when left out
    #[arg(long, value_name = "FILE")]
    pub posts: Option<String>,
    /// The words: JSON with comments (a list), `first_dm`, `follow_up` and
    /// `final_touch`; written by content.generate when left out
    #[arg(long, value_name = "FILE")]
    pub template: Option<String>,
    /// An id that means something
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Start it at most once under this key
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

pub(super) async fn run(command: &CampaignCommand, context: &Context) -> Outcome {
    match command {
        CampaignCommand::Start(arguments) => start(arguments, context).await,
        CampaignCommand::List => list(context).await,
        CampaignCommand::Show { id } => {
            let campaign = context.api().await?.get(&path(id, "")).await?.accepted()?;
            context.output.data(&campaign, detail)
        }
        CampaignCommand::Pause { id } => change(id, "pause", context).await,
        CampaignCommand::Resume { id } => change(id, "resume", context).await,
        CampaignCommand::Cancel { id } => change(id, "cancel", context).await,
        CampaignCommand::Replied { id, handle } => {
            let body = json!({ "handle": handle });
            let campaign = context.api().await?.post(&path(id, "/replied"), &body).await?.accepted()?;
            context.output.data(&campaign, |_| format!("{handle} replied: nothing more is sent to them\n"))
        }
        CampaignCommand::OptedOut { id, handle } => {
            let body = json!({ "handle": handle });
            let campaign = context.api().await?.post(&path(id, "/opted-out"), &body).await?.accepted()?;
            context.output.data(&campaign, |_| format!("{handle} opted out: nothing is ever sent to them again\n"))
        }
        CampaignCommand::Posts { id, handle, urls } => {
            let body = json!({ "handle": handle, "posts": urls });
            let campaign = context.api().await?.post(&path(id, "/posts"), &body).await?.accepted()?;
            context.output.data(&campaign, |_| format!("{} posts of {handle} are named\n", urls.len()))
        }
    }
}

async fn start(arguments: &CampaignArgs, context: &Context) -> Outcome {
    let mut body = json!({ "type": arguments.kind, "platform": arguments.platform, "handles": arguments.handles });
    if let Some(file) = &arguments.posts {
        let wanted = "--posts takes a file with a JSON object of lists, such as {\"bob\": [\"https://x.com/bob/status/1\"]}";
        body["posts"] = Value::Object(input::object(&from(file), wanted)?);
    }
    if let Some(file) = &arguments.template {
        let wanted = "--template takes a file with a JSON object, such as {\"first_dm\": \"Hi {handle}\"}";
        body["templates"] = Value::Object(input::object(&from(file), wanted)?);
    }
    if let Some(id) = &arguments.id {
        body["id"] = json!(id);
    }
    if let Some(key) = &arguments.idempotency_key {
        body["idempotency_key"] = json!(key);
    }
    let campaign = context.api().await?.post("/api/safari/campaigns", &body).await?.accepted()?;
    context.output.data(&campaign, |campaign| format!("{}\n", cell(&campaign["id"])))?;
    if let Some(id) = campaign["waits_for"].as_str() {
        context.output.note(&format!("its messages wait for a person: everreach safari approve '{id}'"));
    }
    context.output.note("it goes on whenever the queue is worked through: `everreach safari daemon`");
    Ok(())
}

/// A file as [`input::object`] wants it named; `-` is stdin.
fn from(file: &str) -> String {
    if file == "-" { file.to_owned() } else { format!("@{file}") }
}

async fn list(context: &Context) -> Outcome {
    let answer = context.api().await?.get("/api/safari/campaigns").await?.accepted()?;
    let rows: Vec<Value> = answer["campaigns"].as_array().into_iter().flatten().map(row).collect();
    context.output.data(&answer, |_| {
        let names = ["id", "kind", "platform", "status", "targets", "done", "failed", "held", "started_at"];
        if rows.is_empty() { String::new() } else { columns(&rows, &names) }
    })?;
    if rows.is_empty() {
        context.output.note("there are no campaigns");
    }
    Ok(())
}

fn row(campaign: &Value) -> Value {
    let progress = &campaign["progress"];
    json!({
        "id": campaign["id"], "kind": campaign["kind"], "platform": campaign["platform"], "status": campaign["status"],
        "targets": progress["total"], "done": progress["completed"], "failed": progress["failed"], "held": progress["held"],
        "started_at": campaign["started_at"],
    })
}

fn detail(campaign: &Value) -> String {
    let names = ["id", "kind", "platform", "status", "reason", "started_at", "completed_at"];
    let head = fields(&names.map(|name| (name, cell(&campaign[name]))));
    let targets = campaign["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    format!("{head}\n{}", columns(targets, &["handle", "state", "comments_posted", "touch", "last_dm_at", "held", "reason"]))
}

async fn change(id: &str, verb: &str, context: &Context) -> Outcome {
    let campaign = context.api().await?.post(&path(id, &format!("/{verb}")), &json!({})).await?.accepted()?;
    context.output.data(&campaign, |campaign| format!("{id} is {}\n", cell(&campaign["status"])))
}

fn path(id: &str, verb: &str) -> String {
    format!("/api/safari/campaigns/{}{verb}", input::path_part(id))
}
