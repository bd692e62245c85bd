//! Other systems, macOS first: what `ps` says, and a thread for each child.
//!
//! A birth is known to the second here, so a process has to carry its incarnation too; the end of one that was taken over is seen within
//! half a second, and nobody can say how it ended.

use std::collections::HashMap;
use std::io;
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

use crate::supervisor::diagnosis::End;
use crate::supervisor::launcher::identity::COOKIE;

/// How often it is looked whether a process that is no child still lives.
const LOOK_EVERY: Duration = Duration::from_millis(500);

fn ps(arguments: &[&str]) -> Option<String> {
    let output = Command::new("/bin/ps").args(arguments).env_clear().env("LC_ALL", "C").output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

pub(in crate::supervisor::launcher) fn boot() -> String {
    // The first process is born with the machine.
    birth(1).unwrap_or_default()
}

pub(in crate::supervisor::launcher) fn birth(pid: i32) -> Option<String> {
    let line = ps(&["-o", "stat=,lstart=", "-p", &pid.to_string()])?;
    let (state, born) = line.trim().split_once(char::is_whitespace)?;
    (!state.starts_with('Z')).then(|| born.split_whitespace().collect::<Vec<_>>().join(" "))
}

pub(in crate::supervisor::launcher) const fn handle(_pid: i32) -> Option<u64> {
    None
}

pub(in crate::supervisor::launcher) fn carries(pid: i32, incarnation: &str) -> bool {
    let line = ps(&["-ww", "-E", "-o", "command=", "-p", &pid.to_string()])
        .or_else(|| ps(&["eww", "-o", "command=", "-p", &pid.to_string()]));
    line.as_deref().and_then(cookie) == Some(incarnation)
}

fn cookie(line: &str) -> Option<&str> {
    line.split_whitespace().rev().find_map(|word| word.strip_prefix(COOKIE)?.strip_prefix('='))
}

pub(in crate::supervisor::launcher) fn scan() -> io::Result<HashMap<String, Vec<i32>>> {
    let mut found: HashMap<String, Vec<i32>> = HashMap::new();
    let all = ps(&["-A", "-ww", "-E", "-o", "pid=,command="]).or_else(|| ps(&["axeww", "-o", "pid=,command="]));
    for line in all.unwrap_or_default().lines() {
        let pid = line.split_whitespace().next().and_then(|pid| pid.parse().ok());
        if let (Some(pid), Some(incarnation)) = (pid, cookie(line)) {
            found.entry(incarnation.to_owned()).or_default().push(pid);
        }
    }
    Ok(found)
}

pub(in crate::supervisor::launcher) fn memory(pid: i32) -> Option<u64> {
    let kilobytes: u64 = ps(&["-o", "rss=", "-p", &pid.to_string()])?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

pub(in crate::supervisor::launcher) const fn memory_free() -> Option<f64> {
    None
}

pub(in crate::supervisor::launcher) const fn oom_kills() -> Option<u64> {
    None
}

#[allow(clippy::unnecessary_wraps, reason = "the twin on Linux can fail")]
pub(in crate::supervisor::launcher) const fn limit_open_files(_pid: i32, _most: u64) -> io::Result<()> {
    // Only the process itself could set it here, before it is the agent's.
    Ok(())
}

/// A hold on one process. Its number is free once [`Watch::reap`] was called for a child, or any time for another.
#[derive(Debug)]
pub(in crate::supervisor::launcher) struct Watch {
    pid: Pid,
    born: Option<String>,
    end: watch::Receiver<Option<End>>,
    reaped: Mutex<bool>,
}

impl Watch {
    pub(in crate::supervisor::launcher) fn open(number: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(number).ok_or_else(|| io::Error::other("no process"))?;
        let born = birth(number);
        let (say, end) = watch::channel(None);
        let seen = born.clone();
        // A parked thread takes few kilobytes; the pool's would all be taken by 500 agents.
        std::thread::Builder::new().name("agent-watch".to_owned()).stack_size(64 * 1024).spawn(move || {
            let _nobody_waits = say.send(Some(wait_for(pid, number, seen.as_deref())));
        })?;
        Ok(Self { pid, born, end, reaped: Mutex::new(false) })
    }

    pub(in crate::supervisor::launcher) async fn dead(&self) {
        drop(self.end.clone().wait_for(Option::is_some).await);
    }

    pub(in crate::supervisor::launcher) fn is_dead(&self) -> bool {
        self.end.borrow().is_some()
    }

    pub(in crate::supervisor::launcher) fn signal(&self, signal: Signal) {
        let reaped = self.reaped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !*reaped && birth(self.pid.as_raw_nonzero().get()) == self.born {
            let _gone = kill_process(self.pid, signal);
        }
    }

    pub(in crate::supervisor::launcher) fn peek(&self) -> End {
        self.end.borrow().unwrap_or(End::Unseen)
    }

    pub(in crate::supervisor::launcher) fn reap(&self) {
        let mut reaped = self.reaped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _noted = waitid(WaitId::Pid(self.pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        *reaped = true;
    }
}

fn wait_for(pid: Pid, number: i32, born: Option<&str>) -> End {
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Ok(status) => {
                let code = status.as_ref().and_then(|status| status.exit_status()).map(End::Code);
                let signal = || status.as_ref().and_then(|status| status.terminating_signal()).map(End::Signal);
                return code.or_else(signal).unwrap_or(End::Unseen);
            }
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    // No child of ours: it is looked whether it is still there.
    while birth(number).as_deref() == born && born.is_some() {
        std::thread::sleep(LOOK_EVERY);
    }
    End::Unseen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ps_tells_births_memory_and_who_carries_an_incarnation() {
        let mut child = Command::new("/bin/sleep").arg("60").env_clear().env(COOKIE, "portable-test").spawn().expect("it starts");
        let pid = i32::try_from(child.id()).expect("a number");
        assert!(birth(pid).is_some() && !boot().is_empty());
        // The variables show only once the program has taken the place of the fork.
        let is_seen = (0..200).any(|_| carries(pid, "portable-test"));
        assert!(is_seen && !carries(pid, "another"));
        assert_eq!(scan().expect("a list").get("portable-test"), Some(&vec![pid]));
        assert!(memory(pid).is_some_and(|bytes| bytes > 0));
        child.kill().expect("it ends");
        // It is a zombie as soon as the signal has come through, and nobody has reaped it.
        assert!((0..200).any(|_| birth(pid).is_none()), "a zombie is dead");
        child.wait().expect("it ended");
        assert_eq!(birth(pid), None);
    }

    #[tokio::test]
    async fn the_end_of_a_child_and_of_somebody_elses_is_seen() {
        let mut child = Command::new("/bin/sh").args(["-c", "exit 7"]).spawn().expect("it starts");
        let watch = Watch::open(i32::try_from(child.id()).expect("a number")).expect("a hold");
        watch.dead().await;
        assert_eq!(watch.peek(), End::Code(7));
        watch.reap();
        watch.signal(Signal::KILL);
        assert!(child.wait().is_err(), "it is reaped");
    }
}
