//! The diagnosis: ordered rules over what is known.

use std::time::Duration;

use serde::Serialize;

use super::phrases::{self, Said};
use super::{End, Evidence, Reason, StartFailure};

/// One that ends sooner than this after its start was probably set up wrongly, where it says so.
const SOON: Duration = Duration::from_secs(5);
const CONFIG_CODES: [i32; 3] = [2, 64, 78];
const SIGKILL: i32 = 9;
/// Of SEGV, ABRT, BUS, ILL, FPE, TRAP and SYS, on Linux and macOS.
#[cfg(not(target_os = "macos"))]
const CRASHES: [i32; 7] = [11, 6, 7, 4, 8, 5, 31];
#[cfg(target_os = "macos")]
const CRASHES: [i32; 7] = [11, 6, 10, 4, 8, 5, 12];

/// Why an agent ended, and what that was read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The reason.
    pub reason: Reason,
    /// What it was read from, in a sentence.
    pub detail: String,
    /// What it was waiting for when it failed, where its last words name it. Several agents that name the same are held together.
    pub peer: Option<String>,
}

impl Diagnosis {
    /// A reason with what it was read from.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), peer: None }
    }
}

/// Why it ended. The first rule that applies decides.
///
/// ```
/// use everreach_core::supervisor::{End, Evidence, Reason, diagnose};
/// let evidence = Evidence::of(Ok(End::Code(1))).with_log("OSError: [Errno 98] Address already in use");
/// assert_eq!(diagnose(&evidence).reason, Reason::PortInUse);
/// assert_eq!(diagnose(&Evidence::of(Ok(End::Signal(11)))).reason, Reason::CrashSignal);
/// ```
#[must_use]
pub fn diagnose(evidence: &Evidence<'_>) -> Diagnosis {
    let end = match evidence.end {
        Ok(end) => end,
        Err(failure) => return of_start(failure),
    };
    if evidence.is_after_reboot {
        return Diagnosis::new(Reason::HostReboot, "the machine was started anew");
    }
    if let Some(reason) = evidence.ordered {
        return Diagnosis::new(reason, format!("it was ended from here: {end}"));
    }
    if evidence.is_success {
        return Diagnosis::new(Reason::CleanExit, end.to_string());
    }
    of_kill(evidence, end).or_else(|| of_words(evidence, end)).unwrap_or_else(|| of_end(evidence, end))
}

fn of_start(failure: StartFailure) -> Diagnosis {
    let (reason, detail) = match failure {
        StartFailure::NotFound => (Reason::ExecNotFound, "what is to be run is not there"),
        StartFailure::Denied => (Reason::ExecDenied, "what is to be run may not be run"),
        StartFailure::NoRoom => (Reason::HostPressure, "the machine has no room for another process"),
        StartFailure::Misconfigured => (Reason::ConfigError, "what it needs to be started is set up wrongly"),
        StartFailure::Other => (Reason::Unknown, "the system refused to start it"),
    };
    Diagnosis::new(reason, detail)
}

/// Killed, or as good as, for want of memory.
fn of_kill(evidence: &Evidence<'_>, end: End) -> Option<Diagnosis> {
    if end != End::Signal(SIGKILL) {
        return None;
    }
    let memory = evidence.memory;
    if memory.oom_kills {
        return Some(Diagnosis::new(Reason::OomKilled, "the kernel ended a process for want of memory at that time"));
    }
    let is_near_limit = memory.limit.is_some_and(|limit| memory.peak >= limit / 10 * 9);
    if is_near_limit || evidence.host.memory_free < 0.05 {
        let detail = format!("signal 9 that was not sent from here, at {} MiB", memory.peak / (1024 * 1024));
        return Some(Diagnosis::new(Reason::ProbableOom, detail));
    }
    None
}

fn of_words(evidence: &Evidence<'_>, end: End) -> Option<Diagnosis> {
    if let End::Signal(_) = end {
        return None;
    }
    let is_soon = evidence.ran_for < SOON;
    match phrases::read(evidence.log_tail) {
        Some(Said::PortInUse(line)) => Some(Diagnosis::new(Reason::PortInUse, line)),
        Some(Said::Host(line)) => Some(Diagnosis::new(Reason::HostPressure, line)),
        Some(Said::Memory(line)) => Some(Diagnosis::new(Reason::ProbableOom, line)),
        Some(Said::Config(line)) if is_soon => Some(Diagnosis::new(Reason::ConfigError, line)),
        Some(Said::Dependency { line, peer }) => {
            Some(Diagnosis { peer: Some(peer), ..Diagnosis::new(Reason::ExitCode, format!("{end}: {line}")) })
        }
        _ => None,
    }
}

fn of_end(evidence: &Evidence<'_>, end: End) -> Diagnosis {
    let after = format!("{end} after {:.1} s", evidence.ran_for.as_secs_f64());
    match end {
        End::Code(code) if CONFIG_CODES.contains(&code) && evidence.ran_for < SOON => Diagnosis::new(Reason::ConfigError, after),
        End::Code(_) => Diagnosis::new(Reason::ExitCode, after),
        End::Signal(signal) if CRASHES.contains(&signal) => Diagnosis::new(Reason::CrashSignal, after),
        End::Signal(_) => Diagnosis::new(Reason::Killed, format!("{after}, not sent from here")),
        End::Unseen => Diagnosis::new(Reason::Unknown, "it ended, and nobody could see how"),
    }
}
