//! What a row says of its call.

use serde_json::{Value, json};

use super::task::{Task, TaskStatus};
use crate::safari::CommandStatus;
use crate::safari::queue::KeyedCommand;
use crate::{Envelope, ErrorKind, Outcome, Source};

/// Where a row stands, in the journal's words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Standing {
    pub(super) outcome: Outcome,
    failure: Option<(ErrorKind, String)>,
    result: Value,
    /// Whether the row may be tried again when the call is sent again. Not after a person took it back.
    pub(super) may_go_again: bool,
}

impl Standing {
    fn new(outcome: Outcome, result: Value) -> Self {
        Self { outcome, failure: None, result, may_go_again: false }
    }

    pub(super) fn failed(outcome: Outcome, kind: ErrorKind, detail: String) -> Self {
        Self { outcome, failure: Some((kind, detail)), result: Value::Null, may_go_again: false }
    }

    /// The answer of a call whose row stands there.
    pub(super) fn answer(&self, mut envelope: Envelope) -> Envelope {
        envelope.outcome = self.outcome;
        envelope.ok = self.failure.is_none();
        envelope.source = matches!(self.outcome, Outcome::Executed | Outcome::Unknown).then_some(Source::Local);
        envelope.result = envelope.ok.then(|| self.result.clone());
        (envelope.error, envelope.detail) = match &self.failure {
            Some((kind, detail)) => (Some(*kind), Some(detail.clone())),
            None => (None, None),
        };
        envelope.suggestions.clear();
        envelope
    }
}

/// What a command of Safari's queue says.
pub(super) fn of_command(keyed: &KeyedCommand) -> Standing {
    let command = &keyed.command;
    let row = |result: Value| json!({"queue": "safari_command_queue", "id": command.id, "status": command.status, "command": command.action, "result": result});
    let said = || command.error.clone().unwrap_or_else(|| "the command failed without a reason".to_owned());
    match (command.status, keyed.outcome.as_deref()) {
        (CommandStatus::Pending | CommandStatus::Running, _) => Standing::new(Outcome::Queued, row(Value::Null)),
        (CommandStatus::Completed, _) => Standing::new(Outcome::Executed, row(command.result.clone().unwrap_or_default())),
        (CommandStatus::Cancelled, _) => {
            let detail = format!("command {} was cancelled before it was sent", command.id);
            Standing::failed(Outcome::NotExecuted, ErrorKind::Stopped, detail)
        }
        (CommandStatus::Failed, Some("unknown" | "dropped")) => {
            let detail = format!("command {} may have been sent: {}", command.id, said());
            Standing::failed(Outcome::Unknown, ErrorKind::OutcomeUnknown, detail)
        }
        // No word of ours: another program ended it, and whether it sent something is not known.
        (CommandStatus::Failed, None) => {
            let detail = format!("another program failed command {}: {}", command.id, said());
            Standing::failed(Outcome::Unknown, ErrorKind::OutcomeUnknown, detail)
        }
        (CommandStatus::Failed, Some(_)) => Standing {
            may_go_again: true,
            ..Standing::failed(Outcome::NotExecuted, ErrorKind::HandlerError, format!("command {}: {}", command.id, said()))
        },
    }
}

/// What a task says of a call that nobody has taken up in the journal.
pub(super) fn of_task(task: &Task) -> Standing {
    let row = json!({"queue": "actp_workflow_tasks", "id": task.id, "status": task.status.as_str()});
    let said = || task.error.clone().unwrap_or_else(|| "the task failed without a reason".to_owned());
    match task.status {
        TaskStatus::Pending | TaskStatus::Claimed | TaskStatus::Running => Standing::new(Outcome::Queued, row),
        TaskStatus::Succeeded => Standing::new(Outcome::Executed, result_of(task)),
        TaskStatus::Failed | TaskStatus::TimedOut if is_untouched(task) => Standing {
            may_go_again: true,
            ..Standing::failed(Outcome::NotExecuted, ErrorKind::HandlerError, format!("task {}: {}", task.id, said()))
        },
        TaskStatus::Failed | TaskStatus::TimedOut => {
            let detail = format!("task {} failed and may have done something: {}", task.id, said());
            Standing::failed(Outcome::Unknown, ErrorKind::OutcomeUnknown, detail)
        }
    }
}

/// Whether nothing can have run: nobody took the row, or who took it says so.
fn is_untouched(task: &Task) -> bool {
    let word = task.output.as_ref().and_then(|output| output.get("outcome")?.as_str());
    task.claimed_by.is_none() || word == Some(Outcome::NotExecuted.as_str())
}

/// What our own worker wrote has the result in it; what another program wrote is the result.
fn result_of(task: &Task) -> Value {
    let output = task.output.clone().unwrap_or_default();
    match output.get("result") {
        Some(result) if output.get("outcome").is_some() => result.clone(),
        _ => output,
    }
}
