//! The command line's grammar. What a command does stands in [`crate::commands`], its arguments beside it.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use everreach_core::store::redact_url;
use url::Url;

use crate::commands::{
    approvals::ApprovalsCommand, batch::BatchArgs, calls::CallsCommand, completions::CompletionsArgs, config::ConfigCommand,
    cost::CostArgs, cron::CronCommand, db::DbCommand, demo::DemoCommand, dev::DevArgs, failover::FailoverCommand,
    keys::KeysCommand, route::RouteArgs, safari::SafariCommand, serve::ServeArgs, stop::StopArgs, sync::SyncCommand,
};

/// `everreach`: decides where each action runs, keeps spending under a monthly
/// cap, and never does an outward action twice.
#[derive(Debug, Parser)]
#[command(
    name = "everreach",
    version,
    max_term_width = 80,
    propagate_version = false,
    subcommand_required = true,
    after_help = "Examples:\n  everreach dev --demo\n  everreach route system.heartbeat"
)]
#[non_exhaustive]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags that every command takes.
#[derive(Clone, Args)]
#[command(next_help_heading = "Global options")]
#[non_exhaustive]
pub struct GlobalArgs {
    /// Print data as JSON, errors as problem+json
    #[arg(long, global = true)]
    pub json: bool,
    /// Read settings from this file instead of ./everreach.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use this database (DATABASE_URL)
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// Ask this server instead of acting on the database; EVERREACH_KEY holds
    /// the key
    #[arg(long, global = true, value_name = "URL", conflicts_with = "database_url")]
    pub server: Option<Url>,
    /// Read the key for --server from this file
    #[arg(long, global = true, value_name = "FILE", requires = "server")]
    pub key_file: Option<PathBuf>,
    /// Only errors on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// More log lines; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

impl std::fmt::Debug for GlobalArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GlobalArgs")
            .field("json", &self.json)
            .field("config", &self.config)
            .field("database_url", &self.database_url.as_deref().map(redact_url))
            .field("server", &self.server.as_ref().map(|server| redact_url(server.as_str())))
            .finish_non_exhaustive()
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Run everything on this machine, for development
    #[command(after_help = "Examples:\n  everreach dev --demo\n  everreach dev --port 0 --ephemeral")]
    Dev(DevArgs),
    /// Play the world outside, for demos and tests
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach demo safari-services --ephemeral\n  everreach demo safari-services --list-scenarios"
    )]
    Demo(DemoCommand),
    /// Run the server
    #[command(after_help = "Examples:\n  everreach serve --env hybrid\n  everreach serve --env cloud --listen 0.0.0.0:8090")]
    Serve(ServeArgs),
    /// Write a commented everreach.toml
    #[command(after_help = "Examples:\n  everreach init\n  cd project && everreach init --json")]
    Init,
    /// Check this machine and these settings, with a fix for each finding
    #[command(after_help = "Examples:\n  everreach doctor\n  everreach doctor --json")]
    Doctor,
    /// Print the version, and SQLite's
    #[command(after_help = "Examples:\n  everreach version\n  everreach version --json")]
    Version,
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  everreach completions bash > /etc/bash_completion.d/everreach\n  everreach completions zsh > ~/.zfunc/_everreach"
    )]
    Completions(CompletionsArgs),
    /// Show the settings
    #[command(subcommand, after_help = "Examples:\n  everreach config show --origin\n  everreach config example > .env")]
    Config(ConfigCommand),
    /// Run one action and print its envelope
    #[command(
        after_help = "Examples:\n  everreach route system.heartbeat\n  everreach route content.generate --params '{\"topic\": \"tea\"}' --explain"
    )]
    Route(RouteArgs),
    /// Run many actions: JSON lines in, JSON lines out, in order
    #[command(
        after_help = "Examples:\n  everreach batch actions.jsonl > answers.jsonl\n  echo '{\"action\": \"system.heartbeat\"}' | everreach batch -"
    )]
    Batch(BatchArgs),
    /// Ask the running server whether it is well; exit code 0 or 1
    #[command(after_help = "Examples:\n  everreach health\n  everreach health --server http://127.0.0.1:8090")]
    Health,
    /// Show who does the cloud's work, take it over, hand it back
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach failover status\n  everreach failover take-over --server http://127.0.0.1:8080"
    )]
    Failover(FailoverCommand),
    /// List and settle what waits for a person
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach approvals list\n  everreach approvals approve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b"
    )]
    Approvals(ApprovalsCommand),
    /// Look at journaled calls, and settle those whose outcome is unknown
    #[command(subcommand, after_help = "Examples:\n  everreach calls list\n  everreach calls resolve order-4711 --happened")]
    Calls(CallsCommand),
    /// Show what this month costs
    #[command(after_help = "Examples:\n  everreach cost\n  everreach cost forecast --json")]
    Cost(CostArgs),
    /// Look after the database
    #[command(subcommand, after_help = "Examples:\n  everreach db status\n  everreach db backup everreach-backup.db")]
    Db(DbCommand),
    /// Create, list and revoke API keys
    #[command(subcommand, after_help = "Examples:\n  everreach keys create ci --scope read dispatch\n  everreach keys list")]
    Keys(KeysCommand),
    /// Queue messages, comments and searches for Safari, and see what became of
    /// them
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach safari enqueue dm instagram bob 'Great work!'\n  everreach safari status"
    )]
    Safari(SafariCommand),
    /// The schedule: what fires when, what was fired, and firing a job now
    #[command(subcommand, after_help = "Examples:\n  everreach cron list\n  everreach cron run daily_routine")]
    Cron(CronCommand),
    /// Exchange shared state with the cloud, and see how that stands
    #[command(subcommand, after_help = "Examples:\n  everreach sync status\n  everreach sync push")]
    Sync(SyncCommand),
    /// Stop: no new outward action starts until `resume`
    #[command(
        after_help = "Examples:\n  everreach stop --reason 'wrong audience'\n  everreach stop --server http://127.0.0.1:8080"
    )]
    Stop(StopArgs),
    /// Let outward actions start again
    #[command(after_help = "Examples:\n  everreach resume\n  everreach resume --server http://127.0.0.1:8080")]
    Resume,
}
