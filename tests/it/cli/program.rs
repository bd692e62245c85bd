//! The built program, run in a folder of its own with an environment built from nothing.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use everreach_core::schedule::Jobs;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// A folder in which the program is run.
pub(crate) struct Place {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A schedule that is looked after, and in which no job is on: no test depends on the time of day.
    pub(crate) fn with_idle_schedule(self) -> Self {
        let jobs = Jobs::builtin(chrono_tz::UTC).expect("the built-in schedule");
        let jobs: Map<_, _> = jobs.iter().map(|job| (job.name.to_string(), json!({ "enabled": false }))).collect();
        self.write("schedule.json", &json!({ "version": 1, "jobs": jobs }).to_string());
        self.with("EVERREACH_SCHEDULE", "schedule.json")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.path()).env_clear().envs(self.environment.iter().cloned());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).stdin(Stdio::null()).output().expect("the program runs"))
    }

    /// Runs the program to its end with this on stdin.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("it reads");
        Ended::of(child.wait_with_output().expect("it ends"))
    }

    /// Starts a server and waits for its ready line.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Serving {
        let mut command = self.command(&[&["--json"], arguments].concat());
        if self.environment.iter().all(|(name, _)| name != "EVERREACH_SCHEDULE") {
            // No test depends on the time of day.
            command.env("EVERREACH_SCHEDULE", "off");
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("a ready line");
        Serving { child, ready: serde_json::from_str(&line).unwrap_or_else(|_| panic!("a ready line, not {line:?}")) }
    }
}

/// What a run left behind.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The data, after the run ended with this code.
    pub(crate) fn json(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "stdout {:?}, stderr {:?}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|_| panic!("JSON, not {:?}", self.stdout))
    }

    /// The problem on stderr, after the run ended with this code.
    pub(crate) fn problem(&self, code: i32) -> Value {
        assert_eq!(self.code, Some(code), "stdout {:?}, stderr {:?}", self.stdout, self.stderr);
        serde_json::from_str(&self.stderr).unwrap_or_else(|_| panic!("one line of JSON, not {:?}", self.stderr))
    }
}

/// A server that runs until it is dropped.
pub(crate) struct Serving {
    child: Child,
    pub(crate) ready: Value,
}

impl Serving {
    pub(crate) fn url(&self) -> &str {
        self.ready["url"].as_str().expect("a URL")
    }

    /// Asks it to end, as a supervisor does, and waits.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The program lies two folders above the tests, in `deps`.
pub(crate) fn binary() -> PathBuf {
    let tests = std::env::current_exe().expect("a path");
    let binary = tests.parent().and_then(Path::parent).expect("a folder").join("everreach");
    assert!(binary.exists(), "{} is missing: run `cargo build --bin everreach`, or `make test`", binary.display());
    binary
}
