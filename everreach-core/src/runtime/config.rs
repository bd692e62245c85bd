//! Everything a runtime is told from outside, by section.

use std::path::PathBuf;

use crate::cost::CostConfig;
use crate::notify::TelegramConfig;
use crate::routing::{RemoteConfig, RoutingConfig};
use crate::safari::SafariConfig;
use crate::store::StoreConfig;

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
        }
    }
}
