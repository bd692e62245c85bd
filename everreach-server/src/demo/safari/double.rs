//! The double as a whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use everreach_core::safari::limits::Limit;
use everreach_core::safari::{Service, TokenNeed};
use everreach_core::{Error, ErrorKind, Result};

use super::config::{DoubleConfig, Ports};
use super::control::set;
use super::conversations::Unread;
use super::press::{Press, PressLog};
use super::process::Process;
use super::scenario::Scenario;
use super::station::{Mac, Station};

/// Nine services, or some of them, that behave like those on the Mac. They stop when this is dropped.
///
/// ```
/// use everreach_core::safari::Service;
/// use everreach_server::demo::safari::{DoubleConfig, Ports, SafariDouble};
/// # async fn example() -> everreach_core::Result<()> {
/// let config = DoubleConfig::default().only(vec![Service::LinkedinAutomation]).on(Ports::Ephemeral);
/// let double = SafariDouble::start(config).await?;
/// double.set_scenario(Service::LinkedinAutomation, "crash,times=1".parse()?).await?;
/// // ... a send: it is pressed, the connection is reset, the port refuses ...
/// double.restart(Service::LinkedinAutomation).await?;
/// assert_eq!(double.injections(), 0);
/// double.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct SafariDouble {
    mac: Arc<Mac>,
    processes: Vec<Arc<Process>>,
}

impl SafariDouble {
    /// Starts the services.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`] for a port that is taken, [`ErrorKind::InvalidInput`] for a scenario that its service does not
    /// have or ports beyond 65535, [`ErrorKind::Config`] for a log that cannot be written.
    pub async fn start(config: DoubleConfig) -> Result<Self> {
        let mac = Arc::new(Mac {
            clock: config.clock,
            hours: config.hours,
            limits: config.limits,
            tokens: config.tokens,
            log: PressLog::open(config.log.as_deref())?,
            tabs: Mutex::default(),
            processes: OnceLock::new(),
            busy: AtomicUsize::new(0),
            busiest: AtomicUsize::new(0),
        });
        let mut processes = Vec::new();
        for (service, port) in ports(&config.services, config.ports)? {
            let station = Arc::new(Station::new(service, Arc::clone(&mac)));
            processes.push(Arc::new(Process::launch(station, port).await?));
        }
        // Set once, by the only one that has it.
        let _first = mac.processes.set(processes.iter().map(Arc::downgrade).collect());
        let double = Self { mac, processes };
        for (service, scenario) in config.scenarios {
            double.set_scenario(service, scenario).await?;
        }
        Ok(double)
    }

    fn of(&self, service: Service) -> impl Iterator<Item = &Arc<Process>> {
        self.processes.iter().filter(move |process| process.station.service == service)
    }

    fn known(&self, service: Service) -> Result<()> {
        let missing = || Error::new(ErrorKind::NotFound, "this double does not run that service").with("service", service);
        self.of(service).next().map(|_| ()).ok_or_else(missing)
    }

    /// The address of a service, such as `http://127.0.0.1:3003`; none when it was not started.
    #[must_use]
    pub fn url(&self, service: Service) -> Option<String> {
        self.of(service).next().map(|process| address(process))
    }

    /// The address of its second process: only instagram-dm has one.
    #[must_use]
    pub fn second_url(&self, service: Service) -> Option<String> {
        self.of(service).nth(1).map(|process| address(process))
    }

    /// The token that a service wants; none when it wants none.
    #[must_use]
    pub fn token(&self, service: Service) -> Option<&str> {
        self.mac.tokens.get(&service).map(String::as_str)
    }

