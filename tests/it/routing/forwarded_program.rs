//! The built program on both sides of one database: what one forwards runs on the other, once, and every process knows its answer.

use everreach_core::MicroUsd;
use serde_json::{Value, json};

use super::shared_pair::PRICE;
use crate::cli::program::Place;
use crate::crash::cloud::CountingCloud;
use crate::support::store::postgres_url;

const KEY: &str = "a-key-for-a-test";

fn play(database: &str, worker: &str) -> [Value; 4] {
    let place = || Place::new().with("DATABASE_URL", database).with("EVERREACH_CLOUD_KEY", KEY);
    let (there, listen) = (place().with("LOCAL_ENDPOINT", worker), ["--listen", "127.0.0.1:0"]);
    let cloud = there.serve(&[&["serve", "--env", "cloud"][..], &listen].concat());
    let here = place().with("CLOUD_ENDPOINT", cloud.url()).with("EVERREACH_ENV", "hybrid");
    let mac = here.serve(&[&["serve"][..], &listen].concat());
    let call = ["route", "upwork.propose", "--params", r#"{"job": "~01ab"}"#, "--idempotency-key", "job-1"];
    let through = |server: &str| here.run(&[&["--json", "--server", server][..], &call].concat()).json(0);
    let (first, again) = (through(mac.url()), through(mac.url()));
    // A process of its own, which would forward the call itself.
    let beside = here.run(&[&["--json"][..], &call].concat()).json(0);
    let cost = here.run(&["--json", "--server", mac.url(), "cost"]).json(0);
    [first, again, beside, cost]
}

async fn a_call_runs_there_once(database: String) {
    let worker = CountingCloud::start().await;
    let url = worker.url.to_string();
    let played = tokio::task::spawn_blocking(move || play(&database, &url)).await.expect("it ends");
    let [first, again, beside, cost] = played;
    assert_eq!((&first["ok"], &first["source"], &first["replayed"]), (&json!(true), &json!("cloud"), &json!(false)), "{first}");
    for repeat in [&again, &beside] {
        assert_eq!((&repeat["replayed"], &repeat["result"]), (&json!(true), &first["result"]), "{repeat}");
    }
    assert_eq!(worker.counts(), [("job-1".to_owned(), 1)].into());
    let micros = |amount: &Value| serde_json::from_value::<MicroUsd>(amount.clone()).expect("an amount").micros();
    assert_eq!((micros(&cost["total_usd"]), micros(&cost["reserved_usd"])), (PRICE, 0), "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_one_sqlite_file_run_a_forwarded_call_once() {
    let folder = tempfile::tempdir().expect("a folder");
    a_call_runs_there_once(format!("sqlite://{}/everreach.db", folder.path().display())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_with_one_postgres_database_run_a_forwarded_call_once() {
    a_call_runs_there_once(postgres_url().await).await;
}
