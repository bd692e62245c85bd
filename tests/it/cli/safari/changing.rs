//! `safari cancel`, `retry-failed`, `resolve`, `halts`, `lift` and `deny-list`.

use everreach_core::safari::{DispatchOutcome, Reason, Repeat};
use serde_json::json;

use super::{NOBODY, enqueue, leave, place};
use crate::support::safari::{refused, unknown};

#[tokio::test]
async fn what_waits_is_cancelled_and_what_is_over_is_5() {
    let place = place();
    let done = leave(&place, "bob", DispatchOutcome::sent("seen")).await.to_string();
    let waiting = enqueue(&place, &["command", "{\"action\": \"score\"}"]);
    assert_eq!(place.run(&["safari", "cancel", &waiting]).stdout, format!("cancelled {waiting}\n"));
    assert_eq!(place.run(&["--json", "safari", "cancel", &waiting]).json(0)["status"], "cancelled");
    assert_eq!(place.run(&["--json", "safari", "cancel", &done]).problem(5)["code"], "conflict");
    assert_eq!(place.run(&["--json", "safari", "cancel", NOBODY]).problem(3)["code"], "not_found");
}

#[tokio::test]
async fn failed_commands_are_tried_again_and_unknown_ones_when_they_are_named() {
    let place = place();
    let failed = leave(&place, "bob", refused()).await.to_string();
    let plain = place.run(&["safari", "retry-failed"]);
    assert_eq!((plain.code, plain.stdout.as_str()), (Some(0), "1 commands are tried again\n"), "{}", plain.stderr);
    assert_eq!(place.run(&["--json", "safari", "retry-failed"]).json(0), json!({"retried": []}));
    assert_eq!(place.run(&["--json", "safari", "retry-failed", &failed]).problem(5)["code"], "conflict");
    place.run(&["safari", "cancel", &failed]);
    let held = leave(&place, "alice", unknown()).await.to_string();
    assert_eq!(place.run(&["--json", "safari", "retry-failed"]).json(0), json!({"retried": []}));
    assert_eq!(place.run(&["--json", "safari", "retry-failed", &held]).json(0), json!({"retried": [held]}));
    assert_eq!(place.run(&["--json", "safari", "retry-failed", NOBODY]).problem(3)["code"], "not_found");
}

#[tokio::test]
async fn an_unknown_outcome_is_resolved_once() {
    let place = place();
    for (handle, flag, status) in
        [("bob", "--happened", "completed"), ("alice", "--drop", "failed"), ("carol", "--retry", "pending")]
    {
        let id = leave(&place, handle, unknown()).await.to_string();
        assert_eq!(place.run(&["--json", "safari", "resolve", &id, flag]).json(0)["status"], status);
        assert_eq!(place.run(&["--json", "safari", "resolve", &id, flag]).problem(5)["code"], "conflict");
    }
    assert_eq!(place.run(&["--json", "safari", "resolve", NOBODY, "--drop"]).problem(3)["code"], "not_found");
}

#[tokio::test]
async fn a_stopped_account_is_listed_and_lifted() {
    let place = place();
    assert!(place.run(&["safari", "halts"]).stderr.contains("no account is stopped"));
    leave(&place, "bob", DispatchOutcome::refused(Repeat::Free, Reason::NotLoggedIn, "signed out")).await;
    let halts = place.run(&["safari", "halts"]);
    assert!(halts.stdout.starts_with("ACCOUNT") && halts.stdout.contains("twitter"), "{}", halts.stdout);
    let other = place.run(&["--json", "safari", "lift", "twitter", "--action", "comment"]).json(0);
    assert_eq!((&other["lifted"], &other["halts"][0]["until"]), (&json!(0), &json!(null)));
    let lifted = place.run(&["safari", "lift", "twitter"]);
    assert_eq!(lifted.stdout, "1 stops are lifted\n");
    assert!(lifted.stderr.contains("twitter rests until ") && lifted.stderr.contains("half its rate"), "{}", lifted.stderr);
    assert!(place.run(&["safari", "halts"]).stdout.contains("login"), "it rests for a day");
}

#[tokio::test]
async fn a_captcha_that_was_solved_is_over_at_once() {
    let place = place();
    leave(&place, "bob", DispatchOutcome::refused(Repeat::Free, Reason::Captcha, "a captcha")).await;
    assert_eq!(place.run(&["--json", "safari", "lift", "twitter"]).json(0), json!({"lifted": 1, "halts": []}));
    assert!(place.run(&["safari", "halts"]).stderr.contains("no account is stopped"));
}

#[test]
fn the_deny_list_takes_back_what_waits() {
    let place = place();
    let id = enqueue(&place, &["dm", "twitter", "bob", "hello"]);
    let added =
        place.run(&["--json", "safari", "deny-list", "add", "bob", "--platform", "twitter", "--reason", "opt_out"]).json(0);
    assert_eq!(added, json!({"platform": "twitter", "handle": "bob", "cancelled": 1, "targets": 0}));
    assert_eq!(place.run(&["--json", "safari", "show", &id]).json(0)["status"], "cancelled");
    assert!(place.run(&["safari", "deny-list", "list"]).stdout.contains("opt_out"));
    assert_eq!(place.run(&["--json", "safari", "deny-list", "remove", "bob", "--platform", "twitter"]).json(0)["removed"], true);
    assert!(place.run(&["safari", "deny-list", "list"]).stderr.contains("nobody"));
    assert_eq!(place.run(&["safari", "deny-list", "add", "two words"]).code, Some(2));
}

#[test]
fn the_file_of_people_who_are_never_written_to_has_to_be_one() {
    let place = place().with("SAFARI_DENY_LIST_FILE", "deny.txt");
    let missing = place.run(&["safari", "status"]);
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    for part in ["SAFARI_DENY_LIST_FILE", "deny.txt"] {
        assert!(missing.stderr.contains(part), "{part} in {}", missing.stderr);
    }
    place.write("deny.txt", "twitter:bob\nmyspace:eve\n");
    assert!(place.run(&["safari", "status"]).stderr.contains("myspace:eve"));
    place.write("deny.txt", "twitter:bob\nme # my own account\n");
    let list = place.run(&["safari", "deny-list", "list"]);
    assert!(list.stdout.contains("bob") && list.stdout.contains("in deny.txt"), "{}{}", list.stdout, list.stderr);
    assert_eq!(place.run(&["--json", "safari", "deny-list", "list"]).json(0)["file"]["people"], json!(["twitter:bob", "me"]));
    let id = enqueue(&place, &["dm", "twitter", "bob", "hello"]);
    let why = place.run(&["--json", "safari", "show", &id]).json(0)["why"].clone();
    assert!(why.as_str().expect("a sentence").contains("deny list"), "{why}");
}
