//! Firing a job because somebody asks: here and over HTTP.

use everreach_core::schedule::Trigger;
use everreach_core::store::Store;
use http::StatusCode;
use serde_json::{Value, json};

use super::{World, at, heartbeat, log, name, until};
use crate::support::{self, http::Server};

async fn asking(store: Store) {
    let world = World::new(store, "20T05:00", &heartbeat("0 6 * * *"));
    let process = world.alone().await;
    let schedule = process.schedule();
    schedule.round().await.expect("a round");
    world.advance_to("20T13:00");
    assert_eq!(schedule.round().await.expect("a round").missed, 1, "it is more than six hours late");
    let job = name("mine");
    let ask = async |trigger: Trigger| schedule.trigger(&job, trigger).await.expect("an answer").expect("a job");

    let first = ask(Trigger::latest().with_event("delivery-1")).await;
    assert_eq!((first.fired, first.slot), (true, Some(at("20T06:00"))), "one that was logged as missed is fired after all");
    schedule.finish().await;
    let repeat = ask(Trigger::latest().with_event("delivery-1")).await;
    assert_eq!((repeat.fired, repeat.reason.as_deref()), (false, Some("this event has fired it already")));
    let other = ask(Trigger::latest().with_event("delivery-2")).await;
    assert_eq!((other.fired, other.reason.as_deref()), (false, Some("it has been fired already")));

    let forced = [ask(Trigger::forced()).await, ask(Trigger::forced()).await];
    assert!(forced.iter().all(|answer| answer.fired) && forced[0].slot != forced[1].slot, "each has a slot of its own");
    let by_event = ask(Trigger::forced().with_event("delivery-3")).await;
    let again = ask(Trigger::forced().with_event("delivery-3")).await;
    assert_eq!((by_event.fired, again.fired, again.slot), (true, false, by_event.slot));
    schedule.finish().await;
    assert_eq!(world.ran().len(), 4);
    assert!(schedule.trigger(&name("no_such"), Trigger::forced()).await.expect("an answer").is_none());
    world.advance_to("21T06:00");
    assert_eq!(schedule.round().await.expect("a round").fired, 1, "a forced run is no slot of the schedule");
    schedule.finish().await;
    assert_eq!(log(&process, "mine").await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_fired_when_somebody_asks_and_once_per_slot_and_delivery_on_sqlite() {
    asking(support::store::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_fired_when_somebody_asks_and_once_per_slot_and_delivery_on_postgres() {
    asking(support::store::postgres().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_ask_at_once_one_fires() {
    for store in [support::store::sqlite().await, support::store::postgres().await] {
        let world = World::new(store, "20T07:00", &heartbeat("0 6 * * *"));
        let process = world.alone().await;
        let job = name("mine");
        let asked = (0..12).map(|_| process.schedule().trigger(&job, Trigger::latest()));
        let answers = futures_util::future::join_all(asked).await;
        let fired =
            answers.into_iter().filter(|answer| answer.as_ref().expect("an answer").as_ref().expect("a job").fired).count();
        process.schedule().finish().await;
        assert_eq!((fired, world.ran().len()), (1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_fire_jobs_and_show_them() {
    let server = Server::open().await;
    let fired = server.post("/cron/daily_routine", json!({})).await.with(StatusCode::ACCEPTED);
    assert_eq!((&fired["job"], &fired["fired"], fired.get("reason")), (&json!("daily_routine"), &json!(true), None));
    let repeat = server.post("/api/services/cron/daily_routine", json!({})).await.with(StatusCode::ACCEPTED);
    assert_eq!((&repeat["fired"], &repeat["slot"]), (&json!(false), &fired["slot"]));
    assert!(repeat["reason"].as_str().expect("a reason").contains("already"));
    let forced = server.post("/cron/daily_routine", json!({"force": true})).await.with(StatusCode::ACCEPTED);
    assert_eq!(forced["fired"], true);
    server.post("/cron/no_such_job", json!({})).await.with(StatusCode::NOT_FOUND);
    server.post("/cron/daily_routine", json!({"forced": true})).await.with(StatusCode::UNPROCESSABLE_ENTITY);
    server.state.runtime().schedule().finish().await;

    let jobs = server.get("/api/cron").await.with(StatusCode::OK);
    let routine = jobs["jobs"].as_array().expect("jobs").iter().find(|job| job["name"] == "daily_routine").expect("the job");
    assert_eq!((&routine["schedule"], &routine["timezone"]), (&json!("0 6 * * *"), &json!("UTC")));
    assert_eq!(routine["chain"][0], "system.heartbeat");
    assert_eq!(routine["policy"], json!({"missed": "once", "within_s": 21_600, "max": null, "overlap": "forbid"}));
    assert!(routine["next"].as_str().expect("a time").contains("T06:00:00"));
    assert!(["slot", "fired_at", "ok", "duration_ms"].iter().all(|field| !routine["last"][*field].is_null()), "{routine}");

    let runs = server.get("/api/cron/history?job=daily_routine&limit=1").await.with(StatusCode::OK);
    let steps = runs["runs"][0]["steps"].as_array().expect("steps").clone();
    assert_eq!((steps.len(), &steps[0]["envelope"]["ok"]), (6, &Value::Bool(true)));
    server.get("/api/cron/history?job=no_such").await.with(StatusCode::NOT_FOUND);
    let status = server.get("/status").await.with(StatusCode::OK);
    assert_eq!((&status["schedule"]["jobs"], &status["schedule"]["fires_here"]), (&json!(12), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_of_eventbridge_wants_the_key_and_fires_once() {
    let server = Server::start(everreach_core::Mode::Cloud, |access| access.with_key(&"the-cloud-key".into())).await;
    let event = json!({"version": "0", "id": "7e1c", "detail-type": "Scheduled Event", "source": "aws.events", "resources": [], "detail": {}});
    assert_eq!(server.post("/cron/revenue_snapshot", event.clone()).await.status, 401);
    let mut leadership = server.state.runtime().leadership().clone();
    until("the lease", async || {
        let leads = leadership.authority().is_some();
        if !leads {
            leadership.changed().await;
        }
        leads
    })
    .await;
    let headers = [("content-type", "application/json"), ("authorization", "Bearer the-cloud-key")];
    let mut answers = Vec::new();
    for _ in 0..2 {
        let body = axum::body::Body::from(event.to_string());
        let answer = server.send(http::Method::POST, "/cron/revenue_snapshot", &headers, body).await;
        answers.push(answer.with(StatusCode::ACCEPTED)["fired"].clone());
    }
    assert_eq!(answers, [json!(true), json!(false)]);
    server.state.runtime().schedule().finish().await;
}
