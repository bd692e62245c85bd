//! Help, settings and refusals: what needs no database.

use std::process::Stdio;

use super::program::Place;

const COMMANDS: [&[&str]; 73] = [
    &["dev"],
    &["demo"],
    &["demo", "safari-services"],
    &["serve"],
    &["init"],
    &["doctor"],
    &["version"],
    &["completions"],
    &["config"],
    &["config", "show"],
    &["config", "example"],
    &["route"],
    &["batch"],
    &["health"],
    &["approvals"],
    &["approvals", "list"],
    &["approvals", "approve"],
    &["approvals", "deny"],
    &["calls"],
    &["calls", "list"],
    &["calls", "show"],
    &["calls", "resolve"],
    &["cost"],
    &["cron"],
    &["cron", "list"],
    &["cron", "next"],
    &["cron", "run"],
    &["cron", "history"],
    &["db"],
    &["db", "migrate"],
    &["db", "status"],
    &["db", "backup"],
    &["keys"],
    &["keys", "create"],
    &["keys", "list"],
    &["keys", "revoke"],
    &["stop"],
    &["sync"],
    &["sync", "status"],
    &["sync", "push"],
    &["sync", "pull"],
    &["safari"],
    &["safari", "enqueue"],
    &["safari", "run-once"],
    &["safari", "daemon"],
    &["safari", "status"],
    &["safari", "health"],
    &["safari", "services"],
    &["safari", "history"],
    &["safari", "show"],
    &["safari", "rate-limits"],
    &["safari", "cancel"],
    &["safari", "retry-failed"],
    &["safari", "resolve"],
    &["safari", "approve"],
    &["safari", "halts"],
    &["safari", "lift"],
    &["safari", "deny-list"],
    &["safari", "enqueue", "dm"],
    &["safari", "enqueue", "comment"],
    &["safari", "enqueue", "research"],
    &["safari", "enqueue", "command"],
    &["safari", "deny-list", "add"],
    &["safari", "campaign"],
    &["safari", "campaign", "start"],
    &["safari", "campaign", "list"],
    &["safari", "campaign", "show"],
    &["safari", "campaign", "pause"],
    &["safari", "campaign", "resume"],
    &["safari", "campaign", "cancel"],
    &["safari", "campaign", "replied"],
    &["safari", "campaign", "opted-out"],
    &["safari", "campaign", "posts"],
];

#[test]
fn every_page_of_help_fits_80_columns_and_ends_with_two_examples() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place.run(&[command, &["--help"]].concat());
        assert_eq!(help.code, Some(0), "{command:?}");
        let (_, examples) = help.stdout.split_once("Examples:\n").unwrap_or_else(|| panic!("examples in {command:?}"));
        assert!(examples.matches("everreach ").count() >= 2, "{command:?}: {examples}");
        let page = help.stdout.split_once("Examples:\n").expect("examples").0;
        for line in page.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
    }
}

#[test]
fn version_names_a_sqlite_that_loses_no_writes() {
    let version = Place::new().run(&["version", "--json"]).json(0);
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    let sqlite: Vec<u32> =
        version["sqlite"].as_str().expect("text").split('.').map(|part| part.parse().expect("a number")).collect();
    assert!(sqlite >= vec![3, 51, 3], "{sqlite:?}");
}

