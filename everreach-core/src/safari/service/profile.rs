//! What is known about a service.

use std::time::Duration;

use super::{ActiveHours, Identity, Service};
use crate::safari::limits::Limit;
use crate::safari::{LimitedAction, Platform};

/// How long any service may take to answer `/health`.
pub(super) const HEALTH_TIMEOUT: Duration = Duration::from_secs(3);
/// How long any service may take to say its limits.
pub(super) const LIMITS_TIMEOUT: Duration = Duration::from_secs(5);
/// How long any service may take to find its tab.
pub(super) const ENSURE_TIMEOUT: Duration = Duration::from_secs(15);

/// Whether a service wants a bearer token. Sending one where none is needed does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenNeed {
    /// It reads none.
    None,
    /// It wants one only where one is set on its side.
    IfSet,
    /// It answers 401 without one.
    Required,
}

/// What a service does about its tab before it acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionNeed {
    /// It finds its own tab, and answers 503 when there is none.
    Finds,
    /// It drives whatever tab is in front until told to find its own: `POST /api/session/ensure` comes first.
    EnsureFirst,
    /// It uses the front tab whatever is open there.
    FrontTab,
}

/// What is known about one service, before it was asked.
///
/// ```
/// use everreach_core::safari::Service;
/// let profile = Service::InstagramDm.profile();
/// assert_eq!(profile.default_url(), "http://127.0.0.1:3001");
/// assert_eq!((profile.url_setting, profile.token_setting), ("SAFARI_INSTAGRAM_DM_URL", "SAFARI_INSTAGRAM_DM_TOKEN"));
/// assert!(profile.down_hint().is_some_and(|hint| hint.contains("3100")));
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ServiceProfile {
    /// Which one it is.
    pub service: Service,
    /// Its name, as it stands in `/health` and in alerts.
    pub name: &'static str,
    /// The platform it acts on; none for research, which knows several.
    pub platform: Option<Platform>,
    /// What it sends; none for research.
    pub action: Option<LimitedAction>,
    /// Its port.
    pub port: u16,
    /// A second port on which the same program is started in some set-ups. Never used by itself: the two count apart.
    pub other_port: Option<u16>,
    /// The setting that overrides its address.
    pub url_setting: &'static str,
    /// The setting that holds its token.
    pub token_setting: &'static str,
    /// Whether it wants one.
    pub token: TokenNeed,
    /// Where it acts.
    pub path: &'static str,
    /// How long its main call may take. Less cuts off sends that then happen.
    pub timeout: Duration,
    /// Where it says its limits; none for research, which says nothing about searches there and takes a tab to say it.
    pub limits_path: Option<&'static str>,
    /// The limits it keeps unless somebody changed them.
    pub own_limit: Limit,
    /// The hours it keeps, in the Mac's local time.
    pub active_hours: Option<ActiveHours>,
    /// What the address of its tab has in it.
    pub tab: &'static str,
    /// What it does about that tab.
    pub session: SessionNeed,
    /// How often `/health` may be asked at most: two services leak a little with each call.
    pub health_interval: Duration,
    /// How it is told from whatever else answers at its port.
    pub identity: Identity,
}

impl ServiceProfile {
    /// The address when none is configured. Always the loopback address: the services listen on all interfaces.
    #[must_use]
    pub fn default_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How long `/health` may take.
    ///
    /// ```
    /// use everreach_core::safari::Service;
    /// let profile = Service::TiktokDm.profile();
    /// assert_eq!(profile.health_timeout().as_secs(), 3);
    /// assert_eq!((profile.limits_timeout().as_secs(), profile.ensure_timeout().as_secs()), (5, 15));
    /// ```
    #[must_use]
    pub const fn health_timeout(&self) -> Duration {
        HEALTH_TIMEOUT
    }

    /// How long its limits endpoint may take.
    #[must_use]
    pub const fn limits_timeout(&self) -> Duration {
        LIMITS_TIMEOUT
    }

    /// How long finding its tab may take.
    #[must_use]
    pub const fn ensure_timeout(&self) -> Duration {
        ENSURE_TIMEOUT
    }

    /// What else to look at when it is down.
    #[must_use]
    pub fn down_hint(&self) -> Option<String> {
        let other = self.other_port?;
        Some(format!(
            "it is often started on port {other} instead: if it runs there, set {}=http://127.0.0.1:{other}",
            self.url_setting
        ))
    }
}
