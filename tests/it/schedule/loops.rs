//! The loop that a server runs.

use super::{World, heartbeat, log, until};
use crate::support;

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_fires_what_comes_due_notices_steps_of_the_clock_and_ends_with_the_process() {
    let world = World::new(support::store::sqlite().await, "20T05:59", &heartbeat("0 * * * *"));
    let process = world.alone().await;
    let looping = tokio::spawn({
        let schedule = process.schedule().clone();
        async move { schedule.run().await }
    });
    let rows = async || crate::support::store::number(&world.store, "SELECT COUNT(*) FROM everreach_cron_marks").await;
    until("the first look", async || rows().await == 1).await;
    world.advance_to("20T06:00");
    until("the slot", async || log(&process, "mine").await == ["20T06:00 ok"]).await;
    assert!(process.schedule().state().await.expect("the state").fires_here);
    world.clock.step_to(super::at("20T05:30"));
    world.advance_to("20T06:00");
    world.advance_to("20T07:00");
    until("the next slot", async || log(&process, "mine").await == ["20T06:00 ok", "20T07:00 ok"]).await;
    process.shutdown(std::time::Duration::from_secs(5)).await;
    looping.await.expect("it ends");
}
