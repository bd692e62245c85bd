//! What Safari is told from outside.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use url::Url;

use super::decision::{Conditions, Pacing};
use super::limits::LimitTable;
use super::wire::DispatchConfig;
use super::{ActiveHours, Service};
use crate::secret::SecretString;

/// Where a service is, and the token it wants.
///
/// ```
/// use everreach_core::safari::ServiceConfig;
/// let own = ServiceConfig::default().at("http://127.0.0.1:3100".parse().expect("a URL")).with_token("t0ken");
/// assert!(!format!("{own:?}").contains("t0ken"));
/// ```
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ServiceConfig {
    /// Its address; its port on the loopback address when unset.
    pub url: Option<Url>,
    /// Its bearer token.
    pub token: Option<SecretString>,
}

impl ServiceConfig {
    /// Sets the address.
    #[must_use]
    pub fn at(mut self, url: Url) -> Self {
        self.url = Some(url);
        self
    }

    /// Sets the token.
    #[must_use]
    pub fn with_token(mut self, token: impl Into<SecretString>) -> Self {
        self.token = Some(token.into());
        self
    }
}

impl fmt::Debug for ServiceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only the origin: somebody may have put a password into the URL, which the dispatcher refuses.
        let origin = self.url.as_ref().map(|url| url.origin().ascii_serialization());
        f.debug_struct("ServiceConfig").field("origin", &origin).field("has_token", &self.token.is_some()).finish()
    }
}

/// What Safari is told from outside. Plain data: a host fills it from its settings.
///
/// ```
/// use everreach_core::safari::{SafariConfig, Service, ServiceConfig};
/// let config = SafariConfig::default()
///     .with_service(Service::TwitterComments, ServiceConfig::default().with_token("test-token-12345"));
/// assert!(config.service(Service::TwitterComments).token.is_some() && config.service(Service::TwitterDm).token.is_none());
/// assert_eq!(config.lease.as_secs(), 60);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SafariConfig {
    /// Addresses and tokens; a service that is not here is at its port, without a token.
    pub services: BTreeMap<Service, ServiceConfig>,
    /// Our limits: `SAFARI_LIMITS` over the defaults.
    pub limits: LimitTable,
    /// When outward commands may go: `SAFARI_ACTIVE_HOURS`.
    pub active_hours: ActiveHours,
    /// The zone of these hours: `SAFARI_TIMEZONE`.
    pub zone: Tz,
    /// Spacing, and the rest after an unknown outcome.
    pub pacing: Pacing,
    /// How long a claim of a command and of the browser lasts unless renewed: `SAFARI_LEASE_SEC`.
    pub lease: Duration,
    /// How long a campaign that may send more than 10 messages waits for a person before it is paused:
    /// `SAFARI_CAMPAIGN_APPROVAL_HOURS`. A batch waits four hours and is refused.
    pub campaign_approval: Duration,
    /// A file of people who are never written to, one on each line: `SAFARI_DENY_LIST_FILE`.
    pub deny_list_file: Option<PathBuf>,
    /// Whether `force` is passed on, and how the CRM script is started.
    pub dispatch: DispatchConfig,
    /// The folder in which the CRM script runs; the one of this process when unset.
    pub crm_folder: Option<PathBuf>,
}

impl Default for SafariConfig {
    fn default() -> Self {
        Self {
            services: BTreeMap::new(),
            limits: LimitTable::default(),
            active_hours: ActiveHours::NINE_TO_NINE,
            zone: Tz::UTC,
            pacing: Pacing::default(),
            lease: Duration::from_secs(60),
            campaign_approval: Duration::from_secs(7 * 24 * 3_600),
            deny_list_file: None,
            dispatch: DispatchConfig::default(),
            crm_folder: None,
        }
    }
}

impl SafariConfig {
    /// Address and token of one service.
    #[must_use]
    pub fn service(&self, service: Service) -> ServiceConfig {
        self.services.get(&service).cloned().unwrap_or_default()
    }

    /// The conditions that the settings make, before anything was looked at.
    ///
    /// ```
    /// use everreach_core::safari::SafariConfig;
    /// assert!(SafariConfig::default().conditions().health.is_empty());
    /// ```
    #[must_use]
    pub fn conditions(&self) -> Conditions {
        let mut conditions = Conditions::new(self.zone);
        conditions.limits = self.limits.clone();
        conditions.active_hours = self.active_hours;
        conditions.pacing = self.pacing;
        conditions
    }

    /// Sets address and token of one service.
    #[must_use]
    pub fn with_service(mut self, service: Service, config: ServiceConfig) -> Self {
        self.services.insert(service, config);
        self
    }
}
