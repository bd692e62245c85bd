//! Two sides that share nothing: no slot is fired by both, and none is lost without a word.

use serde_json::{Value, json};

use super::process::{Process, at, name};
use crate::Side;
use crate::lease::{Apart, Standing};
use crate::schedule::Trigger;

fn hourly() -> Value {
    json!({ "mine": { "schedule": "0 * * * *", "chain": ["system.heartbeat"] } })
}

/// The cloud was last seen at this time.
fn taken_over(seen: &str) -> Standing {
    Standing::Apart(Apart { seen_until: Some(at(seen)), from: at(seen), until: None })
}

/// The cloud leads since this time.
fn back(from: &str) -> Standing {
    Standing::Apart(Apart { seen_until: None, from: at(from), until: None })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_takeover_fires_what_was_due_since_the_cloud_was_last_seen() {
    let mac = Process::start(Side::Local, "20T05:00", &hourly()).await;
    mac.look().await;
    mac.advance_to("20T07:03");
    mac.stands.set(taken_over("20T06:30"));
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["20T07:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_takeover_neither_repeats_nor_logs_what_the_cloud_fired_in_between() {
    let mac = Process::start(Side::Local, "16T05:30", &hourly()).await;
    mac.stands.set(taken_over("16T05:30"));
    mac.look().await;
    mac.advance_to("16T06:00");
    mac.look().await;
    mac.stands.set(Standing::Follows);
    mac.look().await;
    mac.advance_to("17T07:33");
    mac.stands.set(taken_over("17T07:30"));
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["16T06:00 ok"]);
    mac.advance_to("17T08:00");
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["16T06:00 ok", "17T08:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_the_cloud_may_have_fired_by_its_last_grant_is_logged_as_missed() {
    let mac = Process::start(Side::Local, "20T06:00", &hourly()).await;
    mac.advance_to("20T07:03");
    mac.stands.set(Standing::Apart(Apart { seen_until: Some(at("20T06:59")), from: at("20T07:01"), until: None }));
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["20T07:00 missed"]);
    mac.advance_to("20T08:00");
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["20T07:00 missed", "20T08:00 ok"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_that_comes_back_logs_what_was_due_meanwhile_and_does_not_fire_it() {
    let cloud = Process::start(Side::Cloud, "20T04:30", &hourly()).await;
    cloud.stands.set(back("20T04:30"));
    cloud.look().await;
    cloud.advance_to("20T05:00");
    cloud.look().await;
    cloud.stands.set(Standing::Follows);
    cloud.advance_to("20T06:45");
    cloud.stands.set(back("20T06:45"));
    let asked = cloud.schedule().trigger(&name("mine"), Trigger::latest()).await.expect("an answer").expect("a job");
    assert!(!asked.fired && asked.reason.as_deref().is_some_and(|reason| reason.contains("force")), "{asked:?}");
    cloud.look().await;
    assert_eq!(cloud.log("mine").await, ["20T05:00 ok", "20T06:00 missed"]);
    cloud.advance_to("20T07:00");
    cloud.look().await;
    assert_eq!(cloud.log("mine").await, ["20T05:00 ok", "20T06:00 missed", "20T07:00 ok"]);
    let repeated = cloud.schedule().trigger(&name("mine"), Trigger::latest()).await.expect("an answer").expect("a job");
    assert!(!repeated.fired, "{repeated:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_this_machine_does_is_caught_up_whoever_leads() {
    let mut jobs = hourly();
    jobs["mine"]["fires_on"] = json!("local");
    let mac = Process::start(Side::Local, "20T05:30", &jobs).await;
    mac.look().await;
    mac.advance_to("20T06:30");
    mac.stands.set(taken_over("20T06:30"));
    mac.look().await;
    assert_eq!(mac.log("mine").await, ["20T06:00 ok"]);
}
