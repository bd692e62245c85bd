//! A process group that ends with its leader.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::task::JoinHandle;

/// How a leader ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Code(i32),
    Signal(i32),
}

/// A running leader and its group. Dropping it kills the group.
#[derive(Debug)]
pub(super) struct Group {
    pid: Pid,
    /// Empty once the leader has been reaped: from then on its number may be somebody else's.
    leader: Arc<Mutex<Option<Child>>>,
    watch: JoinHandle<io::Result<Exit>>,
}

/// A group, and the pipes of its leader.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) group: Group,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Group {
    /// Starts a program as the leader of a new group, with nothing to read. A thread watches it from the beginning: whatever
    /// becomes of this value, the leader is reaped.
    pub(super) fn start(mut command: Command) -> io::Result<Started> {
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdout, stderr, pid) = (child.stdout.take(), child.stderr.take(), Pid::from_child(&child));
        let leader = Arc::new(Mutex::new(Some(child)));
        let watched = leader.clone();
        let watch = tokio::task::spawn_blocking(move || watch(pid, &watched));
        Ok(Started { group: Self { pid, leader, watch }, stdout, stderr })
    }

    /// Waits until the leader has ended and what it left behind has been killed.
    pub(super) async fn ended(&mut self) -> io::Result<Exit> {
        (&mut self.watch).await.map_err(io::Error::other)?
    }

    /// Sends a signal to all of the group, unless its leader has been reaped.
    pub(super) fn signal(&self, signal: Signal) {
        if lock(&self.leader).is_some() {
            send(self.pid, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Waits for the leader's end, kills the rest of its group, and only then reaps it: until that, its number stays taken, so that
/// no stranger can be hit.
fn watch(pid: Pid, leader: &Mutex<Option<Child>>) -> io::Result<Exit> {
    while let Err(error) = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    let mut leader = lock(leader);
    send(pid, Signal::KILL);
    let status = leader.take().ok_or_else(|| io::Error::other("the program has been reaped already"))?.wait()?;
    Ok(status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or_default()), Exit::Code))
}

fn send(pid: Pid, signal: Signal) {
    // A group that is gone already is what was wanted.
    let _gone = kill_process_group(pid, signal);
}

fn lock(leader: &Mutex<Option<Child>>) -> MutexGuard<'_, Option<Child>> {
    leader.lock().unwrap_or_else(PoisonError::into_inner)
}
