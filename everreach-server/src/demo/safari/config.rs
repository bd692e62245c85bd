//! What a double is started with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono_tz::Tz;
use everreach_core::safari::{Service, TokenNeed};
use everreach_core::{SharedClock, SystemClock};

use super::Scenario;

/// Which ports the services take, always on 127.0.0.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ports {
    /// Their own: 3001 and 3100 for instagram-dm, 3003 and so on for the others.
    #[default]
    Own,
    /// From this one on, in the order of [`Service::ALL`]; the tenth is the second instagram-dm.
    From(u16),
    /// Any that are free.
    Ephemeral,
}

/// Whether the services keep to their hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hours {
    /// Nine to nine in this zone, where the service has hours at all.
    Kept(Tz),
    /// All day and all night.
    Ignored,
}

/// Whether the services keep their limits by the hour and the day, and those of requests by the minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OwnLimits {
    /// They do.
    #[default]
    Kept,
    /// They count, and refuse nothing.
    Lifted,
}

/// What a double is started with: by default all nine at their own ports, with their own tokens, hours (in UTC) and limits.
///
/// ```
/// use everreach_core::safari::Service;
/// use everreach_server::demo::safari::{DoubleConfig, Ports};
/// let config = DoubleConfig::default().only(vec![Service::TwitterDm]).on(Ports::Ephemeral).without_limits();
/// assert_eq!(config.services, [Service::TwitterDm]);
/// assert_eq!(config.tokens[&Service::ThreadsComments], "threads-local-dev-token");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DoubleConfig {
    /// Which services run.
    pub services: Vec<Service>,
    /// Where they listen.
    pub ports: Ports,
    /// Where they get the time from; delays are real all the same.
    pub clock: SharedClock,
    /// Whether they keep to their hours.
    pub hours: Hours,
    /// Whether they keep their limits.
    pub limits: OwnLimits,
    /// The tokens they want. A service that is not named here wants none.
    pub tokens: BTreeMap<Service, String>,
    /// How they behave at first.
    pub scenarios: Vec<(Service, Scenario)>,
    /// A file to which every press is appended as a line of JSON.
    pub log: Option<PathBuf>,
}

impl Default for DoubleConfig {
    fn default() -> Self {
        let tokens = Service::ALL.into_iter().filter(|service| service.profile().token == TokenNeed::Required);
        Self {
            services: Service::ALL.to_vec(),
            ports: Ports::Own,
            clock: SystemClock::shared(),
            hours: Hours::Kept(Tz::UTC),
            limits: OwnLimits::Kept,
            tokens: tokens.map(|service| (service, default_token(service).to_owned())).collect(),
            scenarios: Vec::new(),
            log: None,
        }
    }
}

const fn default_token(service: Service) -> &'static str {
    match service {
        Service::ThreadsComments => "threads-local-dev-token",
        Service::InstagramComments => "test-token",
        _ => "test-token-12345",
    }
}

impl DoubleConfig {
    /// Runs these services only.
    #[must_use]
    pub fn only(mut self, services: Vec<Service>) -> Self {
        self.services = services;
        self
    }

    /// Takes these ports.
    #[must_use]
    pub const fn on(mut self, ports: Ports) -> Self {
        self.ports = ports;
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Lets the services send at any hour.
    #[must_use]
    pub const fn at_any_hour(mut self) -> Self {
        self.hours = Hours::Ignored;
        self
    }

    /// Lets the services count without ever refusing.
    #[must_use]
    pub const fn without_limits(mut self) -> Self {
        self.limits = OwnLimits::Lifted;
        self
    }

    /// Starts this service with this behaviour.
    #[must_use]
    pub fn with_scenario(mut self, service: Service, scenario: Scenario) -> Self {
        self.scenarios.push((service, scenario));
        self
    }

    /// Has this service want this token.
    #[must_use]
    pub fn with_token(mut self, service: Service, token: impl Into<String>) -> Self {
        self.tokens.insert(service, token.into());
        self
    }

    /// Appends every press to this file.
    #[must_use]
    pub fn logging_to(mut self, file: impl Into<PathBuf>) -> Self {
        self.log = Some(file.into());
        self
    }
}
