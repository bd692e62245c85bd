//! What is told, once each time it happens.

use serde::Serialize;

/// Something that happened to the cloud or to who does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Notice {
    /// Calls are kept away from the cloud.
    CloudOffline,
    /// The cloud counts as failed; calls go to this machine.
    CloudFailed,
    /// The cloud answers again.
    CloudRestored,
    /// It cannot be seen from here, but it still renews its lease: it lives, and goes on.
    CloudAliveUnseen,
    /// It has failed, and only a person can say that this side may do its work.
    NeedsPerson,
    /// This side fires the jobs now.
    TookOver,
    /// The cloud fires the jobs again.
    HandedBack,
    /// The lease was lost: this side has stopped.
    LeaseLost,
    /// This machine's own network is down.
    OwnNetworkDown,
}

impl Notice {
    /// The event's kind.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::CloudOffline => "connectivity.offline",
            Self::CloudFailed => "failover.cloud_failed",
            Self::CloudRestored => "connectivity.online",
            Self::CloudAliveUnseen => "failover.cloud_alive_unseen",
            Self::NeedsPerson => "failover.needs_person",
            Self::TookOver => "failover.took_over",
            Self::HandedBack => "failover.handed_back",
            Self::LeaseLost => "failover.lease_lost",
            Self::OwnNetworkDown => "connectivity.own_network_down",
        }
    }

    /// What people are told.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::CloudOffline => "The cloud terminal does not answer: offline mode",
            Self::CloudFailed => "Cloud terminal DOWN — local failover active",
            Self::CloudRestored => "Cloud terminal RESTORED",
            Self::CloudAliveUnseen => {
                "The cloud terminal cannot be reached from here, but it is alive: it goes on firing the jobs, and this side does not"
            }
            Self::NeedsPerson => "Nobody fires the cloud's jobs. If you know that it is down, type: everreach failover take-over",
            Self::TookOver => "This side fires the cloud's jobs now",
            Self::HandedBack => "The cloud fires its jobs again",
            Self::LeaseLost => "This side lost the right to fire the cloud's jobs and has stopped",
            Self::OwnNetworkDown => "This machine's own network is down: nothing is said about the cloud",
        }
    }
}
