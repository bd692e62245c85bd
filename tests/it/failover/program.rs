//! The built program on both sides of one database, as people run it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::program::{Place, Serving};
use crate::support;

const KEY: &str = "a-key-for-a-test";
const TRIES: u32 = 600;

fn place(database: &str) -> Place {
    Place::new()
        .with_idle_schedule()
        .with("DATABASE_URL", database)
        .with("EVERREACH_CLOUD_KEY", KEY)
        .with("FAILOVER_PROFILE", "drill")
}

fn status(place: &Place, server: &Serving) -> Value {
    place.run(&["--json", "--server", server.url(), "failover", "status"]).json(0)
}

/// Asks until the state is as wanted.
fn until(place: &Place, server: &Serving, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..TRIES {
        let state = status(place, server);
        if is_so(&state) {
            return state;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it never came to be that {what}: {}", status(place, server));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_takes_over_from_a_killed_cloud_and_a_person_sends_the_work_back() {
    let database = support::store::postgres_url().await;
    tokio::task::spawn_blocking(move || play(&database)).await.expect("it ends");
}

fn play(database: &str) {
    let (mac, there) = (place(database), place(database).with("EVERREACH_KEY", KEY));
    let cloud = there.serve(&["serve", "--env", "cloud", "--listen", "127.0.0.1:0"]);
    let mac = mac.with("CLOUD_ENDPOINT", cloud.url());
    let local = mac.serve(&["serve", "--env", "hybrid", "--listen", "127.0.0.1:0"]);
    let seen = until(&mac, &local, "the database is found to be shared", |state| state["mode_from"] == "found");
    assert_eq!((&seen["mode"], &seen["phase"], &seen["leads"]), (&json!("shared"), &json!("standby"), &json!(false)));
    assert_eq!(seen["lease"]["holder"], until(&there, &cloud, "the cloud leads", |state| state["leads"] == true)["instance"]);
    let refused = mac.run(&["--json", "--server", local.url(), "failover", "take-over"]).problem(2);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("lease")), "{refused}");
    let refused = mac.run(&["--json", "--server", local.url(), "failover", "stand-down"]).problem(5);
    assert_eq!(refused["code"], "conflict");

    drop(cloud);
    let taken = until(&mac, &local, "it took over", |state| state["leads"] == true);
    assert_eq!(
        (&taken["phase"], &taken["cloud_failed"], &taken["lease"]["is_held"]),
        (&json!("active"), &json!(true), &json!(true))
    );
    assert!(taken["epoch"].as_i64() > seen["lease"]["epoch"].as_i64(), "{taken}");
    let page = mac.run(&["--server", local.url(), "failover", "status"]).stdout;
    assert!(page.contains("this process, epoch"), "{page}");
    mac.run(&["--json", "--server", local.url(), "failover", "stand-down"]).json(0);
    until(&mac, &local, "it handed back", |state| state["phase"] == "standby" && state["lease"]["is_held"] == false);
    assert_eq!(local.terminate(), Some(0));
}
