//! Limits that are lowered while a daemon works.

use everreach_core::safari::limits::Limit;
use everreach_core::safari::{Platform, Service};

use super::scene::{Scene, file};
use crate::support::store::postgres_url;

async fn the_services_own_limit(url: &str) {
    let scene = Scene::at(url).await;
    scene.behave(Service::TwitterDm, "ok,delay_ms=200,linger_ms=200").await;
    let ids = scene.enqueue_dms(Platform::Twitter, ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"]).await;
    let daemon = scene.daemon().await;
    scene.pressed(2).await;
    scene.double.set_limit(Service::TwitterDm, Limit::per_day(5));
    scene.rows(5, "status = 'completed'").await;
    // Each of the others has then been refused, or stands behind one that was.
    scene.rows(3, "status = 'pending'").await;
    daemon.finish().await;
    assert_eq!(scene.presses().len(), 5);
    for id in &ids[5..] {
        let detail = scene.get(*id).await;
        assert_eq!(detail.entry.command.retry_count, 0, "a limit uses up no repeat: {detail:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lowers_its_limit_under_a_daemon_is_not_pressed_past_it_on_sqlite() {
    let folder = tempfile::tempdir().expect("a folder");
    the_services_own_limit(&file(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_lowers_its_limit_under_a_daemon_is_not_pressed_past_it_on_postgres() {
    the_services_own_limit(&postgres_url().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_with_lower_limits_counts_what_the_first_has_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let scene = Scene::at(&file(&folder)).await;
    scene.enqueue_dms(Platform::Twitter, ["a1", "a2", "a3"]).await;
    let first = scene.daemon().await;
    scene.rows(3, "status = 'completed'").await;
    first.finish().await;
    let scene = scene.with("SAFARI_LIMITS", r#"{"twitter": {"dm": 4}}"#);
    scene.enqueue_dms(Platform::Twitter, ["b1", "b2", "b3"]).await;
    let second = scene.daemon().await;
    scene.rows(4, "status = 'completed'").await;
    let tiktok = scene.enqueue_dms(Platform::Tiktok, ["ann"]).await;
    // The account of another platform goes on, behind those that wait.
    scene.rows(5, "status = 'completed'").await;
    second.finish().await;
    assert_eq!(scene.presses().len(), 5);
    assert_eq!(scene.get(tiktok[0]).await.tries.len(), 1);
}
