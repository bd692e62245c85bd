//! What rows say, as plain data.

use serde_json::{Value, json};

use super::handover::news;
use super::output::{End, end_of};
use super::rows::Found;
use super::standing::{Standing, of_command, of_task};
use super::task::{Task, TaskStatus, input_of, row_key};
use crate::ledger::{CallState, IdempotencyKey};
use crate::routing::Call;
use crate::safari::queue::KeyedCommand;
use crate::safari::{Command, CommandStatus, Verb};
use crate::{Envelope, Error, ErrorKind, Id, Outcome, Source, Timestamp};

fn command(status: CommandStatus, outcome: Option<&str>) -> Standing {
    let mut command = Command::new(Verb::SendDm, "2026-11-20T12:00:00Z".parse().expect("a time"));
    command.status = status;
    (command.result, command.error) = (Some(json!({"verified": true})), Some("as told".to_owned()));
    of_command(&KeyedCommand { command, outcome: outcome.map(str::to_owned) })
}

fn task(status: TaskStatus, claimed_by: Option<&str>, output: Option<Value>) -> Task {
    let claimed_by = claimed_by.map(str::to_owned);
    Task { id: Id::new(), status, input: json!({}), output, claimed_by, error: Some("as told".to_owned()), key: None }
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn envelope() -> Envelope {
    Envelope::new("dm.send".parse().expect("a name"), Id::new())
}

fn seen(standing: &Standing) -> (Outcome, Option<ErrorKind>, Option<Source>) {
    let answer = standing.answer(envelope());
    assert_eq!(answer.ok, answer.error.is_none(), "{answer:?}");
    assert_eq!(answer.ok, answer.result.is_some(), "{answer:?}");
    (answer.outcome, answer.error, answer.source)
}

#[test]
fn each_end_of_a_command_has_its_outcome() {
    use CommandStatus::{Cancelled, Completed, Failed, Pending, Running};
    let (queued, local) = ((Outcome::Queued, None, None), Some(Source::Local));
    for status in [Pending, Running] {
        assert_eq!(seen(&command(status, None)), queued);
    }
    for word in ["sent", "sent_unverified", "duplicate", "happened"] {
        assert_eq!(seen(&command(Completed, Some(word))), (Outcome::Executed, None, local), "{word}");
    }
    for word in [Some("unknown"), Some("dropped"), None] {
        assert_eq!(seen(&command(Failed, word)), (Outcome::Unknown, Some(ErrorKind::OutcomeUnknown), local), "{word:?}");
    }
    let refused = command(Failed, Some("refused"));
    assert_eq!(seen(&refused), (Outcome::NotExecuted, Some(ErrorKind::HandlerError), None));
    assert!(refused.may_go_again);
    let cancelled = command(Cancelled, None);
    assert_eq!(seen(&cancelled), (Outcome::NotExecuted, Some(ErrorKind::Stopped), None));
    assert!(!cancelled.may_go_again, "what a person took back stays back");
}

#[test]
fn each_end_of_a_task_that_nobody_took_up_in_the_journal_has_its_outcome() {
    use TaskStatus::{Claimed, Failed, Pending, Running, Succeeded, TimedOut};
    for status in [Pending, Claimed, Running] {
        assert_eq!(of_task(&task(status, None, None)).outcome, Outcome::Queued);
    }
    let theirs = of_task(&task(Succeeded, Some("mac"), Some(json!({"found": 3})))).answer(envelope());
    assert_eq!((theirs.outcome, theirs.result), (Outcome::Executed, Some(json!({"found": 3}))));
    let ours = json!({"outcome": "executed", "result": {"found": 4}});
    let ours = of_task(&task(Succeeded, Some("mac"), Some(ours))).answer(envelope());
    assert_eq!(ours.result, Some(json!({"found": 4})));
    for status in [Failed, TimedOut] {
        assert_eq!(of_task(&task(status, None, None)).outcome, Outcome::NotExecuted, "nobody had it");
        assert_eq!(of_task(&task(status, Some("mac"), None)).outcome, Outcome::Unknown, "somebody had it");
        let says_so = of_task(&task(status, Some("mac"), Some(json!({"outcome": "not_executed"}))));
        assert!(says_so.outcome == Outcome::NotExecuted && says_so.may_go_again);
    }
}

#[test]
fn the_journal_learns_from_a_row_only_what_it_does_not_know_better() {
    let say = |state, found| news(state, found).map(|standing| standing.outcome);
    let row = |status, word| Found::Command(command(status, word));
    let job = |status| Found::Task(of_task(&task(status, Some("mac"), None)));
    use CommandStatus::{Cancelled, Completed, Failed, Pending};
    assert_eq!(say(CallState::Queued, row(Pending, None)), None);
    assert_eq!(say(CallState::Queued, row(Completed, Some("sent"))), Some(Outcome::Executed));
    assert_eq!(say(CallState::Queued, row(Cancelled, None)), Some(Outcome::NotExecuted));
    assert_eq!(say(CallState::Queued, Found::Nothing), Some(Outcome::Unknown), "it may have been sent before it vanished");
    assert_eq!(say(CallState::Unknown, row(Failed, Some("unknown"))), None);
    assert_eq!(say(CallState::Unknown, row(Completed, Some("happened"))), Some(Outcome::Executed), "a person's word");
    assert_eq!(say(CallState::Unknown, row(Pending, None)), Some(Outcome::Queued), "a person lets it go again");
    assert_eq!(say(CallState::Unknown, Found::Nothing), None);
    assert_eq!(say(CallState::NotExecuted, row(Pending, None)), Some(Outcome::Queued));
    for status in [TaskStatus::Pending, TaskStatus::Succeeded, TaskStatus::Failed] {
        assert_eq!(say(CallState::Unknown, job(status)), None, "whoever ran it knows better");
    }
    assert_eq!(say(CallState::NotExecuted, job(TaskStatus::TimedOut)), None);
    assert_eq!(say(CallState::Executed, row(Cancelled, None)), None);
    assert_eq!(say(CallState::Running, row(Completed, Some("sent"))), None);
}

#[test]
fn a_row_ends_as_its_call_did_and_goes_back_only_when_nothing_has_run() {
    let failed = |outcome, kind| {
        let mut envelope = envelope();
        envelope.fail(&Error::new(kind, "as told\0"));
        envelope.outcome = outcome;
        envelope
    };
    for kind in [ErrorKind::Stopped, ErrorKind::StoreUnavailable, ErrorKind::IdempotencyConflict] {
        assert_eq!(end_of(&failed(Outcome::NotExecuted, kind)), End::Release, "{kind}");
        assert_ne!(end_of(&failed(Outcome::Unknown, kind)), End::Release, "{kind}");
    }
    let status = |envelope: &Envelope| match end_of(envelope) {
        End::Over { status, output, error } => {
            assert_eq!(output["outcome"], envelope.outcome.as_str());
            assert!(!output.to_string().contains("\\u0000") && !error.unwrap_or_default().contains('\0'));
            status
        }
        End::Release => panic!("it is over"),
    };
    assert_eq!(status(&failed(Outcome::Unknown, ErrorKind::OutcomeUnknown)), TaskStatus::Failed);
    assert_eq!(status(&failed(Outcome::Executed, ErrorKind::HandlerError)), TaskStatus::Failed);
    assert_eq!(status(&failed(Outcome::Unknown, ErrorKind::Timeout)), TaskStatus::TimedOut);
    let mut good = envelope();
    (good.ok, good.outcome) = (true, Outcome::Executed);
    assert_eq!(status(&good), TaskStatus::Succeeded);
}

#[test]
fn a_task_carries_its_call_and_is_taken_up_only_under_the_key_of_its_row() {
    let key: IdempotencyKey = "order-1".parse().expect("a key");
    let Value::Object(params) = json!({"query": "x"}) else { panic!("an object") };
    let call = Call::new("linkedin.search".parse().expect("a name"), params.clone());
    let input = input_of(&call, &key, now()).expect("it can be stored");
    let mut row = Task { input, key: Some(row_key(&key)), ..task(TaskStatus::Pending, None, None) };
    let read = row.call().expect("a call");
    assert_eq!((read.action, read.params, read.key), (call.action, params, key));
    assert!(read.is_journaled && read.not_after == Some(now()));

    row.key = None;
    let foreign = row.call().expect("a call");
    assert_eq!((foreign.key.to_string(), foreign.is_journaled), (format!("task:{}", row.id), false), "a key of somebody else's");
    for input in [json!({}), json!("x"), json!({"action": "no name"}), json!({"action": "dm.send", "params": [1]})] {
        row.input = input.clone();
        assert_eq!(row.call().expect_err("no call").kind(), ErrorKind::InvalidParams, "{input}");
    }
    let call =
        Call::new("linkedin.search".parse().expect("a name"), json!({"q": "a\0"}).as_object().cloned().expect("an object"));
    assert_eq!(input_of(&call, &"k".parse().expect("a key"), now()).expect_err("U+0000").kind(), ErrorKind::InvalidParams);
}

#[test]
fn a_row_has_one_key_for_each_call_however_long_the_calls_is() {
    let long = |end: char| -> IdempotencyKey { format!("{}{end}", "k".repeat(254)).parse().expect("255 characters") };
    assert_ne!(row_key(&long('a')), row_key(&long('b')));
    assert_eq!(row_key(&long('a')), row_key(&long('a')));
    row_key(&long('a')).parse::<IdempotencyKey>().expect("a key");
}
