//! The schedule on the command line.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::program::Place;

fn jobs(list: &Value) -> Vec<&str> {
    list["jobs"].as_array().expect("jobs").iter().map(|job| job["name"].as_str().expect("a name")).collect()
}

#[test]
fn the_jobs_are_listed_with_what_comes_next() {
    let place = Place::new();
    let list = place.run(&["cron", "list", "--json"]).json(0);
    assert!(["daily_routine", "cost_report", "safari_queue_processor"].iter().all(|name| jobs(&list).contains(name)));
    let plain = place.run(&["cron", "list"]);
    assert!(plain.code == Some(0) && plain.stdout.contains("off: nothing answers code.run_loop yet"), "{}", plain.stdout);
    let next = place.run(&["cron", "next", "--json"]).json(0);
    let slots: Vec<_> =
        next["next"].as_array().expect("slots").iter().map(|next| next["slot"].as_str().expect("a time")).collect();
    assert!(slots.len() == 9 && slots.is_sorted(), "{slots:?}");
}

#[test]
fn a_job_is_run_to_its_end_and_stands_in_the_log() {
    let place = Place::new();
    let run = place.run(&["cron", "run", "cost_report", "--force", "--json"]).json(0);
    assert_eq!((&run["fired"], &run["run"]["status"]), (&json!(true), &json!("ok")));
    assert!(run["run"]["steps"][0]["envelope"]["result"]["month"].is_object(), "{run}");
    let history = place.run(&["cron", "history", "--job", "cost_report", "--json"]).json(0);
    assert_eq!((&history["runs"][0]["slot"], &history["runs"][0]["origin"]), (&run["slot"], &json!("forced")));
    let plain = place.run(&["cron", "history", "--limit", "1"]);
    assert!(plain.code == Some(0) && plain.stdout.contains("cost_report"), "{}", plain.stdout);
    assert_eq!(place.run(&["--json", "cron", "run", "no_such_job"]).problem(3)["status"], 404);
}

#[test]
fn state_is_exchanged_by_a_job_and_where_it_cannot_be_the_list_and_the_run_say_why() {
    let place = Place::new();
    let listed = place.run(&["cron", "list"]);
    assert!(listed.stdout.contains("off: there is no cloud to exchange state with"), "{}", listed.stdout);
    let run = place.run(&["cron", "run", "sync_push", "--json"]).json(1);
    let detail = run["run"]["steps"][0]["envelope"]["detail"].as_str().expect("a sentence");
    assert!(detail.contains("there is no cloud to exchange state with"), "{detail}");

    const SEALING_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let side = || Place::new().with("EVERREACH_CLOUD_KEY", "er_live_test").with("SYNC_ENCRYPTION_KEY", SEALING_KEY);
    let cloud = side().with("EVERREACH_ENV", "cloud");
    let terminal = cloud.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let mac = side().with("CLOUD_ENDPOINT", terminal.url());
    for job in ["sync_push", "sync_pull"] {
        let run = mac.run(&["cron", "run", job, "--json"]).json(0);
        assert_eq!((&run["fired"], &run["run"]["status"]), (&json!(true), &json!("ok")), "{run}");
        assert_eq!(run["run"]["steps"][0]["envelope"]["outcome"], "executed", "{run}");
    }
    let history = mac.run(&["cron", "history", "--json"]).json(0);
    assert_eq!(history["runs"].as_array().expect("runs").len(), 2);
    let next = mac.run(&["cron", "next", "--json"]).json(0);
    let fires = |job: &str| next["next"].as_array().expect("slots").iter().any(|one| one["job"] == job);
    assert!(fires("sync_push") && fires("sync_pull"), "{next}");
}

#[test]
fn the_latest_slot_is_fired_once_and_a_bad_run_is_1() {
    let place = Place::new();
    place.write(
        "schedule.json",
        r#"{"version": 1, "jobs": {"mine": {"schedule": "0 0 1 1 *", "chain": ["system.heartbeat", "no.such"]}}}"#,
    );
    let place = place.with("EVERREACH_SCHEDULE", "schedule.json");
    let run = place.run(&["cron", "run", "mine", "--json"]).json(1);
    assert_eq!(
        (&run["run"]["status"], &run["run"]["steps"][1]["envelope"]["error"]),
        (&json!("failed"), &json!("unknown_action"))
    );
    assert!(run["slot"].as_str().expect("a slot").ends_with("-01-01T00:00:00Z"), "{run}");
    let again = place.run(&["cron", "run", "mine"]);
    assert!(again.code == Some(0) && again.stdout.contains("not fired: it has been fired already"), "{}", again.stdout);
}

#[test]
fn a_schedule_with_a_mistake_keeps_the_program_from_starting_and_names_the_place() {
    let place = Place::new();
    place.write("schedule.json", r#"{"version": 1, "jobs": {"daily_routine": {"schedule": "0 25 * * *"}}}"#);
    let place = place.with("EVERREACH_SCHEDULE", "schedule.json");
    let refused = place.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(refused.code == Some(2) && refused.stderr.contains("jobs.daily_routine.schedule"), "{}", refused.stderr);
}

#[test]
fn a_server_fires_jobs_unless_it_is_told_not_to() {
    let place = Place::new().with("EVERREACH_SCHEDULE", "schedule.json");
    place.write("schedule.json", r#"{"version": 1, "jobs": {}}"#);
    let server = place.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let fires = (0..200).any(|_| {
        std::thread::sleep(Duration::from_millis(50));
        fires_jobs(server.url())
    });
    assert!(fires, "it did not begin within 10 s");
    assert_eq!(server.terminate(), Some(0));
    let place = Place::new().with("EVERREACH_SCHEDULE", "off");
    let server = place.serve(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(!fires_jobs(server.url()));
}

/// What `/status` says of the schedule.
fn fires_jobs(url: &str) -> bool {
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(stream, "GET /status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.contains("\"fires_here\":true")
}
