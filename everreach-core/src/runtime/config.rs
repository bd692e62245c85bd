//! Everything a runtime is told from outside, by section.

use std::path::PathBuf;

use crate::cost::CostConfig;
use crate::failover::{FailoverConfig, Place};
use crate::notify::TelegramConfig;
use crate::relay::RelayConfig;
use crate::routing::{RemoteConfig, RouteTable, RoutingConfig};
use crate::safari::SafariConfig;
use crate::schedule::{Jobs, ScheduleConfig};
use crate::store::StoreConfig;
use crate::sync::bus::BusConfig;
use crate::sync::state::StateConfig;
use crate::{Error, ErrorKind, Mode, Result};

/// The settings of a whole runtime. Plain data: a host fills it from files, flags and environment.
///
/// ```
/// use everreach_core::runtime::RuntimeConfig;
/// assert!(RuntimeConfig::default().cloud.is_none());
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RuntimeConfig {
    /// The folder of the database, the `STOP` file and run records.
    pub data_dir: PathBuf,
    /// The database.
    pub store: StoreConfig,
    /// Routing.
    pub routing: RoutingConfig,
    /// The cloud terminal.
    pub cloud: Option<RemoteConfig>,
    /// A worker on this machine.
    pub worker: Option<RemoteConfig>,
    /// The monthly cap.
    pub cost: CostConfig,
    /// Where notices go; the log when unset.
    pub telegram: Option<TelegramConfig>,
    /// Safari: the queue, its services and the CRM script.
    pub safari: SafariConfig,
    /// The jobs, and what fires them.
    pub schedule: ScheduleConfig,
    /// Messages between processes and machines.
    pub bus: BusConfig,
    /// Calls that the cloud terminal leaves for the local machine.
    pub relay: RelayConfig,
    /// How the cloud is watched, and whether this process may do its work meanwhile.
    pub failover: FailoverConfig,
    /// State that both sides share.
    pub state: StateConfig,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("data"),
            store: StoreConfig::default(),
            routing: RoutingConfig::default(),
            cloud: None,
            worker: None,
            cost: CostConfig::default(),
            telegram: None,
            safari: SafariConfig::default(),
            schedule: ScheduleConfig::default(),
            bus: BusConfig::default(),
            relay: RelayConfig::default(),
            failover: FailoverConfig::default(),
            state: StateConfig::default(),
        }
    }
}

/// Where the cloud's executor comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CloudSource {
    /// The embedder brought one.
    Given,
    /// It is made from the settings.
    Settings,
}

impl RuntimeConfig {
    /// Whether a runtime can be built from these settings, as far as can be said without opening anything: the caps make sense, the
    /// files of the route table and the schedule are read and valid, cloud and hybrid have an endpoint and a key, and every endpoint is a usable URL.
    /// Whether the database opens and somebody answers there is not asked.
    ///
    /// ```
    /// use everreach_core::runtime::RuntimeConfig;
    /// use everreach_core::{ErrorKind, Mode};
    /// let mut config = RuntimeConfig::default();
    /// config.validate()?;
    /// config.routing.mode = Mode::Hybrid;
    /// assert_eq!(config.validate().expect_err("hybrid needs a cloud").kind(), ErrorKind::Config);
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for the first setting that is wrong, as `build` would say it.
    pub fn validate(&self) -> Result<()> {
        self.check(CloudSource::Settings).map(drop)
    }

    /// Which place it has beside another process.
    pub(super) const fn place(&self) -> Place {
        Place::of(self.routing.is_cloud_terminal, self.cloud.is_some())
    }

    /// The checks, and the files that were read for them.
    pub(super) fn check(&self, cloud: CloudSource) -> Result<(RouteTable, Jobs)> {
        self.cost.validate()?;
        self.bus.validate()?;
        self.state.validate()?;
        let table = match &self.routing.table {
            Some(path) => RouteTable::load(path)?,
            None => RouteTable::builtin(),
        };
        let jobs = match &self.schedule.file {
            Some(path) => Jobs::load(path, self.schedule.local_zone)?,
            None => Jobs::builtin(self.schedule.local_zone)?,
        };
        if cloud == CloudSource::Settings {
            self.cloud_remote()?;
        }
        if let Some(worker) = &self.worker {
            worker.validate()?;
        }
        Ok((table, jobs))
    }

