//! What the end of a command means for its target.

use super::store::Waiting;
use crate::safari::campaign::{CampaignPlan, Report, Step, posts_by};
use crate::safari::gate::{Work, check};
use crate::safari::queue::EndedCommand;
use crate::safari::wire::research_rows;
use crate::safari::{Command, CommandStatus, Contact, DispatchVerdict, Platform, Repeat};

/// The report about a command that is over.
pub(super) fn report(ended: &EndedCommand, waiting: &Waiting, handle: &str, plan: &CampaignPlan) -> Report {
    let verdict = verdict(ended);
    match &waiting.step {
        Step::FindPosts => Report::SearchAnswered { posts: posts(&ended.command, handle, plan) },
        Step::Search => Report::SearchAnswered { posts: Vec::new() },
        Step::Comment { index, .. } => Report::CommentSettled { index: *index, verdict },
        Step::Dm { touch } => Report::DmSettled { touch: *touch, verdict, detail: detail(&ended.command) },
    }
}

/// The name that LinkedIn's service saw above the conversation when it sent a message: the only one that its inbox knows.
pub(super) fn shown_name(ended: &EndedCommand, plan: &CampaignPlan) -> Option<String> {
    let seen =
        ended.command.result.as_ref().filter(|_| plan.platform == Platform::Linkedin)?.pointer("/answer/verifiedRecipient")?;
    seen.as_str()?.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
}

/// Whether nobody has decided about it yet: there may be another report.
pub(super) fn is_open(ended: &EndedCommand) -> bool {
    verdict(ended) == DispatchVerdict::Unknown
}

fn verdict(ended: &EndedCommand) -> DispatchVerdict {
    match (ended.command.status, ended.outcome.as_deref()) {
        (CommandStatus::Completed, Some("duplicate")) => DispatchVerdict::Duplicate,
        (CommandStatus::Completed, Some("sent_unverified")) => DispatchVerdict::SentUnverified,
        (CommandStatus::Completed, _) => DispatchVerdict::Sent,
        (CommandStatus::Failed, Some("unknown")) => DispatchVerdict::Unknown,
        _ => DispatchVerdict::Refused(Repeat::Never),
    }
}

fn detail(command: &Command) -> String {
    command.error.clone().unwrap_or_else(|| format!("the command is {}", command.status))
}

/// The target's own posts among those that were found.
fn posts(command: &Command, handle: &str, plan: &CampaignPlan) -> Vec<String> {
    let Some(answer) = command.result.as_ref().and_then(|result| result.get("answer")) else { return Vec::new() };
    let Ok(dispatchable) = check(command) else { return Vec::new() };
    let Work::Research(search) = dispatchable.work() else { return Vec::new() };
    posts_by(&research_rows(search, answer), &Contact::new(plan.platform, handle), plan.comments)
}
