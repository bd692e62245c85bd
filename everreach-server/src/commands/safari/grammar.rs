//! The verbs of `safari`.

use clap::{Args, Subcommand};
use everreach_core::Id;
use everreach_core::safari::queue::Resolution;
use everreach_core::safari::{LimitedAction, Platform};

use super::{
    CampaignCommand, DaemonArgs, DenyListCommand, EnqueueArgs, HistoryArgs, RunOnceArgs, campaign, changing, deny_list, enqueue,
    history, looking, running,
};
use crate::commands::Context;
use crate::exit::Outcome;

/// The verbs of `safari`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum SafariCommand {
    /// Write a command into the queue; prints its id
    #[command(
        after_help = "Examples:\n  everreach safari enqueue dm instagram bob 'Great work!'\n  everreach safari enqueue research twitter 'ai automation' 50 --json"
    )]
    Enqueue(EnqueueArgs),
    /// Carry out what may go now, then end; Ctrl-C waits for what runs
    #[command(after_help = "Examples:\n  everreach safari run-once\n  everreach safari run-once --max 20 --json")]
    RunOnce(RunOnceArgs),
    /// Work through the queue until Ctrl-C, which waits for what runs
    #[command(after_help = "Examples:\n  everreach safari daemon\n  everreach safari daemon --interval 5 --max 20")]
    Daemon(DaemonArgs),
    /// Show the queue at a glance
    #[command(after_help = "Examples:\n  everreach safari status\n  everreach safari status --json")]
    Status,
    /// Ask all nine services how they are; 0 also when some are down
    #[command(after_help = "Examples:\n  everreach safari health\n  everreach safari health --json")]
    Health,
    /// List the nine services and where they are
    #[command(after_help = "Examples:\n  everreach safari services\n  everreach safari services --json")]
    Services,
    /// List commands of every status, newest first
    #[command(
        after_help = "Examples:\n  everreach safari history --status failed\n  everreach safari history --platform twitter --limit 200 --json"
    )]
    History(HistoryArgs),
    /// Show one command, its tries, and why it is where it is
    #[command(
        after_help = "Examples:\n  everreach safari show 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach safari show 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Show {
        /// The id that `safari enqueue` printed
        id: Id,
    },
    /// Show what has been used of each limit
    #[command(after_help = "Examples:\n  everreach safari rate-limits\n  everreach safari rate-limits --json")]
    RateLimits,
    /// Take a command back that waits
    #[command(
        after_help = "Examples:\n  everreach safari cancel 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b\n  everreach safari cancel 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --json"
    )]
    Cancel {
        /// The id that `safari history` shows
        id: Id,
    },
    /// Try failed commands again: those that certainly were not done, or those
    /// named
    #[command(
        after_help = "Examples:\n  everreach safari retry-failed\n  everreach safari retry-failed 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b"
    )]
    RetryFailed {
        /// These only; one whose outcome is unknown has to be named
        #[arg(value_name = "ID")]
        ids: Vec<Id>,
    },
    /// Say what became of a command whose outcome is unknown
    #[command(
        after_help = "Examples:\n  everreach safari resolve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --happened\n  everreach safari resolve 01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b --retry"
    )]
    Resolve {
        /// The id that `safari history --status failed` shows
        id: Id,
        /// What became of it.
        #[command(flatten)]
        finding: Finding,
    },
    /// Agree to the messages of a campaign or batch of more than 10
    #[command(after_help = "Examples:\n  everreach safari approve spring\n  everreach safari approve spring --deny")]
    Approve {
        /// The id that `safari status` and `approvals list` show
        id: String,
        /// Refuse: what waits is cancelled, and what comes later is refused
        #[arg(long)]
        deny: bool,
    },
    /// Start and look after campaigns
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach safari campaign start dm_sequence --platform twitter --handles bob,eve\n  everreach safari campaign list"
    )]
    Campaign(CampaignCommand),
    /// List accounts that have to stop, and why
    #[command(after_help = "Examples:\n  everreach safari halts\n  everreach safari halts --json")]
    Halts,
    /// Let a stopped account go on, once a person has mended it
    #[command(after_help = "Examples:\n  everreach safari lift instagram\n  everreach safari lift instagram --action comment")]
    Lift {
        /// The account's platform
        platform: Platform,
        /// Only the stops of this: dm or comment
        #[arg(long)]
        action: Option<LimitedAction>,
    },
    /// Look after the list of people who are never written to
    #[command(
        subcommand,
        after_help = "Examples:\n  everreach safari deny-list list\n  everreach safari deny-list add bob --platform twitter"
    )]
    DenyList(DenyListCommand),
}

impl SafariCommand {
    /// Whether it works through the queue, and looks after Ctrl-C by itself.
    pub(in crate::commands) const fn works(&self) -> bool {
        matches!(self, Self::RunOnce(_) | Self::Daemon(_))
    }
}

/// What a person found out: one of the three.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[non_exhaustive]
pub struct Finding {
    /// It was done
    #[arg(long)]
    pub happened: bool,
    /// It was not done: try it again
    #[arg(long)]
    pub retry: bool,
    /// Leave it alone, whatever it was
    #[arg(long)]
    pub drop: bool,
}

impl Finding {
    const fn resolution(&self) -> Resolution {
        match (self.happened, self.retry) {
            (true, _) => Resolution::Happened,
            (false, true) => Resolution::Retry,
            (false, false) => Resolution::Drop,
        }
    }
}

pub(in crate::commands) async fn run(command: &SafariCommand, context: &Context) -> Outcome {
    match command {
        SafariCommand::Enqueue(arguments) => enqueue::run(arguments, context).await,
        SafariCommand::RunOnce(arguments) => running::once(arguments, context).await,
        SafariCommand::Daemon(arguments) => running::daemon(arguments, context).await,
        SafariCommand::Status => looking::status(context).await,
        SafariCommand::Health => looking::health(context).await,
        SafariCommand::Services => looking::services(context).await,
        SafariCommand::History(arguments) => history::list(arguments, context).await,
        SafariCommand::Show { id } => history::show(*id, context).await,
        SafariCommand::RateLimits => looking::rate_limits(context).await,
        SafariCommand::Cancel { id } => changing::cancel(*id, context).await,
        SafariCommand::RetryFailed { ids } => changing::retry_failed(ids, context).await,
        SafariCommand::Resolve { id, finding } => changing::resolve(*id, finding.resolution(), context).await,
        SafariCommand::Approve { id, deny: false } => crate::commands::approvals::approve(id, context).await,
        SafariCommand::Approve { id, deny: true } => crate::commands::approvals::deny(id, context).await,
        SafariCommand::Campaign(command) => campaign::run(command, context).await,
        SafariCommand::Halts => looking::halts(context).await,
        SafariCommand::Lift { platform, action } => changing::lift(*platform, *action, context).await,
        SafariCommand::DenyList(command) => deny_list::run(command, context).await,
    }
}
