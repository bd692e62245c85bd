//! Opening: a fresh file that many want at once.

use everreach_core::ErrorKind;
use everreach_core::store::{Store, StoreConfig};
use futures_util::future::join_all;

use super::File;
use crate::crash::child::{Child, Job, Report, report};
use crate::support::store::postgres_url;

/// The child's job.
pub(crate) async fn open(url: &str) {
    match Store::open(&StoreConfig::new(url)).await {
        Ok(store) => store.close().await,
        Err(error) => report(&Report::Refused(error.kind().code().to_owned(), error.to_string())),
    }
}

async fn processes_open_it(url: String) {
    let reports = join_all((0..8).map(|_| Child::start(&Job::Open { url: url.clone() }).finish())).await;
    for reports in reports {
        assert_eq!(reports, [Report::Done]);
    }
    let state = Store::open(&StoreConfig::new(url)).await.expect("it opens").migration_state().await.expect("a state");
    assert_eq!(state.applied, state.known);
}

#[tokio::test]
async fn eight_processes_open_a_fresh_file_at_once() {
    for _ in 0..3 {
        processes_open_it(File::new().url()).await;
    }
}

#[tokio::test]
async fn eight_processes_open_a_fresh_postgres_database_at_once() {
    processes_open_it(postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_tasks_open_a_fresh_file_at_once() {
    for _ in 0..10 {
        let file = File::new();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let config = file.config();
                tokio::spawn(async move { Store::open(&config).await })
            })
            .collect();
        for store in join_all(opening).await {
            store.expect("no panic").expect("it opens").ping().await.expect("it answers");
        }
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let file = File::new();
    let store = file.open().await;
    store.close().await;
    assert_eq!(
        super::write(&store, "DELETE FROM everreach_events").await.expect_err("closed").kind(),
        ErrorKind::StoreUnavailable
    );
    assert_eq!(store.ping().await.expect_err("closed").kind(), ErrorKind::StoreUnavailable);
}
