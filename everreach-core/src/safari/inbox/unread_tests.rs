use serde_json::{Value, json};

use super::Unread;
use crate::safari::{Contact, Platform};

fn handles(platform: Platform, answer: &Value) -> Vec<String> {
    let unread = Unread::read(platform, answer).expect("a list");
    unread.conversations.iter().filter_map(|one| one.contact.as_ref()).map(|contact| contact.handle().to_owned()).collect()
}

#[test]
fn lists_are_found_under_every_usual_name_and_in_tabs() {
    let bob = json!({"username": "bob"});
    for answer in [
        json!({"conversations": [bob], "count": 1}),
        json!([bob]),
        json!(["@bob"]),
        json!({"success": true, "data": {"conversations": [bob]}}),
        json!({"conversations": {"primary": [bob], "general": []}, "totalCount": 1}),
        json!({"unread": [{"user": {"username": "bob"}}]}),
        json!({"threads": [{"sender": "Bob", "unread": true}]}),
        json!({"messages": [{"from": "@BOB"}], "error": null}),
    ] {
        assert_eq!(handles(Platform::Instagram, &answer), ["bob"], "{answer}");
    }
}

#[test]
fn a_linkedin_count_is_a_count_without_conversations() {
    let unread = Unread::read(Platform::Linkedin, &json!({"unreadCount": 4})).expect("a count");
    assert_eq!((unread.count, unread.conversations.len()), (4, 0));
    let listed =
        json!({"conversations": [{"participantName": "Bob Ross", "profileUrl": "https://www.linkedin.com/in/bob-ross/?x"}]});
    assert!(Unread::read(Platform::Linkedin, &listed).expect("a list").is_from(&Contact::new(Platform::Linkedin, "bob-ross")));
}

#[test]
fn a_shown_name_is_never_taken_for_a_user_name() {
    let answer = json!({"conversations": [{"username": "Bob Ross 🎨", "preview": "hi"}]});
    let unread = Unread::read(Platform::Twitter, &answer).expect("a list");
    let [one] = unread.conversations.as_slice() else { panic!("one") };
    assert_eq!((one.contact.as_ref(), one.name.as_deref(), one.preview.as_deref()), (None, Some("Bob Ross 🎨"), Some("hi")));
}

#[test]
fn conversations_that_were_read_and_entries_without_a_person_are_left_out() {
    let answer = json!({"conversations": [
        {"username": "read", "unread": false}, {"username": "none", "unreadCount": 0}, {"preview": "x"}, 7, null, {"username": ""},
        {"username": "bob", "unreadCount": 2, "lastMessage": {"text": "yes"}},
    ]});
    let unread = Unread::read(Platform::Tiktok, &answer).expect("a list");
    assert_eq!((unread.count, unread.conversations.len()), (1, 1));
    assert_eq!(unread.conversations[0].preview.as_deref(), Some("yes"));
}

#[test]
fn an_answer_that_failed_or_says_nothing_is_no_list() {
    for answer in [
        json!(null),
        json!("ok"),
        json!({}),
        json!({"success": false, "conversations": []}),
        json!({"error": "no tab", "conversations": []}),
        json!({"conversations": "none"}),
    ] {
        assert!(Unread::read(Platform::Instagram, &answer).is_none(), "{answer}");
    }
}