    /// The settings that lead to these services, by name: addresses, and tokens where one is wanted.
    ///
    /// ```
    /// # use everreach_server::demo::safari::{DoubleConfig, Ports, SafariDouble};
    /// # async fn example() -> everreach_core::Result<()> {
    /// let double = SafariDouble::start(DoubleConfig::default().on(Ports::Ephemeral)).await?;
    /// assert_eq!(double.settings()[0].0, "SAFARI_INSTAGRAM_DM_URL");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = Vec::new();
        for service in Service::ALL {
            let profile = service.profile();
            let Some(url) = self.url(service) else { continue };
            settings.push((profile.url_setting, url));
            if let Some(token) = self.token(service).filter(|_| profile.token != TokenNeed::None) {
                settings.push((profile.token_setting, token.to_owned()));
            }
        }
        settings
    }

    /// Has a service behave so from the next action on. Counters and memory stay as they are.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the service does not have the scenario, [`ErrorKind::NotFound`] when it was not started.
    pub async fn set_scenario(&self, service: Service, scenario: Scenario) -> Result<()> {
        self.known(service)?;
        for process in self.of(service) {
            set(process, &scenario).await?;
        }
        Ok(())
    }

    /// Starts a service again, as after a crash: it forgets its counters, not the people it messaged.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it was not started, [`ErrorKind::Conflict`] when another program took its port meanwhile.
    pub async fn restart(&self, service: Service) -> Result<()> {
        self.known(service)?;
        for process in self.of(service) {
            process.restart().await?;
        }
        Ok(())
    }

    /// Ends a service's process: its port refuses until it is restarted.
    pub async fn stop(&self, service: Service) {
        for process in self.of(service) {
            process.stop().await;
        }
    }

    /// Changes the limits that a service keeps, as somebody at the Mac might.
    pub fn set_limit(&self, service: Service, limit: Limit) {
        for process in self.of(service) {
            process.station.memory().limit = limit;
        }
    }

    /// What a service's lists of unread conversations hold from now on.
    pub fn set_unread(&self, service: Service, unread: &[Unread]) {
        for process in self.of(service) {
            process.station.memory().unread = unread.to_vec();
        }
    }

    /// Every press of Send so far, in order.
    #[must_use]
    pub fn presses(&self) -> Vec<Press> {
        self.mac.log.lines().into_iter().filter(|line| line.press.is_some()).collect()
    }

    /// How many actions carried a target that would have run a command on the Mac. Must stay 0.
    #[must_use]
    pub fn injections(&self) -> usize {
        self.mac.log.lines().iter().filter(|line| line.injected && line.press.is_none()).count()
    }

    /// The most actions that ran at the same time over all services: they share one Safari, so 1 is the most there may be.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        self.mac.busiest.load(Ordering::SeqCst)
    }

    /// Stops the services. Work that goes on is cut off, as when the Mac is switched off.
    pub async fn shutdown(self) {
        for process in &self.processes {
            process.stop().await;
        }
    }
}

fn address(process: &Process) -> String {
    format!("http://127.0.0.1:{}", process.port())
}

/// The services and their ports; instagram-dm twice, as its start script has it.
fn ports(services: &[Service], ports: Ports) -> Result<Vec<(Service, u16)>> {
    let wanted = Service::ALL.into_iter().filter(|service| services.contains(service));
    let mut taken = Vec::new();
    for (service, index) in wanted.clone().map(|service| (service, place(service))) {
        taken.push((service, port(ports, service.profile().port, index)?));
    }
    for service in wanted {
        if let Some(other) = service.profile().other_port {
            taken.push((service, port(ports, other, Service::ALL.len())?));
        }
    }
    Ok(taken)
}

fn place(service: Service) -> usize {
    Service::ALL.into_iter().position(|other| other == service).unwrap_or_default()
}

fn port(ports: Ports, own: u16, index: usize) -> Result<u16> {
    let beyond = || Error::new(ErrorKind::InvalidInput, "there are not ten ports from this one on; --port-base is 65526 at most");
    match ports {
        Ports::Own => Ok(own),
        Ports::From(first) => u16::try_from(index).ok().and_then(|index| first.checked_add(index)).ok_or_else(beyond),
        Ports::Ephemeral => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_the_contracts_or_follow_the_order_of_the_names() {
        let own: Vec<_> = ports(&Service::ALL, Ports::Own).expect("ports").into_iter().map(|(_, port)| port).collect();
        assert_eq!(own, [3001, 3003, 3004, 3005, 3006, 3007, 3102, 3105, 3106, 3100]);
        let some = ports(&[Service::LinkedinAutomation, Service::InstagramDm], Ports::From(4000)).expect("ports");
        assert_eq!(some, [(Service::InstagramDm, 4000), (Service::LinkedinAutomation, 4007), (Service::InstagramDm, 4009)]);
        assert_eq!(ports(&Service::ALL, Ports::From(65_530)).expect_err("too high").kind(), ErrorKind::InvalidInput);
    }
}
