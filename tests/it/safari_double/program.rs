//! `demo safari-services` as a process.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::stage::hear;
use crate::cli::program::Place;

#[tokio::test]
async fn it_prints_the_settings_logs_presses_and_ends_on_ctrl_c() {
    let place = Place::new();
    let arguments = [
        "demo",
        "safari-services",
        "--ephemeral",
        "--any-hour",
        "--log",
        "presses.jsonl",
        "--scenario",
        "tiktok-dm=timeout,times=1",
    ];
    let mut child = place.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("stdout")).lines();
    let mut settings = std::collections::BTreeMap::new();
    // Nine addresses and four tokens.
    for _ in 0..13 {
        let line = lines.next().expect("a line").expect("text");
        let (name, value) = line.split_once('=').expect("a setting");
        settings.insert(name.to_owned(), value.to_owned());
    }
    assert!(settings["SAFARI_MARKET_RESEARCH_URL"].starts_with("http://127.0.0.1:"));
    let client = everreach_core::http::client(&everreach_core::http::HttpConfig::default()).expect("a client");
    let url = format!("{}/api/threads/comments/post", settings["SAFARI_THREADS_COMMENTS_URL"]);
    let body = json!({"postUrl": "https://www.threads.com/@a/post/1", "text": "hello"});
    let heard = hear(client.post(url).bearer_auth(&settings["SAFARI_THREADS_COMMENTS_TOKEN"]).json(&body)).await;
    assert_eq!(heard.body()["success"], true);
    let log = std::fs::read_to_string(place.path().join("presses.jsonl")).expect("a log");
    let line: Value = serde_json::from_str(log.trim_end()).expect("one line of JSON");
    let mut names: Vec<_> = line.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["endpoint", "port", "press", "service", "target", "text_sha256", "ts"]);
    assert_eq!((&line["service"], &line["press"]), (&json!("threads-comments"), &json!(1)));
    let asked = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(asked.success());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    let stderr = String::from_utf8(ended.stderr).expect("UTF-8");
    assert!(stderr.contains("ended after 1 presses"), "{stderr}");
    assert!(lines.next().is_none(), "data only on stdout");
}

#[test]
fn a_taken_port_is_5_and_wrong_arguments_are_2() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port().to_string();
    let place = Place::new();
    let taken = place.run(&["--json", "demo", "safari-services", "--only", "instagram-dm", "--port-base", &port]).problem(5);
    assert!(
        taken["detail"].as_str().is_some_and(|detail| detail.contains(&port) && detail.contains("SAFARI_INSTAGRAM_DM_URL")),
        "{taken}"
    );
    for wrong in
        [["--scenario", "twitter-dm"], ["--scenario", "twitter-dm=captcha"], ["--only", "grafana"], ["--zone", "Mars/Olympus"]]
    {
        let arguments = [&["demo", "safari-services", "--ephemeral"], &wrong[..]].concat();
        assert_eq!(place.run(&arguments).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn the_table_of_scenarios_names_the_sections_of_the_contract() {
    let rows = Place::new().run(&["--json", "demo", "safari-services", "--list-scenarios"]).json(0);
    let rows = rows.as_array().expect("rows");
    let crash = rows.iter().find(|row| row["name"] == "crash").expect("a row");
    assert_eq!((&crash["section"], &crash["services"]), (&json!("2.1"), &json!(["all"])));
    assert!(rows.len() > 90 && rows.iter().all(|row| row["what"].as_str().is_some_and(|what| !what.is_empty())));
}
