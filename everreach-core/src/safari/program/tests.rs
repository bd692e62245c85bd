use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};
use serde_json::Value;

use super::ProgramRunner;
use super::runner::Machine;
use crate::safari::gate::{Dispatchable, check};
use crate::safari::wire::{DispatchConfig, Means, Program, means};
use crate::safari::{Command, DispatchOutcome, DispatchVerdict, Reason, Repeat, Verb};

fn checked(verb: Verb) -> Dispatchable {
    let command = Command::new(verb, "2026-11-20T12:00:00Z".parse().expect("a time"));
    check(&command.with_param("url", "https://example.com/a")).expect("it passes")
}

fn program(verb: Verb) -> Program {
    match means(&checked(verb), &DispatchConfig::default()) {
        Means::Program(program) => program,
        Means::Request(request) => panic!("{request:?}"),
    }
}

/// A script in the place of the CRM's, with this much time.
fn script(verb: Verb, text: &str, seconds: u64) -> Program {
    let mut program = program(verb);
    program.argv = ["/bin/sh", "-c", text, "crm"].map(str::to_owned).to_vec();
    program.timeout = Duration::from_secs(seconds);
    program
}

fn runner(folder: Option<&Path>) -> ProgramRunner {
    let mut runner = ProgramRunner::new(folder.map(Path::to_owned));
    runner.grace = Duration::from_millis(200);
    runner
}

async fn run(verb: Verb, text: &str, seconds: u64) -> (DispatchOutcome, Value) {
    let outcome = runner(None).run(&checked(verb), &script(verb, text, seconds)).await;
    let answer = outcome.answer.clone().expect("what it wrote");
    (outcome, answer)
}

/// Whether a process is there and not just a zombie that its new parent has not reaped yet.
fn is_alive(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().expect("a number");
    let is_there = test_kill_process(Pid::from_raw(pid).expect("a process")).is_ok();
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    is_there && !state.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

async fn is_gone_soon(pid: &str) -> bool {
    let begun = Instant::now();
    while is_alive(pid) && begun.elapsed() < Duration::from_secs(5) {
        tokio::task::yield_now().await;
    }
    !is_alive(pid)
}

#[tokio::test]
async fn a_program_that_ends_well_is_done_and_what_it_wrote_is_the_result() {
    let (outcome, answer) = run(Verb::Score, "echo scored; echo careful >&2", 10).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Sent, Reason::Done));
    assert_eq!(answer["stdout"], "scored\n");
    assert_eq!((&answer["stderr"], &answer["exit_code"], &answer["cut"]), (&"careful\n".into(), &0.into(), &false.into()));
}

#[tokio::test]
async fn a_program_that_fails_is_told_with_the_end_of_its_error_output() {
    let (outcome, answer) = run(Verb::Generate, "yes xx | head -c 4000 >&2; echo Traceback: no key >&2; exit 3", 10).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::ProgramFailed));
    assert!(outcome.detail.contains("code 3") && outcome.detail.contains("Traceback: no key"), "{}", outcome.detail);
    assert!(answer["stderr"].as_str().expect("text").len() > 4_000, "kept whole");
}

#[tokio::test]
async fn a_program_that_ignores_every_polite_signal_is_killed_at_its_limit() {
    let begun = Instant::now();
    let (outcome, answer) = run(Verb::Sync, "trap '' TERM INT HUP; echo $$; while :; do sleep 0.05; done", 1).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::TimedOut));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(is_gone_soon(answer["stdout"].as_str().expect("its number")).await);
}

#[tokio::test]
async fn a_pipeline_that_ran_out_of_time_is_unknown() {
    let (outcome, _) = run(Verb::Pipeline, "sleep 60", 1).await;
    assert_eq!(outcome.verdict, DispatchVerdict::Unknown);
}

#[tokio::test]
async fn the_child_of_a_child_is_killed_with_its_group_at_the_limit() {
    let (_, answer) = run(Verb::Sync, "(trap '' TERM; sleep 300 & echo $!; wait) & wait", 1).await;
    assert!(is_gone_soon(answer["stdout"].as_str().expect("its number")).await);
}