#[test]
fn a_mistake_in_the_arguments_is_2_and_says_so_on_stderr_only() {
    let place = Place::new();
    for arguments in [
        &["bogus"][..],
        &[],
        &["route"],
        &["route", "No Name"],
        &["batch", "x", "--max-concurrent", "0"],
        &["serve", "--env", "clod"],
        &["calls", "list", "--state", "held"],
        &["calls", "list", "--limit", "0"],
        &["calls", "list", "--limit", "201"],
        &["calls", "show", "two words"],
        &["calls", "resolve", "order-1"],
        &["calls", "resolve", "order-1", "--happened", "--did-not-happen"],
        &["safari"],
        &["safari", "enqueue", "dm", "myspace", "bob", "hello"],
        &["safari", "enqueue", "dm", "twitter", "bob"],
        &["safari", "enqueue", "dm", "twitter", "bob", "hello", "--at", "tomorrow"],
        &["safari", "history", "--limit", "1001"],
        &["safari", "history", "--status", "processing"],
        &["safari", "history", "--cursor", "yesterday"],
        &["safari", "resolve", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b"],
        &["safari", "resolve", "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b", "--retry", "--drop"],
        &["safari", "cancel", "no-id"],
        &["safari", "campaign", "start", "chain_letter", "--platform", "twitter", "--handles", "bob"],
        &["safari", "campaign", "start", "warmup", "--platform", "twitter"],
        &["safari", "run-once", "--max", "0"],
        &["safari", "daemon", "--interval", "0"],
        &["safari", "daemon", "--server", "http://127.0.0.1:1"],
    ] {
        let ended = place.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    let problem = place.run(&["--json", "route", "No Name"]).problem(2);
    assert_eq!(problem["code"], "invalid_input");
}

#[test]
fn config_show_names_the_origin_of_every_value_and_hides_secrets() {
    let place = Place::new().with("EVERREACH_ADMIN_KEY", "hunter2").with("MONTHLY_COST_CAP", "20");
    place.write(".env", "WORKER_SECRET=hunter2\n");
    place.write("everreach.toml", "[cost]\nmonthly_cap = 30\nmonthly_soft_cap = 10\n");
    let shown = place.run(&["config", "show", "--origin", "--json"]);
    assert!(!shown.stdout.contains("hunter2"));
    let rows = shown.json(0);
    let row = |name: &str| rows.as_array().expect("rows").iter().find(|row| row["name"] == name).expect(name).clone();
    assert_eq!((&row("MONTHLY_COST_CAP")["value"], &row("MONTHLY_COST_CAP")["origin"]), (&"20".into(), &"environment".into()));
    assert_eq!(row("MONTHLY_COST_SOFT_CAP")["origin"], "everreach.toml:3");
    assert_eq!((&row("WORKER_SECRET")["value"], &row("WORKER_SECRET")["origin"]), (&"***".into(), &".env".into()));
    assert_eq!(row("EVERREACH_LISTEN")["origin"], "default");
    let plain = place.run(&["config", "show"]);
    assert!(plain.stdout.contains("MONTHLY_COST_CAP=20\n"), "{}", plain.stdout);
}

#[test]
fn a_typing_error_in_the_file_of_settings_is_named_with_its_line_and_what_was_meant() {
    let place = Place::new();
    place.write("everreach.toml", "\nlistne = \"127.0.0.1:1\"\n");
    let ended = place.run(&["config", "show"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("everreach.toml:2") && ended.stderr.contains("did you mean: listen"), "{}", ended.stderr);
}

#[test]
fn hybrid_without_the_cloud_does_not_start_and_names_both_settings() {
    let ended = Place::new().run(&["serve", "--env", "hybrid", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("CLOUD_ENDPOINT") && ended.stderr.contains("EVERREACH_CLOUD_KEY"), "{}", ended.stderr);
}

#[test]
fn init_writes_once_and_keeps_what_somebody_changed() {
    let place = Place::new();
    assert_eq!(place.run(&["init", "--json"]).json(0)["created"], true);
    assert_eq!(place.run(&["init", "--json"]).json(0)["created"], false);
    assert_eq!(place.run(&["config", "show", "-q"]).code, Some(0));
    place.write("everreach.toml", "env = \"cloud\"\n");
    assert_eq!(place.run(&["init"]).code, Some(5));
    assert_eq!(std::fs::read_to_string(place.path().join("everreach.toml")).expect("the file"), "env = \"cloud\"\n");
}

#[test]
fn completions_are_written_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]);
        assert!(script.code == Some(0) && script.stdout.contains("everreach"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = Place::new();
    let mut child =
        place.command(&["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

#[test]
fn health_of_nobody_is_1() {
    let ended = Place::new().run(&["health", "--server", "http://127.0.0.1:1", "--json"]);
    assert_eq!(ended.problem(1)["code"], "unreachable");
}

#[test]
fn a_database_that_is_not_there_is_3_and_is_not_created_by_looking() {
    let place = Place::new();
    assert_eq!(place.run(&["db", "status", "--json"]).problem(3)["code"], "not_found");
    assert!(!place.path().join("data").exists());
}
