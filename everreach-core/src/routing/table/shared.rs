//! The table that a whole process looks at, exchanged while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::RouteTable;
use crate::ActionName;
use crate::routing::{Classification, Classifier, Route};

/// A cheap-to-clone handle on the table in force. Every clone sees a replacement at once.
///
/// ```
/// use everreach_core::routing::{RouteTable, SharedRouteTable};
/// let shared = SharedRouteTable::new(RouteTable::builtin());
/// let seen_elsewhere = shared.clone();
/// shared.replace(RouteTable::parse(r#"{"dm.send": {"essential": false}}"#, "example")?);
/// assert_eq!(seen_elsewhere.current().version(), 2);
/// assert!(!seen_elsewhere.resolve(&"dm.send".parse()?).essential);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SharedRouteTable {
    current: Arc<ArcSwap<RouteTable>>,
    newest_version: Arc<AtomicU64>,
}

impl SharedRouteTable {
    /// Shares this table.
    #[must_use]
    pub fn new(table: RouteTable) -> Self {
        Self { newest_version: Arc::new(AtomicU64::new(table.version())), current: Arc::new(ArcSwap::from_pointee(table)) }
    }

    /// The table in force. Hold it for one decision, so that all of the decision speaks of one table.
    #[must_use]
    pub fn current(&self) -> Arc<RouteTable> {
        self.current.load_full()
    }

    /// What the table in force knows about the action.
    #[must_use]
    pub fn resolve(&self, action: &ActionName) -> Arc<Route> {
        self.current.load().resolve(action)
    }

    /// Puts a table in force, under the next version number.
    pub fn replace(&self, table: RouteTable) {
        let version = self.newest_version.fetch_add(1, Ordering::Relaxed) + 1;
        self.current.store(Arc::new(table.with_version(version)));
    }
}

impl Classifier for SharedRouteTable {
    fn classify(&self, action: &ActionName) -> Classification {
        self.current.load().classify(action)
    }
}
