//! A local side in this process, and a cloud that comes and goes: what is told, what the API shows, and grants.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use everreach_core::failover::{Duty, FailoverConfig, Place, TwoNodeMode};
use everreach_core::notify::Notifier;
use everreach_core::routing::{Params, RemoteConfig, RouteRequest};
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::{ErrorKind, Mode, Source};
use everreach_server::app::app;
use everreach_server::auth::Access;
use everreach_server::host::AllowedHosts;
use everreach_server::state::AppState;
use http::StatusCode;
use serde_json::json;
use url::Url;

use crate::support::http::Notices;

const PATIENCE: Duration = Duration::from_secs(60);

/// A cloud that is not EverReach; well while this is true.
pub(super) async fn cloud(is_well: Arc<AtomicBool>) -> Url {
    let health = move || {
        let is_well = is_well.load(Ordering::Relaxed);
        async move { (if is_well { StatusCode::OK } else { StatusCode::BAD_GATEWAY }, Json(json!({"status": "ok"}))) }
    };
    serve(Router::new().route("/health", get(health))).await
}

async fn serve(router: Router) -> Url {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
    drop(tokio::spawn(async move { axum::serve(listener, router).await }));
    url
}

pub(super) struct Side {
    pub(super) runtime: Runtime,
    notices: Arc<Notices>,
    _folder: tempfile::TempDir,
}

impl Side {
    async fn start(cloud: Option<Url>, change: impl FnOnce(&mut FailoverConfig)) -> Self {
        Self::start_at("sqlite::memory:", cloud, change).await
    }

    pub(super) async fn start_at(database: &str, cloud: Option<Url>, change: impl FnOnce(&mut FailoverConfig)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = RuntimeConfig::default();
        config.data_dir = folder.path().to_owned();
        config.store.url = database.to_owned();
        config.routing.mode = if cloud.is_some() { Mode::Hybrid } else { Mode::Cloud };
        config.routing.is_cloud_terminal = cloud.is_none();
        config.cloud = cloud.map(|url| RemoteConfig::new(url).with_key("a-key-for-a-test"));
        config.failover = FailoverConfig::drill();
        config.failover.duty = Duty::TakePart;
        change(&mut config.failover);
        let notices = Arc::new(Notices::default());
        let builder = Runtime::builder(config).with_notifier(Arc::clone(&notices) as Arc<dyn Notifier>);
        Self { runtime: builder.build().await.expect("a runtime"), notices, _folder: folder }
    }

    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Runtime) -> bool) {
        let waiting = async {
            while !is_so(&self.runtime) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("it never came to be that {what}: {:?}", self.runtime.failover().state().await);
        }
    }

    async fn told(&self, count: usize) -> Vec<String> {
        self.until("people were told", |_| self.notices.all().len() >= count).await;
        self.notices.all()
    }
}

fn stats() -> RouteRequest {
    RouteRequest::new("system.heartbeat".parse().expect("a name"), Params::new()).forced_to(everreach_core::Side::Cloud)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_fails_and_returns_is_told_once_each_and_a_person_takes_over_where_nothing_is_shared() {
    let is_well = Arc::new(AtomicBool::new(true));
    let side = Side::start(Some(cloud(Arc::clone(&is_well)).await), |_| {}).await;
    let failover = side.runtime.failover().clone();
    assert_eq!(failover.take_over().await.expect_err("the cloud answers").kind(), ErrorKind::Conflict);
    is_well.store(false, Ordering::Relaxed);
    side.until("the cloud has failed", |runtime| runtime.connectivity().cloud_failed).await;
    assert!(!failover.leads(), "nobody said that it is down for certain");
    let explained = side.runtime.explain(&stats()).await.expect("an answer");
    assert_eq!(serde_json::to_value(&explained).expect("JSON")["decision"]["reason"], "failover", "{explained:?}");
    assert_eq!(side.runtime.route(stats()).await.source, Some(Source::LocalFallback));
    failover.take_over().await.expect("a person may");
    side.until("it leads", |runtime| runtime.failover().leads()).await;
    is_well.store(true, Ordering::Relaxed);
    side.until("it follows again", |runtime| !runtime.failover().leads()).await;
    let told = side.told(3).await;
    assert_eq!(told[0], "Cloud terminal DOWN — local failover active");
    assert!(told[1].contains("everreach failover take-over"), "{told:?}");
    assert_eq!(told[2..], ["Cloud terminal RESTORED"]);
    side.runtime.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_that_comes_back_to_its_own_process_is_no_cloud() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let side = Side::start(Some(format!("http://{address}").parse().expect("a URL")), |_| {}).await;
    let hosts = AllowedHosts::new(address, [""; 0]).expect("no names");
    let state = AppState::new(side.runtime.clone(), Access::loopback(side.runtime.key_ring().clone()), hosts);
    drop(tokio::spawn(async move { axum::serve(listener, app(state)).await }));
    side.until("the cloud has failed", |runtime| runtime.connectivity().cloud_failed).await;
    side.runtime.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_grants_the_cloud_acts_only_while_the_local_side_lets_it() {
    let mode = |config: &mut FailoverConfig| config.mode = Some(TwoNodeMode::LocalGrants);
    let cloud = Side::start(None, mode).await;
    assert_eq!((cloud.runtime.failover().place(), cloud.runtime.failover().leads()), (Place::Cloud, false));
    let hosts = AllowedHosts::new("127.0.0.1:8090".parse().expect("an address"), [""; 0]).expect("no names");
    let access = Access::loopback(cloud.runtime.key_ring().clone()).with_key(&"a-key-for-a-test".to_owned().into());
    let url = serve(app(AppState::new(cloud.runtime.clone(), access, hosts))).await;
    let local = Side::start(Some(url), mode).await;
    cloud.until("it was granted the right to act", |runtime| runtime.failover().leads()).await;
    assert!(!local.runtime.failover().leads());
    local.runtime.shutdown(Duration::from_secs(5)).await;
    cloud.until("its right is over", |runtime| !runtime.failover().leads()).await;
    cloud.runtime.shutdown(Duration::from_secs(5)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_databases_are_found_to_be_two_whatever_the_setting_says() {
    let cloud = Side::start(None, |_| {}).await;
    cloud.until("it leads its own database", |runtime| runtime.failover().leads()).await;
    let hosts = AllowedHosts::new("127.0.0.1:8090".parse().expect("an address"), [""; 0]).expect("no names");
    let access = Access::loopback(cloud.runtime.key_ring().clone());
    let url = serve(app(AppState::new(cloud.runtime.clone(), access, hosts))).await;
    let local = Side::start(Some(url), |config| config.mode = Some(TwoNodeMode::Shared)).await;
    let waiting = async {
        while local.runtime.failover().state().await.mode != Some(TwoNodeMode::Manual) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it finds out");
    let state = serde_json::to_value(local.runtime.failover().state().await).expect("JSON");
    assert_eq!((&state["mode_from"], &state["leads"]), (&json!("refused"), &json!(false)));
    local.runtime.shutdown(Duration::from_secs(5)).await;
    cloud.runtime.shutdown(Duration::from_secs(5)).await;
}
