//! Two daemons and a program of somebody else on one table.

use std::collections::BTreeSet;

use everreach_core::Id;
use everreach_core::safari::{Platform, Service};
use everreach_core::store::{Db, Store};

use super::scene::{Scene, file};
use crate::support::store::{execute, number, postgres_url};

const SNATCH: &str = "UPDATE safari_command_queue SET status = 'running', worker_id = 'theirs' WHERE status = 'pending' AND id IN \
    (SELECT id FROM safari_command_queue WHERE status = 'pending' AND action = 'send_dm' ORDER BY created_at DESC LIMIT 1) \
    RETURNING CAST(id AS TEXT)";

/// One row, taken from the other end as other programs do: by a conditional update.
async fn snatch(store: &Store) -> Option<Id> {
    let taken: Option<String> = store
        .write(|db| {
            Box::pin(async move {
                Ok(match db {
                    Db::Sqlite(connection) => sqlx::query_scalar(SNATCH).fetch_optional(connection).await?,
                    Db::Postgres(connection) => sqlx::query_scalar(SNATCH).fetch_optional(connection).await?,
                    _ => unreachable!("there are two databases"),
                })
            })
        })
        .await
        .expect("their statement");
    taken.map(|id| id.parse().expect("an id"))
}

async fn shared(url: &str) {
    let scene = Scene::at(url).await;
    for service in [Service::TwitterDm, Service::LinkedinAutomation] {
        scene.behave(service, "ok,delay_ms=20").await;
    }
    let names: Vec<String> = (0..24).map(|number| format!("user{number}")).collect();
    let twitter = scene.enqueue_dms(Platform::Twitter, names[..12].iter().map(String::as_str)).await;
    let linkedin = scene.enqueue_dms(Platform::Linkedin, names[12..].iter().map(String::as_str)).await;
    for action in ["scrape", "conversations", "dm_batch"] {
        let theirs =
            format!("INSERT INTO safari_command_queue (action, platform, params) VALUES ('{action}', 'twitter', '{{}}')");
        execute(&scene.store, theirs).await;
    }
    let daemons = [scene.daemon().await, scene.daemon().await];
    let mut snatched = BTreeSet::new();
    // They take one for each of the first eight that go, so that all three meet in the middle.
    for pressed in 1..=8 {
        scene.pressed(pressed).await;
        assert!(snatched.insert(snatch(&scene.store).await.expect("some wait")), "one row is one row");
    }
    scene.rows(0, "status = 'pending' AND action = 'send_dm'").await;
    scene.rows(24 - 8, "status = 'completed'").await;
    let mut completed = 0;
    for daemon in daemons {
        completed += daemon.finish().await["completed"].as_i64().expect("a number");
    }
    assert_eq!((completed, snatched.len()), (16, 8));
    assert_eq!(scene.presses().len(), 16);
    for id in twitter.into_iter().chain(linkedin) {
        let tries = scene.get(id).await.tries.len();
        assert_eq!(tries, usize::from(!snatched.contains(&id)), "{id}: ours or theirs, once");
    }
    let theirs = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'running' AND worker_id = 'theirs'";
    assert_eq!(number(&scene.store, theirs).await, 8, "what they have stays theirs");
    let left = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'pending'";
    assert_eq!(number(&scene.store, left).await, 3, "other programs' actions are left alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_and_another_program_never_take_the_same_row_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    shared(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_daemons_and_another_program_never_take_the_same_row_on_postgres() {
    shared(&postgres_url().await).await;
}
