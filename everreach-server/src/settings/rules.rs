//! The rules that tie settings together, and what comes out: the runtime's configuration and the server's.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use everreach_core::cost::CostConfig;
use everreach_core::failover::{Duty, TwoNodeMode};
use everreach_core::notify::TelegramConfig;
use everreach_core::routing::{RemoteConfig, RoutingConfig};
use everreach_core::runtime::RuntimeConfig;
use everreach_core::schedule::ScheduleConfig;
use everreach_core::store::StoreConfig;
use everreach_core::sync::bus::BusConfig;
use everreach_core::{Error, ErrorKind, Mode, Result};
use secrecy::SecretString;
use url::{Host, Url};

use super::table::Setting;
use super::{Origin, Settings, table};

/// What a process is in a pair of a cloud and a local terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// It decides where its calls run.
    Terminal,
    /// It is the cloud: its calls run in its own registry.
    CloudTerminal,
}

impl Role {
    /// The word for it in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Terminal => "terminal",
            Self::CloudTerminal => "cloud-terminal",
        }
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        [Self::Terminal, Self::CloudTerminal]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| Error::new(ErrorKind::Config, "a role is terminal or cloud-terminal").with("seen", text))
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// What the server is told beside the runtime's configuration.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it is.
    pub role: Role,
    /// Whether the server fires jobs by itself.
    pub fires_jobs: bool,
    /// How many of these run behind one address.
    pub replicas: NonZeroU32,
    /// Further `Host` names it answers.
    pub allowed_hosts: Vec<String>,
    /// A bearer key with all scopes.
    pub admin_key: Option<SecretString>,
    /// The workers' shared secret.
    pub worker_secret: Option<SecretString>,
    /// The key that a cloud terminal accepts; unset on any other process.
    pub cloud_key: Option<SecretString>,
}

impl ServerSettings {
    /// Whether it can be reached from this machine only.
    #[must_use]
    pub const fn is_loopback_only(&self) -> bool {
        self.listen.ip().is_loopback()
    }
}

/// Settings that hold together.
///
/// ```
/// use everreach_server::settings::Layers;
/// let resolved = Layers::default().load()?.resolve()?;
/// assert_eq!(resolved.server.listen.to_string(), "127.0.0.1:8080");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// For the core.
    pub runtime: RuntimeConfig,
    /// For the server.
    pub server: ServerSettings,
}

impl Resolved {
    /// What `serve` does about the other side. Beside a cloud, one that fires no jobs leaves them to a server that does; the cloud's own
    /// jobs may be called for from outside.
    ///
    /// ```
    /// use everreach_core::failover::Duty;
    /// use everreach_server::settings::Layers;
    /// assert_eq!(Layers::default().load()?.resolve()?.duty(), Duty::TakePart);
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub const fn duty(&self) -> Duty {
        if self.server.fires_jobs || self.runtime.routing.is_cloud_terminal { Duty::TakePart } else { Duty::Observe }
    }
}

impl Settings {
    /// Reads every value and checks the rules between them.
    ///
    /// # Errors
    /// [`ErrorKind::Config`], naming the setting, its origin, what was seen and what is wanted.
    pub fn resolve(&self) -> Result<Resolved> {
        let mode = self.mode()?;
        let role = self.role()?;
        let cloud = self.cloud(mode, role)?;
        let cost = self.cost()?;
        let data_dir = self.data_dir();
        let mut runtime = RuntimeConfig::default();
        runtime.store = self.store()?;
        runtime.data_dir = data_dir;
        runtime.routing = self.routing(mode, role)?;
        runtime.worker = self.worker()?;
        runtime.cloud = cloud;
        runtime.cost = cost;
        runtime.telegram = self.telegram()?;
        runtime.safari = self.safari()?;
        runtime.schedule = self.schedule();
        runtime.bus = self.bus()?;
        runtime.relay = self.relay()?;
        runtime.failover = self.failover()?;
        runtime.state.encryption_key = self.secret(&table::SYNC_ENCRYPTION_KEY);
        runtime.state.validate()?;
        let server = ServerSettings {
            listen: self.listen()?,
            role,
            fires_jobs: self.text(&table::SCHEDULE) != Some(NO_SCHEDULE),
            replicas: self.parse(&table::REPLICAS, "a number of at least 1")?,
            allowed_hosts: self.list(&table::ALLOWED_HOSTS),
            admin_key: self.secret(&table::ADMIN_KEY),
            worker_secret: self.secret(&table::WORKER_SECRET),
            cloud_key: self.secret(&table::CLOUD_KEY).filter(|_| role == Role::CloudTerminal),
        };
        let _checked = self.log_format()?;
        Ok(Resolved { runtime, server })
    }

