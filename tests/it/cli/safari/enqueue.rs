//! `safari enqueue`.

use serde_json::json;

use super::{enqueue, fields, place};

#[test]
fn a_message_is_written_and_its_id_printed() {
    let place = place();
    let plain = place.run(&["safari", "enqueue", "dm", "instagram", "bob", "Great work!"]);
    assert_eq!((plain.code, plain.stdout.trim().len()), (Some(0), 36), "{} {}", plain.stdout, plain.stderr);
    let written = place.run(&["--json", "safari", "enqueue", "dm", "twitter", "bob", "hello"]).json(0);
    assert_eq!(fields(&written), ["created", "id", "status"]);
    assert_eq!((&written["status"], &written["created"]), (&json!("pending"), &json!(true)));
}

#[test]
fn comments_searches_and_commands_are_written_as_the_services_want_them() {
    let place = place();
    let url = "https://x.com/bob/status/1";
    for (arguments, action, params) in [
        (&["comment", "twitter", url, "Well said"][..], "comment", json!({"postUrl": url, "text": "Well said"})),
        (&["research", "twitter", "ai automation", "50"], "market_research", json!({"keyword": "ai automation", "maxPosts": 50})),
        (&["research", "instagram", "tea"], "market_research", json!({"keyword": "tea"})),
        (&["command", "{\"action\": \"score\", \"params\": {\"limit\": 3}}"], "score", json!({"limit": 3})),
    ] {
        let id = enqueue(&place, arguments);
        let command = place.run(&["--json", "safari", "show", &id]).json(0);
        assert_eq!((&command["action"], &command["params"]), (&json!(action), &params), "{arguments:?}");
    }
}

#[test]
fn flags_set_priority_time_key_and_campaign() {
    let place = place();
    let flags = ["--priority", "1", "--at", "2126-11-20T12:00:00Z", "--idempotency-key", "bob-1", "--campaign", "spring"];
    let arguments = [&["--json", "safari", "enqueue", "dm", "twitter", "bob", "hello"][..], &flags].concat();
    let written = place.run(&arguments).json(0);
    let again = place.run(&arguments).json(0);
    assert_eq!((&again["id"], &again["created"]), (&written["id"], &json!(false)));
    let command = place.run(&["--json", "safari", "show", written["id"].as_str().expect("an id")]).json(0);
    assert_eq!((&command["priority"], &command["campaign_id"]), (&json!(1), &json!("spring")));
    assert!(command["scheduled_for"].as_str().expect("a time").starts_with("2126-11-20T12:00:00"));
    let other = place.run(&["--json", "safari", "enqueue", "dm", "twitter", "alice", "hello", "--idempotency-key", "bob-1"]);
    assert_eq!(other.problem(5)["code"], "idempotency_mismatch");
}

#[test]
fn many_commands_come_from_a_file_and_eleven_messages_wait_for_a_person() {
    let place = place();
    let dm = |number: u32| json!({"action": "send_dm", "platform": "twitter", "params": {"username": format!("bob{number}"), "text": "hi"}, "campaign_id": "spring"});
    let commands: Vec<_> = (0..11).map(dm).collect();
    place.write("commands.json", &json!({"commands": commands}).to_string());
    let written = place.run(&["safari", "enqueue", "command", "@commands.json"]);
    assert_eq!((written.code, written.stdout.lines().count()), (Some(0), 11), "{}", written.stderr);
    assert!(written.stderr.contains("everreach safari approve 'spring'"), "{}", written.stderr);
    let waiting = place.run(&["--json", "approvals", "list"]).json(0);
    assert_eq!((&waiting[0]["id"], &waiting[0]["action"]), (&json!("spring"), &json!("safari.send_dm")));
    let approved = place.run(&["safari", "approve", "spring"]);
    assert_eq!(approved.stdout, "approved spring: 11 commands may go\n", "{}", approved.stderr);
    assert_eq!(place.run(&["--json", "safari", "approve", "spring", "--deny"]).problem(5)["code"], "conflict");
    assert_eq!(place.run(&["--json", "safari", "approve", "autumn"]).problem(3)["code"], "not_found");
}

#[test]
fn what_may_not_be_sent_is_2_and_names_the_field() {
    let place = place();
    for (arguments, field, code) in [
        (&["dm", "twitter", "b'ob", "hi"][..], "/params/username", "forbidden_character"),
        (&["dm", "threads", "bob", "hi"], "/platform", "no_endpoint"),
        (&["comment", "twitter", "https://evil.example/1", "hi"], "/params/postUrl", "unexpected_host"),
        (&["comment", "twitter", "https://x.com/bob/status/1", "$(id)"], "/params/text", "shell_syntax"),
        (&["command", "{\"action\": \"dance\"}"], "/action", "unknown_verb"),
    ] {
        let refused = place.run(&[&["safari", "enqueue"], arguments].concat());
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}: {}", refused.stderr);
        assert!(refused.stderr.contains(field) && refused.stderr.contains(code), "{arguments:?}: {}", refused.stderr);
        let problem = place.run(&[&["--json", "safari", "enqueue"], arguments].concat()).problem(2);
        assert_eq!(problem["errors"][0]["pointer"], field, "{arguments:?}");
    }
    assert_eq!(place.run(&["safari", "enqueue", "command", "[1]"]).code, Some(2));
    let flags = place.run(&["safari", "enqueue", "command", "{\"commands\": []}", "--priority", "1"]);
    assert!(flags.code == Some(2) && flags.stderr.contains("single command"), "{}", flags.stderr);
}