    /// The cloud terminal that this process can send calls to; an error when it has to and cannot.
    pub(super) fn cloud_remote(&self) -> Result<Option<&RemoteConfig>> {
        let goes_there = self.routing.mode != Mode::Local && !self.routing.is_cloud_terminal;
        match &self.cloud {
            None if goes_there => {
                Err(Error::new(ErrorKind::Config, "cloud and hybrid need CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY")
                    .with("EVERREACH_ENV", self.routing.mode))
            }
            None => Ok(None),
            // An endpoint without its key is no reason not to start where nothing goes to the cloud.
            Some(remote) if !goes_there && remote.key.is_none() => Ok(None),
            Some(remote) => {
                remote.validate_as_cloud()?;
                Ok(Some(remote))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MicroUsd;

    fn remote(url: &str) -> RemoteConfig {
        RemoteConfig::new(url.parse().expect("a URL"))
    }

    fn refusal(change: impl FnOnce(&mut RuntimeConfig)) -> String {
        let mut config = RuntimeConfig::default();
        change(&mut config);
        let error = config.validate().expect_err("it is wrong");
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        error.to_string()
    }

    #[test]
    fn the_defaults_and_a_complete_hybrid_are_valid() {
        let mut config = RuntimeConfig::default();
        config.validate().expect("the defaults");
        config.routing.mode = Mode::Hybrid;
        config.cloud = Some(remote("https://cloud.example").with_key("er_live_1"));
        config.worker = Some(remote("http://127.0.0.1:8765"));
        config.validate().expect("a hybrid");
    }

    #[test]
    fn each_wrong_setting_is_named() {
        assert!(refusal(|config| config.cost.soft_cap = MicroUsd::from_usd(401)).starts_with("MONTHLY_COST_SOFT_CAP"));
        assert!(refusal(|config| config.routing.table = Some("no/such/route_table.json".into())).contains("no/such/route_table"));
        assert!(refusal(|config| config.routing.mode = Mode::Cloud).starts_with("cloud and hybrid need CLOUD_ENDPOINT"));
        assert!(refusal(|config| config.worker = Some(remote("ftp://127.0.0.1"))).starts_with("an endpoint is an http"));
        assert!(
            refusal(|config| {
                config.routing.mode = Mode::Hybrid;
                config.cloud = Some(remote("https://cloud.example"));
            })
            .starts_with("the cloud needs a key")
        );
        assert!(
            refusal(|config| config.cloud = Some(remote("https://me:secret@cloud.example").with_key("er_live_1")))
                .starts_with("an endpoint has no user or password")
        );
    }

    #[test]
    fn where_nothing_goes_to_the_cloud_an_endpoint_may_lack_its_key() {
        let cloud = Some(remote("https://cloud.example"));
        let mut config = RuntimeConfig { cloud, ..RuntimeConfig::default() };
        config.validate().expect("it is local");
        config.routing.mode = Mode::Cloud;
        config.routing.is_cloud_terminal = true;
        config.validate().expect("it is the cloud itself");
    }

    #[tokio::test]
    async fn a_build_says_what_the_check_says_and_opens_nothing() {
        let data = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig::default();
        config.store.url = format!("sqlite://{}", data.path().join("everreach.db").display());
        config.worker = Some(remote("ftp://127.0.0.1"));
        let said = config.validate().expect_err("the worker's URL is wrong");
        let built = crate::runtime::Runtime::builder(config).build().await.expect_err("the worker's URL is wrong");
        assert_eq!((said.kind(), said.to_string()), (built.kind(), built.to_string()));
        assert_eq!(std::fs::read_dir(data.path()).expect("the folder").count(), 0, "no database was made");
    }
}
