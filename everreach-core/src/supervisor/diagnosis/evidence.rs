//! What is known about the end of an agent.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Reason;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever reads it has to answer each of them")]
pub enum End {
    /// By itself, with this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// Nobody could see how: it was no child of this process, or ended while no supervisor ran.
    Unseen,
}

/// Why a process could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever reads it has to answer each of them")]
pub enum StartFailure {
    /// The program, its script or its folder is not there.
    NotFound,
    /// It may not be run.
    Denied,
    /// The machine has no room for another process.
    NoRoom,
    /// What it needs to be started is set up wrongly: a secret that cannot be read, for one.
    Misconfigured,
    /// Anything else that the system says.
    Other,
}

/// The memory of an agent at its last looks, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryReading {
    /// The most that was seen.
    pub peak: u64,
    /// Its limit.
    pub limit: Option<u64>,
    /// Whether the kernel's count of processes ended for want of memory rose meanwhile.
    pub oom_kills: bool,
}

/// The machine at its last look.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct HostReading {
    /// The share of memory that is free, 0 to 1.
    pub memory_free: f64,
    /// Bytes free where the data directory is.
    pub disk_free: u64,
}

impl Default for HostReading {
    fn default() -> Self {
        Self { memory_free: 1.0, disk_free: u64::MAX }
    }
}

/// Less free disk than this is pressure.
const LEAST_DISK: u64 = 16 * 1024 * 1024;
/// Less free memory than this is pressure.
const LEAST_MEMORY: f64 = 0.02;

impl HostReading {
    /// What the machine lacks, if anything.
    ///
    /// ```
    /// use everreach_core::supervisor::HostReading;
    /// assert_eq!(HostReading::default().pressure(), None);
    /// ```
    #[must_use]
    pub fn pressure(&self) -> Option<&'static str> {
        if self.disk_free < LEAST_DISK {
            Some("disk")
        } else if self.memory_free < LEAST_MEMORY {
            Some("memory")
        } else {
            None
        }
    }
}

/// All that is known about the end of an agent.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Evidence<'a> {
    /// How it ended, or why it did not start.
    pub end: Result<End, StartFailure>,
    /// Why it was ended from here, if it was.
    pub ordered: Option<Reason>,
    /// Whether its exit code is one of success.
    pub is_success: bool,
    /// Whether the machine was started anew meanwhile.
    pub is_after_reboot: bool,
    /// How long it ran.
    pub ran_for: Duration,
    /// The end of what it wrote.
    pub log_tail: &'a str,
    /// Its memory.
    pub memory: MemoryReading,
    /// The machine.
    pub host: HostReading,
}

impl<'a> Evidence<'a> {
    /// An end of which nothing else is known.
    #[must_use]
    pub fn of(end: Result<End, StartFailure>) -> Self {
        Self {
            end,
            ordered: None,
            is_success: matches!(end, Ok(End::Code(0))),
            is_after_reboot: false,
            ran_for: Duration::ZERO,
            log_tail: "",
            memory: MemoryReading::default(),
            host: HostReading::default(),
        }
    }

    /// With the end of its log.
    #[must_use]
    pub const fn with_log(mut self, tail: &'a str) -> Self {
        self.log_tail = tail;
        self
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
            Self::Unseen => f.write_str("nobody saw how"),
        }
    }
}
