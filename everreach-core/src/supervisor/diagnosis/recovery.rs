//! What mends which reason.

use super::Reason;
use crate::supervisor::agent::RestartPolicy;

/// What is done about an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "whoever carries it out has to answer each of them")]
pub enum Recovery {
    /// It failed: it is started again after a wait that grows, until its circuit opens.
    Restart,
    /// It did not fail: it is started again after the shortest wait.
    StartAgain,
    /// No fast repeat mends it: its circuit opens at once.
    Rest,
    /// It is not its own fault: it is started again once the cause has passed.
    Hold,
    /// It stays down, and that is well.
    Stay,
    /// It stays down, and that is a failure.
    GiveUp,
}

/// What is done about an end for this reason under this policy.
///
/// ```
/// use everreach_core::supervisor::{Reason, Recovery, RestartPolicy, recovery};
/// assert_eq!(recovery(Reason::CrashSignal, RestartPolicy::Always), Recovery::Restart);
/// assert_eq!(recovery(Reason::CleanExit, RestartPolicy::OnFailure), Recovery::Stay);
/// assert_eq!(recovery(Reason::DependencyDown, RestartPolicy::Always), Recovery::Hold);
/// ```
#[must_use]
pub const fn recovery(reason: Reason, policy: RestartPolicy) -> Recovery {
    match (reason, policy) {
        (Reason::Requested, _) => Recovery::Stay,
        (Reason::CleanExit, RestartPolicy::Always) => Recovery::StartAgain,
        (Reason::CleanExit, RestartPolicy::OnFailure | RestartPolicy::Never) => Recovery::Stay,
        (Reason::Outdated, _) => Recovery::StartAgain,
        (_, RestartPolicy::Never) => Recovery::GiveUp,
        (Reason::HostReboot, _) => Recovery::StartAgain,
        (Reason::ConfigError, _) => Recovery::Rest,
        (Reason::DependencyDown | Reason::HostPressure, _) => Recovery::Hold,
        _ => Recovery::Restart,
    }
}
