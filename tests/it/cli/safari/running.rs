//! `safari run-once` and `safari daemon`, with a CRM script that is really run.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::{enqueue, fields, place};
use crate::cli::program::Place;

/// A place whose CRM script notes that it began and then does this.
fn with_script(rest: &str) -> Place {
    let place = place().with("CRM_COMMAND", "[\"/bin/sh\", \"crm.sh\"]").with("PATH", "/usr/bin:/bin");
    place.write("crm.sh", &format!("echo begun >> begun.txt\n{rest}\n"));
    place
}

fn score(place: &Place) -> String {
    enqueue(place, &["command", "{\"action\": \"score\"}"])
}

#[test]
fn a_run_carries_out_what_may_go_and_says_what_it_has_come_to() {
    let place = with_script("exit 0");
    let id = score(&place);
    score(&place);
    let plain = place.run(&["safari", "run-once", "--max", "1"]);
    let line = "executed 1: 1 completed, 0 failed, 0 unknown, 0 rescheduled\n";
    assert_eq!((plain.code, plain.stdout.as_str()), (Some(0), line), "{}", plain.stderr);
    assert_eq!(place.run(&["--json", "safari", "show", &id]).json(0)["status"], "completed");
    let summary = place.run(&["--json", "safari", "run-once"]).json(0);
    assert_eq!(fields(&summary), ["completed", "executed", "failed", "rescheduled", "unknown"]);
    assert_eq!((&summary["executed"], &summary["completed"]), (&json!(1), &json!(1)));
    assert_eq!(place.run(&["--json", "safari", "run-once"]).json(0)["executed"], 0);
}

#[test]
fn nothing_goes_while_the_stop_switch_is_set() {
    let place = with_script("exit 0");
    place.run(&["stop"]);
    score(&place);
    assert_eq!(place.run(&["--json", "safari", "run-once"]).json(0)["executed"], 0);
    place.run(&["resume"]);
    assert_eq!(place.run(&["--json", "safari", "run-once"]).json(0)["executed"], 1);
}

#[test]
fn a_run_on_a_server_is_the_servers() {
    let place = with_script("exit 0");
    let server = place.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let written =
        place.run(&["--json", "--server", server.url(), "safari", "enqueue", "command", "{\"action\": \"score\"}"]).json(0);
    assert_eq!(written["created"], true);
    let waiting = place.run(&["--json", "--server", server.url(), "safari", "history", "--status", "pending"]).json(0);
    assert_eq!(waiting["commands"].as_array().expect("commands").len(), 1, "a server works on the queue only when it is told");
    let summary = place.run(&["--json", "--server", server.url(), "safari", "run-once"]).json(0);
    assert_eq!(summary["completed"], 1);
    assert_eq!(server.terminate(), Some(0));
}

/// A pipe in this folder: the script waits at it until the test lets it go.
fn pipe(place: &Place) -> std::path::PathBuf {
    let path = place.path().join("gate");
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
    path
}

fn signal(child: &Child, name: &str) {
    let asked = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(asked.success());
}

/// Waits until the script stands at the pipe, and returns the pipe: writing to it lets the script go.
fn script_at(pipe: &Path) -> std::fs::File {
    // Opening a pipe to write waits until somebody reads it.
    std::fs::OpenOptions::new().write(true).open(pipe).expect("the script reads")
}

#[test]
fn the_daemon_finishes_what_runs_after_ctrl_c_and_starts_nothing_more() {
    let place = with_script("read line < gate");
    let gate = pipe(&place);
    let first = score(&place);
    let mut command = place.command(&["--json", "safari", "daemon", "--interval", "1", "--max", "1"]);
    let mut daemon = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(daemon.stdout.take().expect("stdout"));
    let mut ready = String::new();
    lines.read_line(&mut ready).expect("a ready line");
    assert_eq!(serde_json::from_str::<Value>(&ready).expect("JSON")["state"], "running", "{ready}");
    let mut script = script_at(&gate);
    let second = score(&place);
    signal(&daemon, "-INT");
    let mut notes = BufReader::new(daemon.stderr.take().expect("stderr"));
    let mut note = String::new();
    while !note.contains("closing") {
        assert!(notes.read_line(&mut note).expect("a note") > 0, "{note}");
    }
    std::io::Write::write_all(&mut script, b"go\n").expect("the script goes on");
    drop(script);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the summary");
    assert_eq!(daemon.wait().expect("it ends").code(), Some(0), "{note}");
    assert_eq!(serde_json::from_str::<Value>(&rest).expect("JSON")["completed"], 1, "{rest}");
    assert_eq!(place.run(&["--json", "safari", "show", &first]).json(0)["status"], "completed");
    assert_eq!(place.run(&["--json", "safari", "show", &second]).json(0)["status"], "pending");
}

#[test]
fn a_run_finishes_what_runs_after_ctrl_c_and_starts_nothing_more() {
    let place = with_script("read line < gate");
    let gate = pipe(&place);
    let first = score(&place);
    let mut command = place.command(&["--json", "safari", "run-once"]);
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut script = script_at(&gate);
    signal(&run, "-INT");
    let mut notes = BufReader::new(run.stderr.take().expect("stderr"));
    let mut note = String::new();
    while !note.contains("closing") {
        assert!(notes.read_line(&mut note).expect("a note") > 0, "{note}");
    }
    let second = score(&place);
    std::io::Write::write_all(&mut script, b"go\n").expect("the script goes on");
    drop(script);
    let mut summary = String::new();
    run.stdout.take().expect("stdout").read_to_string(&mut summary).expect("the summary");
    assert_eq!(run.wait().expect("it ends").code(), Some(0), "{note}");
    assert_eq!(serde_json::from_str::<Value>(&summary).expect("JSON")["completed"], 1, "{summary}");
    assert_eq!(place.run(&["--json", "safari", "show", &first]).json(0)["status"], "completed");
    assert_eq!(place.run(&["--json", "safari", "show", &second]).json(0)["status"], "pending");
}

#[test]
fn a_server_that_is_told_to_works_through_the_queue_and_finishes_what_runs() {
    let place = with_script("read line < gate");
    let gate = pipe(&place);
    let id = score(&place);
    let server = place.serve(&["serve", "--safari", "--listen", "127.0.0.1:0"]);
    let mut script = script_at(&gate);
    let ending = std::thread::spawn(move || server.terminate());
    std::io::Write::write_all(&mut script, b"go\n").expect("the script goes on");
    drop(script);
    assert_eq!(ending.join().expect("no panic"), Some(0));
    assert_eq!(place.run(&["--json", "safari", "show", &id]).json(0)["status"], "completed");
}