    /// Where the server listens.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for anything but an address with a port.
    pub fn listen(&self) -> Result<SocketAddr> {
        const WANTED: &str = "an address with a port, such as 127.0.0.1:8080 or 0.0.0.0:8090";
        let address: SocketAddr = self.need(&table::LISTEN, WANTED, |text| {
            text.parse()
                .ok()
                .or_else(|| text.strip_prefix("localhost:")?.parse().ok().map(|port: u16| ([127, 0, 0, 1], port).into()))
        })?;
        let is_given = self.origin(&table::LISTEN) != Origin::Default;
        Ok(if is_given || self.mode()? != Mode::Cloud { address } else { SocketAddr::new(address.ip(), CLOUD_PORT) })
    }

    /// The value that holds, as people may see it: where a default follows from other settings, what it comes to.
    #[must_use]
    pub fn in_force(&self, setting: &Setting) -> Option<String> {
        let derived = match setting.env {
            "EVERREACH_LISTEN" => self.listen().ok().map(|address| address.to_string()),
            "EVERREACH_ROLE" => self.role().ok().map(|role| role.as_str().to_owned()),
            "FAILOVER_MODE" => self.failover().ok().and_then(|failover| failover.mode).map(|mode| mode.as_str().to_owned()),
            "EVERREACH_SHARED_DATABASE" => {
                let mode = self.failover().ok().and_then(|failover| failover.mode);
                mode.map(|mode| u8::from(mode == TwoNodeMode::Shared).to_string())
            }
            "DATABASE_URL" => self.store().ok().map(|store| store.url),
            "MONTHLY_COST_SOFT_CAP" => self.cost().ok().map(|cost| cost.soft_cap.to_string()),
            _ => None,
        };
        derived.filter(|_| self.origin(setting) == Origin::Default).or_else(|| self.shown(setting))
    }

