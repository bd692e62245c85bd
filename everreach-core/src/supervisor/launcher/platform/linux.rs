//! Linux: `/proc` and process file descriptors.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, prlimit, waitid,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::supervisor::diagnosis::End;
use crate::supervisor::launcher::identity::COOKIE;

/// Which start of which machine this is.
pub(in crate::supervisor::launcher) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

/// When a process was born, in ticks since the machine started; nothing for one that is not there.
pub(in crate::supervisor::launcher) fn birth(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold spaces and brackets; what follows the last one is numbers.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18).map(str::to_owned)
}

/// What the kernel calls a process; nothing on kernels that call all of them the same.
pub(in crate::supervisor::launcher) fn handle(pid: i32) -> Option<u64> {
    let inode = |pid: Pid| pidfd_open(pid, PidfdFlags::empty()).and_then(rustix::fs::fstat).ok().map(|stat| stat.st_ino);
    let (theirs, ours) = (inode(Pid::from_raw(pid)?)?, inode(rustix::process::getpid())?);
    (theirs != ours).then_some(theirs)
}

/// Whether a process was started with this incarnation.
pub(in crate::supervisor::launcher) fn carries(pid: i32, incarnation: &str) -> bool {
    cookie(pid).is_some_and(|found| found == incarnation)
}

fn cookie(pid: i32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let find =
        |variable: &[u8]| variable.strip_prefix(COOKIE.as_bytes()).and_then(|rest| rest.strip_prefix(b"=")).map(<[u8]>::to_vec);
    environment.split(|byte| *byte == 0).find_map(find).and_then(|value| String::from_utf8(value).ok())
}

/// All processes that carry an incarnation, by it.
pub(in crate::supervisor::launcher) fn scan() -> io::Result<HashMap<String, Vec<i32>>> {
    let mut found: HashMap<String, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(incarnation) = cookie(pid) {
            found.entry(incarnation).or_default().push(pid);
        }
    }
    Ok(found)
}

/// Resident memory of a process, in bytes.
pub(in crate::supervisor::launcher) fn memory(pid: i32) -> Option<u64> {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The share of the machine's memory that is free, 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "kilobytes of memory are far below 2^52")]
pub(in crate::supervisor::launcher) fn memory_free() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split_ascii_whitespace().next()?.parse::<u64>().ok());
    let (free, all) = (line("MemAvailable:")?, line("MemTotal:")?);
    (all > 0).then(|| free as f64 / all as f64)
}

/// How many processes the kernel ended for want of memory since it started.
pub(in crate::supervisor::launcher) fn oom_kills() -> Option<u64> {
    let counts = fs::read_to_string("/proc/vmstat").ok()?;
    counts.lines().find_map(|line| line.strip_prefix("oom_kill ")).and_then(|count| count.trim().parse().ok())
}

/// Lets a process open at most so many files.
pub(in crate::supervisor::launcher) fn limit_open_files(pid: i32, most: u64) -> io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process"))?;
    prlimit(Some(pid), Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) })?;
    Ok(())
}

/// A hold on one process, whatever becomes of its number.
#[derive(Debug)]
pub(in crate::supervisor::launcher) struct Watch {
    fd: AsyncFd<OwnedFd>,
}

impl Watch {
    /// Takes hold of the process that has this number now.
    pub(in crate::supervisor::launcher) fn open(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no process"))?;
        let fd = pidfd_open(pid, PidfdFlags::empty())?;
        #[allow(deprecated, reason = "its successor is unsafe; the descriptor is owned here and never exchanged")]
        let fd = AsyncFd::with_interest(fd, Interest::READABLE)?;
        Ok(Self { fd })
    }

    /// Waits until it is dead.
    pub(in crate::supervisor::launcher) async fn dead(&self) {
        // The descriptor stays readable from then on; an error means that nobody can be waited for.
        drop(self.fd.readable().await);
    }

    /// Whether it is dead, asked now.
    pub(in crate::supervisor::launcher) fn is_dead(&self) -> bool {
        let mut asked = [PollFd::new(self.fd.get_ref(), PollFlags::IN)];
        let at_once = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut asked, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    /// Sends it a signal; one that is dead gets none.
    pub(in crate::supervisor::launcher) fn signal(&self, signal: Signal) {
        let _too_late = pidfd_send_signal(self.fd.get_ref(), signal);
    }

    /// How it ended, while its parent (this process) has not taken note of that.
    pub(in crate::supervisor::launcher) fn peek(&self) -> End {
        self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG)
    }

    /// Takes note of its end: its number is free from now on.
    pub(in crate::supervisor::launcher) fn reap(&self) {
        let _noted = self.wait(WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
    }

    fn wait(&self, options: WaitIdOptions) -> End {
        let status = waitid(WaitId::PidFd(self.fd.get_ref().as_fd()), options).ok().flatten();
        let Some(status) = status else { return End::Unseen };
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => End::Code(code),
            (None, Some(signal)) => End::Signal(signal),
            (None, None) => End::Unseen,
        }
    }
}
