//! Commands on the database of the settings, in the program's own process.

use serde_json::{Value, json};

use super::program::Place;

#[test]
fn an_action_of_this_machine_runs_and_its_envelope_is_printed() {
    let envelope = Place::new().run(&["--json", "route", "system.heartbeat"]).json(0);
    assert_eq!((&envelope["ok"], &envelope["source"], &envelope["outcome"]), (&json!(true), &json!("local"), &json!("executed")));
}

#[test]
fn an_unknown_action_is_3_with_its_envelope_on_stdout() {
    let ended = Place::new().run(&["--json", "route", "systm.heartbeat"]);
    let envelope = ended.json(3);
    assert_eq!(envelope["error"], "unknown_action");
    assert!(envelope["suggestions"].as_array().expect("names").contains(&json!("system.heartbeat")), "{envelope}");
}

#[test]
fn explaining_runs_nothing_and_lists_the_rules() {
    let place = Place::new();
    for flag in ["--explain", "--dry-run"] {
        let explanation = place.run(&["--json", "route", "dm.send", "--params", "{\"username\": \"a\"}", flag]).json(0);
        assert_eq!((&explanation["action"], &explanation["effect"]), (&json!("dm.send"), &json!("outward")));
        assert!(!explanation["decision"]["rules"].as_array().expect("rules").is_empty());
    }
}

#[test]
fn parameters_that_are_no_object_are_2_and_nothing_runs() {
    let place = Place::new();
    for params in ["[1]", "{", "@/nowhere.json"] {
        assert_eq!(place.run(&["--json", "route", "system.heartbeat", "--params", params]).problem(2)["code"], "invalid_input");
    }
    assert!(!place.path().join("data").exists(), "the database was opened");
}

#[test]
fn parameters_are_read_from_stdin() {
    let place = Place::new();
    let envelope = place.run_with_input(&["--json", "route", "system.heartbeat", "--params", "-"], "{\"a\": 1}").json(0);
    assert_eq!(envelope["ok"], true);
}

#[test]
fn a_stopped_system_refuses_outward_actions_with_6_until_it_is_resumed() {
    let place = Place::new();
    assert_eq!(place.run(&["--json", "stop", "--reason", "a test"]).json(0)["stopped"], true);
    let envelope = place.run(&["--json", "route", "dm.send", "--params", "{\"username\": \"a\", \"text\": \"b\"}"]).json(6);
    assert_eq!((&envelope["error"], &envelope["outcome"]), (&json!("stopped"), &json!("not_executed")));
    assert_eq!(place.run(&["--json", "resume"]).json(0)["stopped"], false);
}

#[test]
fn a_batch_answers_in_order_and_is_1_when_a_line_failed() {
    let lines = "{\"action\": \"system.heartbeat\"}\n\n{\"action\": \"no.such_action\"}\n{\"action\": \"system.heartbeat\"}\n";
    let ended = Place::new().run_with_input(&["batch", "-"], lines);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let answers: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let oks: Vec<_> = answers.iter().map(|answer| answer["ok"].clone()).collect();
    assert_eq!(oks, [json!(true), json!(false), json!(true)]);
    assert_eq!(answers[1]["action"], "no.such_action");
}

#[test]
fn a_bad_line_of_a_batch_is_named_and_nothing_runs() {
    let place = Place::new();
    let ended = place.run_with_input(&["batch", "-"], "{\"action\": \"system.heartbeat\"}\nnonsense\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    assert!(ended.stderr.contains("stdin:2"), "{}", ended.stderr);
    assert!(!place.path().join("data").exists());
}

#[test]
fn a_key_is_shown_once_and_revoked_by_its_id() {
    let place = Place::new();
    let made = place.run(&["--json", "keys", "create", "ci", "--scope", "read", "dispatch"]).json(0);
    assert_eq!(made["scopes"], json!(["read", "dispatch"]));
    let key = made["key"].as_str().expect("a key");
    let listed = place.run(&["--json", "keys", "list"]);
    assert!(!listed.stdout.contains(key));
    assert_eq!(listed.json(0)[0]["name"], "ci");
    let id = made["id"].as_str().expect("an id");
    assert_eq!(place.run(&["--json", "keys", "revoke", id]).json(0)["revoked"], true);
    let nobody = place.run(&["--json", "keys", "revoke", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b"]);
    assert_eq!(nobody.problem(3)["code"], "not_found");
}

#[test]
fn the_month_is_shown_and_forecast() {
    let place = Place::new();
    let month = place.run(&["--json", "cost"]).json(0);
    assert_eq!((month["cap_usd"].as_f64(), month["exceeded"].as_bool()), (Some(400.0), Some(false)));
    assert!(place.run(&["--json", "cost", "forecast"]).json(0)["forecast_usd"].is_number());
    let report = place.run(&["--json", "cost", "report"]).json(0);
    assert_eq!((&report["spent_usd"], &report["month"]["cap_usd"], &report["zone"]), (&json!(0.0), &json!(400.0), &json!("UTC")));
}

#[test]
fn a_database_is_made_backed_up_and_never_overwritten() {
    let place = Place::new();
    let status = place.run(&["--json", "db", "migrate"]).json(0);
    assert_eq!((&status["database"], &status["schema"]), (&json!("sqlite"), &status["newest_schema"]));
    assert!(place.run(&["--json", "db", "backup", "copy.db"]).json(0)["bytes"].as_u64().expect("a size") > 0);
    assert_eq!(place.run(&["--json", "db", "backup", "copy.db"]).problem(5)["code"], "conflict");
    assert_eq!(place.run(&["db", "status", "--server", "http://127.0.0.1:1"]).code, Some(2));
}

#[test]
fn the_data_directory_takes_the_database_along() {
    let place = Place::new().with("EVERREACH_DATA_DIR", "elsewhere");
    let _status = place.run(&["--json", "db", "migrate"]).json(0);
    assert!(place.path().join("elsewhere/everreach.db").exists() && !place.path().join("data").exists());
}

#[test]
fn the_doctor_numbers_its_checks_and_is_1_when_one_fails() {
    let place = Place::new();
    let report = place.run(&["doctor", "--json"]).json(0);
    assert!(report["checks"].as_array().expect("checks").len() >= 11);
    let broken = Place::new().with("EVERREACH_LISTEN", "nowhere").run(&["doctor"]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.stdout.contains(" 1  FAIL  settings") && broken.stdout.contains("fix: "), "{}", broken.stdout);
    let open = Place::new().with("EVERREACH_LISTEN", "0.0.0.0:0").run(&["doctor"]);
    assert!(open.code == Some(1) && open.stdout.contains("everreach keys create"), "{}", open.stdout);
}