    /// The folder of the database and the run records.
    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        PathBuf::from(self.text(&table::DATA_DIR).unwrap_or_default())
    }

    /// The database; the default one lies in the data directory.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL of another kind of database.
    pub fn store(&self) -> Result<StoreConfig> {
        let is_known = |text: &&str| ["sqlite:", "postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        let url = self.need(&table::DATABASE_URL, "sqlite://path or postgres://user@host/name", |text| {
            Some(text).filter(is_known).map(str::to_owned)
        })?;
        let is_given = self.origin(&table::DATABASE_URL) != Origin::Default;
        let moved = || format!("sqlite://{}", self.data_dir().join("everreach.db").display());
        let mut store = StoreConfig::new(if is_given { url } else { moved() });
        store.connections = self.need(&table::DATABASE_CONNECTIONS, "a number from 1 to 100", |text| {
            text.parse().ok().filter(|count| (1..=100).contains(count))
        })?;
        store.transaction_pooler = self.switch(&table::DATABASE_POOLER)?;
        Ok(store)
    }

    /// How log lines look.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for another word than text or json.
    pub fn log_format(&self) -> Result<LogFormat> {
        self.need(&table::LOG_FORMAT, "text or json", |text| match text {
            "text" => Some(LogFormat::Text),
            "json" => Some(LogFormat::Json),
            _ => None,
        })
    }

    fn mode(&self) -> Result<Mode> {
        self.parse(&table::ENV, "cloud, local or hybrid")
    }

    /// What this process is.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for another word than terminal or cloud-terminal, or for an environment that there is not.
    pub(super) fn role(&self) -> Result<Role> {
        let mode = self.mode()?;
        let by_default =
            if mode == Mode::Cloud && self.get(&table::CLOUD_ENDPOINT).is_none() { Role::CloudTerminal } else { Role::Terminal };
        Ok(self.read(&table::ROLE, "terminal or cloud-terminal", |text| text.parse().ok())?.unwrap_or(by_default))
    }

    fn routing(&self, mode: Mode, role: Role) -> Result<RoutingConfig> {
        let mut routing = RoutingConfig::default();
        routing.mode = mode;
        routing.is_cloud_terminal = role == Role::CloudTerminal;
        routing.table = self.text(&table::ROUTE_TABLE).map(PathBuf::from);
        routing.offline = self.switch(&table::OFFLINE_MODE)?;
        Ok(routing)
    }

    fn schedule(&self) -> ScheduleConfig {
        let mut schedule = ScheduleConfig::default();
        schedule.file = self.text(&table::SCHEDULE).filter(|text| *text != NO_SCHEDULE).map(PathBuf::from);
        schedule.local_zone = self.local_zone();
        schedule
    }

    fn cloud(&self, mode: Mode, role: Role) -> Result<Option<RemoteConfig>> {
        let (endpoint, key) = (self.url(&table::CLOUD_ENDPOINT)?, self.secret(&table::CLOUD_KEY));
        if role == Role::CloudTerminal {
            return Ok(None);
        }
        let (Some(endpoint), Some(key)) = (endpoint, key) else {
            return if mode == Mode::Local { Ok(None) } else { Err(self.cloud_is_missing(mode)) };
        };
        if is_exposed_in_clear(&endpoint) {
            let message =
                "CLOUD_ENDPOINT would carry EVERREACH_CLOUD_KEY in clear; use https://, or a tunnel that ends on 127.0.0.1";
            return Err(Error::new(ErrorKind::Config, message)
                .with("seen", self.shown(&table::CLOUD_ENDPOINT).unwrap_or_default())
                .with("from", self.origin(&table::CLOUD_ENDPOINT)));
        }
        Ok(Some(RemoteConfig::new(endpoint).with_key(key)))
    }

    fn cloud_is_missing(&self, mode: Mode) -> Error {
        let state = |setting| if self.get(setting).is_some() { "set" } else { "not set" };
        let message = format!(
            "{mode} needs both CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY; set them, or `--role cloud-terminal` if this process is the cloud"
        );
        Error::new(ErrorKind::Config, message)
            .with("CLOUD_ENDPOINT", state(&table::CLOUD_ENDPOINT))
            .with("EVERREACH_CLOUD_KEY", state(&table::CLOUD_KEY))
            .with("EVERREACH_ENV from", self.origin(&table::ENV))
    }

    fn worker(&self) -> Result<Option<RemoteConfig>> {
        let key = self.secret(&table::LOCAL_KEY);
        Ok(self.url(&table::LOCAL_ENDPOINT)?.map(RemoteConfig::new).map(|worker| match key {
            Some(key) => worker.with_key(key),
            None => worker,
        }))
    }

    fn cost(&self) -> Result<CostConfig> {
        const DOLLARS: &str = "an amount of US dollars such as 400 or 12.50";
        let mut cost = CostConfig::default();
        cost.cap = self.parse(&table::COST_CAP, DOLLARS)?;
        cost.soft_cap = self.parse(&table::COST_SOFT_CAP, DOLLARS)?;
        if self.origin(&table::COST_SOFT_CAP) == Origin::Default && cost.soft_cap > cost.cap {
            cost.soft_cap = cost.cap;
        }
        cost.zone = self.parse(&table::COST_TIMEZONE, "a time zone such as UTC or Europe/Berlin")?;
        cost.default_rate = self.read(&table::COST_DEFAULT_RATE, DOLLARS, |text| text.parse().ok())?;
        cost.validate()?;
        Ok(cost)
    }

    fn bus(&self) -> Result<BusConfig> {
        let mut bus = BusConfig::default();
        bus.redis_url = self.secret(&table::REDIS_URL);
        bus.interval = self.need(&table::SYNC_INTERVAL, "seconds from 1 to 3600", |text| {
            text.parse().ok().filter(|seconds| (1..=3_600).contains(seconds)).map(Duration::from_secs)
        })?;
        bus.validate()?;
        Ok(bus)
    }

    fn telegram(&self) -> Result<Option<TelegramConfig>> {
        let base_url = self.url(&table::TELEGRAM_URL)?;
        match (self.secret(&table::TELEGRAM_TOKEN), self.text(&table::TELEGRAM_CHAT), base_url) {
            (Some(token), Some(chat), Some(base_url)) => Ok(Some(TelegramConfig::new(token, chat, base_url))),
            _ => Ok(None),
        }
    }
}

/// The word for a server that fires no jobs by itself.
const NO_SCHEDULE: &str = "off";
/// The port of a cloud terminal that is not told another.
const CLOUD_PORT: u16 = 8090;

/// Whether what is sent to this URL can be read on the way: plain HTTP to another machine.
///
/// ```
/// use everreach_server::settings::is_exposed_in_clear;
/// assert!(is_exposed_in_clear(&"http://cloud.example:8090".parse().expect("a URL")));
/// assert!(!is_exposed_in_clear(&"http://127.0.0.1:8090".parse().expect("a URL")));
/// ```
#[must_use]
pub fn is_exposed_in_clear(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !is_loopback
}
