//! Child processes: the test binary itself, started again with a job.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};

use super::{both_ends, calls, durability, queue_work, spending};
use crate::bus::kill_work;
use crate::{failover, store};

const ENTRY: &str = "crash::child::a_child_of_the_crash_tests";
const VARIABLE: &str = "EVERREACH_TEST_JOB";
/// Before each report, so that it is found among what the test harness prints.
const MARK: &str = "@report ";
const SIGKILL: i32 = 9;
/// Longer than anything a healthy child does between two reports.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a child is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Job {
    /// Races to the cap.
    Spend(spending::Plan),
    /// Routes outward calls.
    Call(calls::Plan),
    /// Is the cloud terminal for others.
    Serve(both_ends::TerminalPlan),
    /// Works through the queue of browser commands.
    Work(queue_work::Plan),
    /// Publishes numbered messages on the bus.
    Publish(kill_work::Plan),
    /// Writes down what comes over the bus.
    Subscribe(kill_work::Plan),
    /// Writes numbered rows for as long as it lives.
    Append { url: String },
    /// Opens the database and closes it again.
    Open { url: String },
    /// Is one side of a pair, and acts whenever it leads.
    Lead(failover::Plan),
    /// Fills its disk and makes room again.
    FillDisk { folder: String },
}

/// What a child tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// What an earlier process left behind.
    Found(calls::Leavings),
    Ready,
    /// A call is about to be made.
    Asked(u64),
    /// It was answered like this.
    Answered(u64, serde_json::Value),
    /// Money was held.
    Reserved,
    /// So many micro-dollars were booked.
    Settled(i64),
    /// Commands are in the queue.
    Queued(Vec<everreach_core::Id>),
    /// Send is about to be pressed for this try of a command.
    Pressed(everreach_core::Id, u32),
    /// So many messages of this writer and topic are published.
    Published(String, String, u64),
    /// A row is written.
    Written(u64),
    /// Something failed that may not fail.
    Failed(String),
    /// An error that was asked for: its word and its text.
    Refused(String, String),
    /// The job is done.
    Done,
}

/// Tells the parent. What was told before a kill still arrives.
pub(crate) fn report(report: &Report) {
    let text = serde_json::to_string(report).expect("a report is JSON");
    let mut output = std::io::stdout().lock();
    writeln!(output, "{MARK}{text}").and_then(|()| output.flush()).expect("the parent listens");
}

/// A process at work.
pub(crate) struct Child {
    process: tokio::process::Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Child {
    pub(crate) fn start(job: &Job) -> Self {
        let program = std::env::current_exe().expect("the test binary has a path");
        Self::start_through(Command::new(program), job)
    }

    /// Through another program that ends by becoming the test binary: its arguments follow those given.
    pub(crate) fn start_through(mut command: Command, job: &Job) -> Self {
        command.args(["--exact", ENTRY, "--nocapture"]).env(VARIABLE, serde_json::to_string(job).expect("a job is JSON"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("the child starts");
        let output = BufReader::new(process.stdout.take().expect("its output is a pipe")).lines();
        Self { process, output }
    }

    /// What it tells next; `None` once it has ended.
    pub(crate) async fn next(&mut self) -> Option<Report> {
        let reading = async {
            while let Some(line) = self.output.next_line().await.expect("its output is text") {
                if let Some((_, told)) = line.split_once(MARK) {
                    return Some(serde_json::from_str(told).expect("a whole report"));
                }
            }
            None
        };
        tokio::time::timeout(PATIENCE, reading).await.expect("the child says something in time")
    }

    /// What it tells within this time.
    pub(crate) async fn next_within(&mut self, wait: Duration) -> Option<Report> {
        // Cancelling the read loses nothing: half a line stays in the buffer.
        tokio::time::timeout(wait, self.next()).await.ok().flatten()
    }

    /// SIGKILL. What it had told until then can still be read.
    pub(crate) async fn kill(&mut self) {
        self.process.start_kill().expect("it can be killed");
        let status = self.process.wait().await.expect("it ends");
        assert!(status.success() || status.signal() == Some(SIGKILL), "it had failed before it was killed: {status}");
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().expect("it runs").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.process.try_wait().expect("it can be asked").is_none()
    }

    /// Everything that is left to read, up to its end.
    pub(crate) async fn rest(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Some(report) = self.next().await {
            reports.push(report);
        }
        reports
    }

    /// Waits for its end of its own accord and returns everything it told.
    pub(crate) async fn finish(mut self) -> Vec<Report> {
        let reports = self.rest().await;
        let status = self.process.wait().await.expect("it ends");
        assert!(status.success(), "the child failed: {status}, after {:?}", reports.last());
        reports
    }
}

/// Not a test of its own: what the children of other tests run. Without a job it has nothing to do.
#[test]
fn a_child_of_the_crash_tests() {
    #[allow(clippy::disallowed_methods, reason = "the parent hands the job over in the environment")]
    let Ok(job) = std::env::var(VARIABLE) else { return };
    let job = serde_json::from_str(&job).expect("the parent wrote it");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match job {
            Job::Spend(plan) => spending::run(plan).await,
            Job::Call(plan) => calls::run(plan).await,
            Job::Serve(plan) => both_ends::serve(plan).await,
            Job::Work(plan) => queue_work::run(plan).await,
            Job::Publish(plan) => kill_work::publish(plan).await,
            Job::Subscribe(plan) => kill_work::subscribe(plan).await,
            Job::Lead(plan) => failover::run(plan).await,
            Job::Append { url } => durability::append(&url).await,
            Job::Open { url } => store::openers::open(&url).await,
            Job::FillDisk { folder } => store::full::fill(&folder).await,
        }
    });
    report(&Report::Done);
}
