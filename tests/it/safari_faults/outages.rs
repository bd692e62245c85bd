//! The database goes away for half a minute under a daemon that is sending, and comes back.

use std::time::Duration;

use everreach_core::safari::{Platform, Service};
use sqlx::{Connection as _, SqliteConnection};

use super::scene::{Scene, file};
use crate::support::cluster::Cluster;

/// Longer than the half minute that a write waits.
const OUTAGE: Duration = Duration::from_secs(33);
const HANDLES: [&str; 12] = ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8", "a9", "a10", "a11", "a12"];

/// A daemon sends; in the middle of it the database is away, and comes back.
async fn every_message_goes_once(scene: &Scene, outage: impl Future<Output = ()>) {
    scene.behave(Service::TwitterDm, "ok,delay_ms=200,linger_ms=200").await;
    let ids = scene.enqueue_dms(Platform::Twitter, HANDLES).await;
    let daemon = scene.daemon().await;
    scene.pressed(3).await;
    outage.await;
    scene.rows(12, "status = 'completed'").await;
    assert_eq!(scene.presses().len(), HANDLES.len(), "nothing is lost");
    for id in ids {
        let tries = scene.get(id).await.tries;
        let sent = tries.iter().filter(|one| one.verdict.as_deref() == Some("sent")).count();
        assert_eq!(sent, 1, "{tries:?}");
    }
    daemon.finish().await;
}

/// Nothing new starts while it is away: what was on its way at most.
async fn away(scene: &Scene) {
    let before = scene.double.presses().len();
    // Nothing is waited for here: the outage itself is what is tested.
    tokio::time::sleep(OUTAGE).await;
    let meanwhile = scene.double.presses().len() - before;
    assert!(meanwhile <= 1, "{meanwhile} sends that could not be written down");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_outlives_a_postgres_that_crashes_and_is_away_for_half_a_minute() {
    let cluster = Cluster::start();
    let scene = Scene::at(&cluster.url()).await;
    let outage = async {
        cluster.cut();
        away(&scene).await;
        cluster.resume();
    };
    every_message_goes_once(&scene, outage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_outlives_a_postgres_that_hangs_for_half_a_minute() {
    let cluster = Cluster::start();
    let scene = Scene::at(&cluster.url()).await;
    let outage = async {
        cluster.freeze();
        away(&scene).await;
        cluster.thaw();
    };
    every_message_goes_once(&scene, outage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_outlives_another_program_that_locks_sqlite_for_half_a_minute() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::at(&file(&folder)).await;
    let outage = async {
        let mut other = SqliteConnection::connect(&file(&folder)).await.expect("it opens");
        sqlx::query("BEGIN EXCLUSIVE").execute(&mut other).await.expect("the lock");
        away(&scene).await;
        sqlx::query("ROLLBACK").execute(&mut other).await.expect("the lock is free");
    };
    every_message_goes_once(&scene, outage).await;
}