#[tokio::test]
async fn a_child_that_was_left_behind_is_killed_and_does_not_hold_up_the_result() {
    let begun = Instant::now();
    let (outcome, answer) = run(Verb::Sync, "sleep 300 & echo $!; exit 0", 60).await;
    assert_eq!(outcome.reason, Reason::Done);
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(is_gone_soon(answer["stdout"].as_str().expect("its number")).await);
}

#[tokio::test]
async fn a_try_that_is_abandoned_takes_its_program_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (command, program) = (checked(Verb::Sync), script(Verb::Sync, "echo $$ > pid.new; mv pid.new pid; sleep 300", 60));
    let runner = runner(Some(folder.path()));
    let written = folder.path().join("pid");
    let is_written = async {
        while !written.exists() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        outcome = runner.run(&command, &program) => panic!("{outcome:?}"),
        () = is_written => {}
    }
    assert!(is_gone_soon(&std::fs::read_to_string(written).expect("its number")).await);
}

#[tokio::test]
async fn a_program_that_writes_without_end_neither_stands_still_nor_fills_the_memory() {
    let (outcome, answer) = run(Verb::Sync, "echo begin; yes | head -c 5000000; echo end", 60).await;
    assert_eq!(outcome.reason, Reason::Done);
    let text = answer["stdout"].as_str().expect("text");
    assert!(text.starts_with("begin\n") && text.ends_with("end\n") && text.len() < 600_000, "{}", text.len());
    assert_eq!(answer["cut"], true);
}

#[tokio::test]
async fn nothing_in_an_argument_is_read_by_a_shell() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = script(Verb::Sync, "printf %s \"$1\"", 10);
    program.argv.push("$(touch evil); `id` 'x".to_owned());
    let outcome = runner(Some(folder.path())).run(&checked(Verb::Sync), &program).await;
    assert_eq!(outcome.answer.expect("what it wrote")["stdout"], "$(touch evil); `id` 'x");
    assert!(!folder.path().join("evil").exists());
}

#[tokio::test]
async fn a_program_runs_in_the_folder_of_the_configuration() {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = runner(Some(folder.path())).run(&checked(Verb::Sync), &script(Verb::Sync, "pwd -P", 10)).await;
    let wanted = folder.path().canonicalize().expect("a path");
    assert_eq!(outcome.answer.expect("what it wrote")["stdout"], format!("{}\n", wanted.display()));
}

#[tokio::test]
async fn a_program_that_is_not_there_was_not_started() {
    let mut program = program(Verb::Pipeline);
    program.argv = vec!["/nowhere/python3".to_owned()];
    let outcome = ProgramRunner::new(None).run(&checked(Verb::Pipeline), &program).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Counted), Reason::NotStarted));
    assert!(outcome.detail.contains("/nowhere/python3") && outcome.detail.contains("CRM_COMMAND"), "{}", outcome.detail);
}

#[tokio::test]
async fn a_page_is_opened_by_applescript_on_a_mac_only() {
    let mut program = program(Verb::Navigate);
    // The constant script and the address stay what they are; only the interpreter is one that shows its arguments.
    let shown = ["/bin/sh", "-c", "printf '%s\\n' \"$@\"", "osascript"].map(str::to_owned);
    program.argv = shown.into_iter().chain(program.argv.drain(1..)).collect();
    let mut runner = runner(None);
    runner.machine = Machine::Other;
    let outcome = runner.run(&checked(Verb::Navigate), &program).await;
    assert_eq!((outcome.verdict, outcome.reason), (DispatchVerdict::Refused(Repeat::Never), Reason::NeedsMac));
    runner.machine = Machine::Mac;
    let outcome = runner.run(&checked(Verb::Navigate), &program).await;
    assert_eq!(outcome.reason, Reason::Done);
    let written = outcome.answer.expect("what it wrote")["stdout"].as_str().expect("text").to_owned();
    assert!(written.starts_with("-e\non run argv\n") && written.ends_with("\nend run\nhttps://example.com/a\n"), "{written}");
}
