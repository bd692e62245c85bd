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
    /// It answers again, and had not failed.
    CloudOnline,
    /// It answers again, and had failed.
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
    /// Whether people are told, besides the event that is always written.
    #[must_use]
    pub const fn is_for_people(self) -> bool {
        matches!(self, Self::CloudFailed | Self::CloudRestored | Self::CloudAliveUnseen | Self::NeedsPerson)
    }

    /// Whether it is about what was seen of the cloud or of this machine's network, and not about who does the work.
    #[must_use]
    pub const fn is_about_the_cloud(self) -> bool {
        matches!(self, Self::CloudOffline | Self::CloudOnline | Self::CloudFailed | Self::CloudRestored | Self::OwnNetworkDown)
    }

    /// The topic under which the sync bus passes it on, for those that others wait for.
    #[must_use]
    pub const fn topic(self) -> Option<&'static str> {
        match self {
            Self::CloudFailed => Some("FAILOVER_TO_LOCAL"),
            Self::CloudRestored => Some("FAILOVER_RESTORED"),
            _ => None,
        }
    }

    /// The event's kind.
    #[must_use]
    pub const fn event_kind(self) -> &'static str {
        match self {
            Self::CloudOffline => "connectivity.offline",
            Self::CloudFailed => "failover.cloud_failed",
            Self::CloudOnline => "connectivity.online",
            Self::CloudRestored => "failover.cloud_restored",
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
            Self::CloudOnline => "The cloud terminal answers again",
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
