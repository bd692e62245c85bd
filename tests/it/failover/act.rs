//! One side of a pair as a process of its own: a whole server, and work that only the leader may do.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use everreach_core::failover::{Duty, FailoverConfig};
use everreach_core::routing::RemoteConfig;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::store::StoreConfig;
use everreach_core::{Clock as _, Mode, SystemClock};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use serde::{Deserialize, Serialize};

use super::fenced;
use crate::crash::child::{Report, report};

/// Time between two acts.
const PACE: Duration = Duration::from_millis(20);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(super) database: String,
    pub(super) folder: PathBuf,
    pub(super) port: u16,
    /// The way to the cloud; none for the cloud itself.
    pub(super) cloud: Option<String>,
    /// Where each act is noted, whether the database can be reached or not.
    pub(super) acts: PathBuf,
}

/// Serves and acts until it is killed.
pub(crate) async fn run(plan: Plan) {
    let mut config = RuntimeConfig::default();
    config.data_dir = plan.folder.clone();
    config.store = StoreConfig::new(plan.database.clone());
    config.routing.mode = if plan.cloud.is_some() { Mode::Hybrid } else { Mode::Cloud };
    config.routing.is_cloud_terminal = plan.cloud.is_none();
    config.cloud = plan.cloud.as_ref().map(|url| RemoteConfig::new(url.parse().expect("a URL")).with_key("a-key-for-a-test"));
    config.failover = FailoverConfig::drill();
    config.failover.duty = Duty::TakePart;
    let runtime = Runtime::builder(config).build().await.expect("a runtime");
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", plan.port)).await.expect("the port");
    let hosts = AllowedHosts::new(listener.local_addr().expect("an address"), [""; 0]).expect("no names");
    let state = AppState::new(runtime.clone(), Access::loopback(runtime.key_ring().clone()), hosts);
    let serving = tokio::spawn(async move { axum::serve(listener, app(state)).await });
    report(&Report::Ready);
    let acting = act(&runtime, &plan.acts);
    let writing = write(&runtime);
    tokio::select! {
        () = acting => {}
        () = writing => {}
        served = serving => panic!("the server ended: {served:?}"),
    }
}

/// Notes the times between which it was entitled to act: a pause between two of these lines makes the span longer, never wrong.
async fn act(runtime: &Runtime, acts: &PathBuf) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(acts).expect("a file");
    let clock = SystemClock::new();
    loop {
        let before = clock.now().timestamp_micros();
        if let Some(authority) = runtime.leadership().authority() {
            let after = clock.now().timestamp_micros();
            let epoch = authority.epoch().expect("the database is shared: it leads by the lease");
            writeln!(file, "{epoch} {before} {after}").expect("a line");
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Writes rows that prove the lease.
async fn write(runtime: &Runtime) {
    loop {
        if let Some(authority) = runtime.leadership().authority() {
            let epoch = authority.epoch().unwrap_or_default();
            let row = format!("INSERT INTO fenced_writes (epoch, lease_epoch) SELECT {epoch}, epoch FROM everreach_leases");
            // Without the database nothing is written, and nothing can be doubled.
            let _unreachable = tokio::time::timeout(Duration::from_secs(1), fenced::write(runtime.store(), authority, row)).await;
        }
        tokio::time::sleep(PACE).await;
    }
}
