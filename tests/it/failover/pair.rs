//! Two processes on one PostgreSQL, with links that can be cut.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use everreach_core::store::{Store, StoreConfig};
use everreach_core::{Clock as _, SystemClock};
use tempfile::TempDir;

use super::act::Plan;
use super::proxy::{Link, Proxy};
use crate::crash::child::{Child, Job, Report};
use crate::support::store as databases;

/// Longer than anything takes with the drill's times on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const TABLE: &str =
    "CREATE TABLE fenced_writes (number BIGSERIAL PRIMARY KEY, epoch BIGINT NOT NULL, lease_epoch BIGINT NOT NULL)";

/// When an epoch's holder was entitled to act: surely at `last_from`, at `first_until` at the latest for the first time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    first_until: i64,
    last_from: i64,
}

pub(super) struct Pair {
    pub(super) to_cloud: Proxy,
    pub(super) local_database: Proxy,
    pub(super) cloud_database: Proxy,
    pub(super) store: Store,
    _local: Child,
    pub(super) cloud: Child,
    cloud_job: Job,
    folder: TempDir,
}

impl Pair {
    /// Starts both, and waits until the cloud leads and the local side knows that they share a database.
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url: url::Url = databases::postgres_url().await.parse().expect("a URL");
        let store = Store::open(&StoreConfig::new(url.as_str())).await.expect("a database");
        databases::execute(&store, TABLE).await;
        let server = (url.host_str().expect("a host"), url.port().unwrap_or(5432));
        let server = tokio::net::lookup_host(server).await.expect("an address").next().expect("an address");
        let (local_database, cloud_database) = (Proxy::to(server).await, Proxy::to(server).await);
        let through = |proxy: &Proxy| {
            let mut url = url.clone();
            url.set_host(Some("127.0.0.1")).expect("a host");
            url.set_port(Some(proxy.port)).expect("a port");
            url.to_string()
        };
        let (cloud_port, local_port) = (free_port(), free_port());
        let to_cloud = Proxy::to(([127, 0, 0, 1], cloud_port).into()).await;
        let job = |name: &str, proxy: &Proxy, port, cloud| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(&path).expect("a folder");
            Job::Lead(Plan {
                database: through(proxy),
                folder: path,
                port,
                cloud,
                acts: folder.path().join(format!("{name}.acts")),
            })
        };
        let cloud_job = job("cloud", &cloud_database, cloud_port, None);
        let local_job = job("local", &local_database, local_port, Some(format!("http://127.0.0.1:{}", to_cloud.port)));
        let cloud = start(&cloud_job).await;
        let local = start(&local_job).await;
        let pair = Self { to_cloud, local_database, cloud_database, store, _local: local, cloud, cloud_job, folder };
        pair.until(
            "the local side knows that the database is shared",
            "SELECT count(*) FROM everreach_failover WHERE value = 'shared'",
        )
        .await;
        pair
    }

    /// Waits until this counts something.
    pub(super) async fn until(&self, what: &str, statement: &str) {
        let counted = async {
            while databases::number(&self.store, statement).await == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, counted).await.is_err() {
            panic!("it never came to be that {what}: {:?}", self.spans());
        }
    }

    pub(super) async fn kill_cloud(&mut self) {
        self.cloud.kill().await;
    }

    pub(super) async fn start_cloud(&mut self) {
        self.cloud = start(&self.cloud_job).await;
    }

    pub(super) fn heal(&self) {
        for link in [&self.to_cloud, &self.local_database, &self.cloud_database] {
            link.set(Link::Up);
        }
    }

    /// Waits for an act of this side that began after now; the time of it, in microseconds.
    pub(super) async fn act_of(&self, side: &str) -> i64 {
        let (from, path) = (now(), self.folder.path().join(format!("{side}.acts")));
        let waiting = async {
            loop {
                if let Some((_, _, after)) = lines(&path).into_iter().find(|(_, before, _)| *before > from) {
                    return after;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(at) => at,
            Err(_) => panic!("the {side} side never acted after {from}: {:?}", self.spans()),
        }
    }

    /// When each epoch's holder acted, of both sides.
    pub(super) fn spans(&self) -> BTreeMap<i64, (&'static str, Span)> {
        let mut spans = BTreeMap::new();
        for side in ["cloud", "local"] {
            for (epoch, before, after) in lines(&self.folder.path().join(format!("{side}.acts"))) {
                let (owner, span) = spans.entry(epoch).or_insert((side, Span { first_until: after, last_from: before }));
                assert_eq!(*owner, side, "both sides acted in epoch {epoch}");
                span.first_until = span.first_until.min(after);
                span.last_from = span.last_from.max(before);
            }
        }
        spans
    }

    /// Never two at once: each epoch's acts ended before the next one's began, and no write went into another epoch than its own.
    pub(super) async fn check(&self) -> usize {
        let spans = self.spans();
        let mut latest = i64::MIN;
        for (epoch, (side, span)) in &spans {
            assert!(span.first_until >= latest, "epoch {epoch} ({side}) began while another one acted: {spans:?}");
            latest = latest.max(span.last_from);
        }
        let foreign = databases::number(&self.store, "SELECT count(*) FROM fenced_writes WHERE epoch <> lease_epoch").await;
        let backwards = databases::number(
            &self.store,
            "SELECT count(*) FROM (SELECT epoch, lag(epoch) OVER (ORDER BY number) AS before FROM fenced_writes) w WHERE epoch < before",
        )
        .await;
        let written = databases::number(&self.store, "SELECT count(*) FROM fenced_writes").await;
        assert!(foreign == 0 && written > 0, "{foreign} of {written} writes in a foreign epoch");
        assert_eq!(backwards, 0, "a write of an old holder came after one of a newer");
        spans.len()
    }
}

pub(super) fn now() -> i64 {
    SystemClock::new().now().timestamp_micros()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port").port()
}

async fn start(job: &Job) -> Child {
    let mut child = Child::start(job);
    assert_eq!(child.next().await, Some(Report::Ready));
    child
}

/// Whole lines only: a killed process may leave half of one.
fn lines(path: &Path) -> Vec<(i64, i64, i64)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let read = |line: &str| {
        let mut numbers = line.split(' ').map(|number| number.parse::<i64>().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    };
    whole.lines().filter_map(read).collect()
}
