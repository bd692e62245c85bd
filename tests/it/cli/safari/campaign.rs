//! `safari campaign`.

use serde_json::json;

use super::place;

const WORDS: &str = r#"{"comments": ["Nice"], "first_dm": "Hi {handle}", "follow_up": "two", "final_touch": "three"}"#;

#[test]
fn a_campaign_is_started_from_files_listed_and_shown() {
    let place = place();
    place.write("words.json", WORDS);
    place.write("posts.json", r#"{"bob": ["https://x.com/bob/status/1"]}"#);
    let files = ["--template", "words.json", "--posts", "posts.json", "--id", "spring"];
    let start = ["safari", "campaign", "start", "dm_sequence", "--platform", "twitter", "--handles", "bob,eve"];
    let started = place.run(&[&start[..], &files].concat());
    assert_eq!((started.code, started.stdout.as_str()), (Some(0), "spring\n"), "{}", started.stderr);
    assert_eq!(place.run(&[&["--json"][..], &start, &files].concat()).problem(5)["code"], "conflict");
    let listed = place.run(&["--json", "safari", "campaign", "list"]).json(0);
    assert_eq!((&listed["campaigns"][0]["id"], &listed["campaigns"][0]["progress"]["total"]), (&json!("spring"), &json!(2)));
    assert!(place.run(&["safari", "campaign", "list"]).stdout.contains("dm_sequence"));
    let shown = place.run(&["safari", "campaign", "show", "spring"]);
    assert!(shown.stdout.contains("running") && shown.stdout.contains("eve"), "{}", shown.stdout);
    assert_eq!(place.run(&["--json", "safari", "campaign", "show", "spring"]).json(0)["targets"][0]["state"], "queued");
    assert_eq!(place.run(&["--json", "safari", "campaign", "show", "autumn"]).problem(3)["code"], "not_found");
}

#[test]
fn a_campaign_is_held_goes_on_and_is_taken_back() {
    let place = place();
    assert!(place.run(&["safari", "campaign", "list"]).stderr.contains("there are no campaigns"));
    let start = ["--json", "safari", "campaign", "start", "warmup", "--platform", "twitter", "--handles", "bob"];
    let id = place.run(&start).json(0)["id"].as_str().expect("an id").to_owned();
    for (verb, status) in [("pause", "paused"), ("resume", "running")] {
        assert_eq!(place.run(&["safari", "campaign", verb, &id]).stdout, format!("{id} is {status}\n"));
    }
    let posts = place.run(&["--json", "safari", "campaign", "posts", &id, "bob", "https://x.com/bob/status/1"]).json(0);
    assert_eq!(posts["targets"][0]["posts"], json!(["https://x.com/bob/status/1"]));
    let replied = place.run(&["--json", "safari", "campaign", "replied", &id, "bob"]).json(0);
    assert_eq!(replied["targets"][0]["state"], "replied");
    assert_eq!(place.run(&["--json", "safari", "campaign", "replied", &id, "eve"]).problem(3)["code"], "not_found");
    let start = [&start[..8], &["bob,eve", "--id", "autumn", "--idempotency-key", "k1"]].concat();
    assert_eq!(place.run(&start).json(0)["created"], true);
    assert_eq!(place.run(&start).json(0)["created"], false);
    let other = [&start[..8], &["eve", "--id", "autumn", "--idempotency-key", "k1"]].concat();
    assert_eq!(place.run(&other).problem(5)["code"], "idempotency_mismatch");
    let out = place.run(&["--json", "safari", "campaign", "opted-out", "autumn", "eve"]).json(0);
    assert_eq!((&out["targets"][1]["handle"], &out["targets"][1]["reason"]), (&json!("eve"), &json!("opted out")));
    assert!(place.run(&["safari", "deny-list", "list"]).stdout.contains("eve"));
    assert_eq!(place.run(&["--json", "safari", "campaign", "cancel", &id]).json(0)["status"], "cancelled");
    assert_eq!(place.run(&["--json", "safari", "campaign", "resume", &id]).problem(5)["code"], "conflict");
}

#[test]
fn what_cannot_be_a_campaign_is_2() {
    let place = place();
    place.write("list.json", "[1]");
    let start = ["safari", "campaign", "start", "dm_sequence", "--platform"];
    for (arguments, seen) in [
        (&["threads", "--handles", "bob"][..], "/platform"),
        (&["twitter", "--handles", "b'ob"], "/handles/0"),
        (&["twitter", "--handles", "bob", "--template", "list.json"], "--template"),
        (&["twitter", "--handles", "bob", "--posts", "nowhere.json"], "nowhere.json"),
    ] {
        let refused = place.run(&[&start[..], arguments].concat());
        assert_eq!(refused.code, Some(2), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(seen), "{arguments:?}: {}", refused.stderr);
    }
}
