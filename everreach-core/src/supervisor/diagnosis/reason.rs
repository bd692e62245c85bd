//! The reasons, as words.

use serde::{Deserialize, Serialize};

/// Why an agent ended, or was ended.
///
/// ```
/// use everreach_core::supervisor::Reason;
/// assert_eq!(Reason::ExecNotFound.as_str(), "exec_not_found");
/// assert_eq!(Reason::from_word("hung"), Some(Reason::Hung));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Its program or script is not there.
    ExecNotFound,
    /// Its program may not be run: by its permissions, or because it lies outside the allowed roots.
    ExecDenied,
    /// It ended right after its start and says that it was set up wrongly.
    ConfigError,
    /// Its health was not good in time after the start.
    StartTimeout,
    /// The kernel ended it for want of memory.
    OomKilled,
    /// It looks as if it was ended for want of memory.
    ProbableOom,
    /// It used more memory than its limit, and was ended here.
    MemoryLimit,
    /// It crashed.
    CrashSignal,
    /// Somebody else sent it a signal.
    Killed,
    /// It lives and does nothing: no answers and no heartbeats.
    Hung,
    /// The port that it listens on is taken.
    PortInUse,
    /// What it and others need is away.
    DependencyDown,
    /// The machine has no room: disk, open files, processes or memory.
    HostPressure,
    /// Somebody asked for it.
    Requested,
    /// Its definition changed.
    Outdated,
    /// It ended well.
    CleanExit,
    /// It ended with an exit code that is a failure.
    ExitCode,
    /// The machine was started anew.
    HostReboot,
    /// It ended while nobody watched.
    Unknown,
}

/// How loudly a reason is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever tells has to answer each of them")]
pub enum Level {
    /// It is an event.
    Info,
    /// It is logged as a warning.
    Warn,
    /// A person is told.
    Page,
}

impl Reason {
    /// Every one of them.
    pub const ALL: [Self; 19] = [
        Self::ExecNotFound,
        Self::ExecDenied,
        Self::ConfigError,
        Self::StartTimeout,
        Self::OomKilled,
        Self::ProbableOom,
        Self::MemoryLimit,
        Self::CrashSignal,
        Self::Killed,
        Self::Hung,
        Self::PortInUse,
        Self::DependencyDown,
        Self::HostPressure,
        Self::Requested,
        Self::Outdated,
        Self::CleanExit,
        Self::ExitCode,
        Self::HostReboot,
        Self::Unknown,
    ];

    /// The word in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExecNotFound => "exec_not_found",
            Self::ExecDenied => "exec_denied",
            Self::ConfigError => "config_error",
            Self::StartTimeout => "start_timeout",
            Self::OomKilled => "oom_killed",
            Self::ProbableOom => "probable_oom",
            Self::MemoryLimit => "memory_limit",
            Self::CrashSignal => "crash_signal",
            Self::Killed => "killed",
            Self::Hung => "hung",
            Self::PortInUse => "port_in_use",
            Self::DependencyDown => "dependency_down",
            Self::HostPressure => "host_pressure",
            Self::Requested => "requested",
            Self::Outdated => "outdated",
            Self::CleanExit => "clean_exit",
            Self::ExitCode => "exit_code",
            Self::HostReboot => "host_reboot",
            Self::Unknown => "unknown",
        }
    }

    /// The reason a word stands for; nothing for a word that is not ours.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// How loudly a single occurrence is told. A circuit that opens always pages.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::ExecNotFound | Self::ExecDenied | Self::ConfigError | Self::DependencyDown | Self::HostPressure => Level::Page,
            Self::Requested | Self::Outdated | Self::CleanExit | Self::HostReboot => Level::Info,
            _ => Level::Warn,
        }
    }

    /// What a person can do about it; nothing where there is nothing to do.
    #[must_use]
    pub const fn hint(self) -> Option<&'static str> {
        match self {
            Self::ExecNotFound => Some("check the path in entry_point, and that it lies under EVERREACH_AGENT_ROOTS"),
            Self::ExecDenied => Some("make the program executable, and keep it under EVERREACH_AGENT_ROOTS"),
            Self::ConfigError => Some("read the end of its log: it says what it lacks"),
            Self::StartTimeout => Some("raise start_timeout_s, or check health_url"),
            Self::OomKilled | Self::ProbableOom | Self::MemoryLimit => Some("raise the memory limit, or look for a leak"),
            Self::PortInUse => Some("stop the program that listens there, or give the agent another port"),
            Self::DependencyDown => Some("bring back what they wait for; they are started then"),
            Self::HostPressure => Some("make room on the machine; agents are started then"),
            _ => None,
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
