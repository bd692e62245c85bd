//! The runner.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use tokio::time::timeout;

use super::group::{Exit, Group, Started};
use super::output::{Output, read_all};
use crate::safari::DispatchOutcome;
use crate::safari::gate::Dispatchable;
use crate::safari::wire::{Ending, Needs, Program, judge_program};

/// How long a program may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);
/// How long the pipes may stay open after the group ended: somebody outside of it may hold them.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How much of the end of the error output is told.
const SHOWN: usize = 300;

/// What this machine can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    Mac,
    Other,
}

/// Runs programs on this machine.
///
/// ```
/// use everreach_core::safari::gate::check;
/// use everreach_core::safari::wire::{DispatchConfig, Means, means};
/// use everreach_core::safari::{Command, ProgramRunner, Reason, Verb};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut config = DispatchConfig::default();
/// config.crm = "/bin/echo scored".parse()?;
/// let score = check(&Command::new(Verb::Score, "2026-11-20T12:00:00Z".parse()?))?;
/// let Means::Program(program) = means(&score, &config) else { panic!("a program") };
/// let outcome = ProgramRunner::new(None).run(&score, &program).await;
/// assert_eq!(outcome.reason, Reason::Done);
/// assert_eq!(outcome.answer.expect("its output")["stdout"], "scored --score --limit=20\n");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ProgramRunner {
    folder: Option<PathBuf>,
    pub(super) machine: Machine,
    pub(super) grace: Duration,
}

impl ProgramRunner {
    /// A runner whose programs run in this folder; in the one of this process when there is none.
    #[must_use]
    pub const fn new(folder: Option<PathBuf>) -> Self {
        let machine = if cfg!(target_os = "macos") { Machine::Mac } else { Machine::Other };
        Self { folder, machine, grace: GRACE }
    }

    /// Runs one program to its end or to its time limit, and says what that means for the command. The outcome's answer holds
    /// `exit_code`, `stdout`, `stderr` and whether they were `cut`: of either, the first and the last 256 KiB are kept.
    ///
    /// At the time limit the whole process group is asked to end, and killed 2 s later. A program that leaves its group on
    /// purpose is out of reach.
    pub async fn run(&self, command: &Dispatchable, program: &Program) -> DispatchOutcome {
        if program.needs == Needs::Mac && self.machine != Machine::Mac {
            return judge_program(command, &Ending::NotAMac);
        }
        let Some((name, arguments)) = program.argv.split_first() else {
            return judge_program(command, &Ending::NotStarted("there is no program to start"));
        };
        let mut starting = Command::new(name);
        starting.args(arguments);
        if let Some(folder) = &self.folder {
            starting.current_dir(folder);
        }
        match Group::start(starting) {
            Ok(started) => self.attend(command, program.timeout, started).await,
            Err(error) => judge_program(command, &Ending::NotStarted(&format!("{name}: {error}; check CRM_COMMAND"))),
        }
    }

    async fn attend(&self, command: &Dispatchable, limit: Duration, started: Started) -> DispatchOutcome {
        let Started { mut group, stdout, stderr } = started;
        let (out, err) = (Mutex::<Output>::default(), Mutex::<Output>::default());
        let reading = async {
            // A pipe that cannot be listened to stays unread; the program's ending is told all the same.
            let stdout = stdout.and_then(|pipe| tokio::process::ChildStdout::from_std(pipe).ok());
            let stderr = stderr.and_then(|pipe| tokio::process::ChildStderr::from_std(pipe).ok());
            let one = async {
                if let Some(pipe) = stdout {
                    read_all(pipe, &out).await;
                }
            };
            let other = async {
                if let Some(pipe) = stderr {
                    read_all(pipe, &err).await;
                }
            };
            tokio::join!(one, other)
        };
        let ending = self.end(&mut group, limit);
        tokio::pin!(reading, ending);
        let exit = tokio::select! {
            exit = &mut ending => {
                // What is still in the pipes belongs to the result.
                drop(timeout(LAST_WORDS, &mut reading).await);
                exit
            }
            _ = &mut reading => ending.await,
        };
        let (out, err) = (taken(&out), taken(&err));
        let said = last_words(&err.text());
        let (code, ending) = match exit {
            Some(Exit::Code(code)) => (Some(code), Ending::Exited(code, &said)),
            Some(Exit::Signal(signal)) => (None, Ending::Killed(signal)),
            None => (None, Ending::TimedOut),
        };
        let answer = json!({
            "exit_code": code, "stdout": out.text(), "stderr": err.text(), "cut": out.is_cut() || err.is_cut()
        });
        judge_program(command, &ending).with_answer(answer)
    }

    /// Waits for the leader's end, at most until the limit; `None` when it had to be ended.
    async fn end(&self, group: &mut Group, limit: Duration) -> Option<Exit> {
        match timeout(limit, group.ended()).await {
            Ok(Ok(exit)) => return Some(exit),
            // It was started and cannot be watched: as if its time were up.
            Ok(Err(_)) => return None,
            Err(_) => group.signal(Signal::TERM),
        }
        if timeout(self.grace, group.ended()).await.is_err() {
            group.signal(Signal::KILL);
            // Nothing outlives that but a process stuck in the kernel, which nobody can wait for.
            drop(timeout(LAST_WORDS, group.ended()).await);
        }
        None
    }
}

fn taken(output: &Mutex<Output>) -> Output {
    std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The end of what was written, where errors stand.
fn last_words(text: &str) -> String {
    let text = text.trim_end();
    let begin = text.char_indices().rev().nth(SHOWN - 1).map_or(0, |(at, _)| at);
    text[begin..].to_owned()
}
