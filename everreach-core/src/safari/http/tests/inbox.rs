//! Who has written.

use serde_json::json;

use super::families::{Bench, before_each, healthy};
use crate::ErrorKind;
use crate::safari::inbox::Inbox;
use crate::safari::{Contact, Platform, Service};
use crate::testing::{Fault, FaultResponse};

/// LinkedIn's service would look into whatever tab is in front, so it finds its own first.
fn script(service: Service, fault: Fault) -> Vec<Fault> {
    let session = if service == Service::LinkedinAutomation { before_each(service) } else { Vec::new() };
    [Fault::Answer(healthy(service))].into_iter().chain(session).chain([fault]).collect()
}

#[tokio::test]
async fn each_platforms_unread_conversations_are_asked_for_at_their_path() {
    for (platform, service, path) in [
        (Platform::Instagram, Service::InstagramDm, "/api/conversations/unread"),
        (Platform::Twitter, Service::TwitterDm, "/api/twitter/conversations/unread"),
        (Platform::Tiktok, Service::TiktokDm, "/api/tiktok/conversations/unread"),
        (Platform::Linkedin, Service::LinkedinAutomation, "/api/linkedin/messages/unread"),
    ] {
        let list = FaultResponse::json(200, &json!({"conversations": [{"username": "bob"}], "count": 1}));
        let bench = Bench::new(service, script(service, Fault::Answer(list))).await;
        let unread = bench.dispatcher.unread(platform).await.expect("a list");
        assert!(unread.is_from(&Contact::new(platform, "bob")));
        assert_eq!(bench.server.received().last().expect("a request").target(), format!("GET {path}"));
    }
}

#[tokio::test]
async fn linkedins_count_names_nobody_so_all_conversations_are_asked_for_too() {
    let conversation = |name, unread| json!({"conversationId": "c", "participantName": name, "lastMessage": "hi", "unread": unread, "isGroup": false});
    let all = json!({"conversations": [conversation("Bob Ross", true), conversation("Eve Low", false)], "count": 2});
    let count = FaultResponse::json(200, &json!({"unreadCount": 1}));
    let answers = [Fault::Answer(count), Fault::Answer(FaultResponse::json(200, &all))];
    let service = Service::LinkedinAutomation;
    let script = [Fault::Answer(healthy(service))].into_iter().chain(before_each(service)).chain(answers).collect();
    let bench = Bench::new(service, script).await;
    let unread = bench.dispatcher.unread(Platform::Linkedin).await.expect("a list");
    assert!(unread.is_shown_as("Bob Ross") && !unread.is_shown_as("Eve Low"), "{unread:?}");
    let asked: Vec<_> = bench.server.received().iter().rev().take(2).map(|request| request.target().to_owned()).collect();
    assert_eq!(asked, ["GET /api/linkedin/conversations", "GET /api/linkedin/messages/unread"]);
}

#[tokio::test]
async fn a_list_that_cannot_be_had_is_an_error_and_never_an_empty_list() {
    for (platform, service) in [(Platform::Twitter, Service::TwitterDm), (Platform::Linkedin, Service::LinkedinAutomation)] {
        for fault in [
            Fault::Answer(FaultResponse::json(503, &json!({"error": "no tab"}))),
            Fault::Answer(FaultResponse::json(200, &json!({"error": "no tab", "conversations": []}))),
            Fault::Answer(FaultResponse::json(200, &json!({}))),
            Fault::Answer(FaultResponse::html(200)),
            Fault::ResetBeforeAnswer,
        ] {
            let bench = Bench::new(service, script(service, fault)).await;
            let error = bench.dispatcher.unread(platform).await.expect_err("no list");
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        }
    }
    let no_tab = FaultResponse::json(500, &json!({"error": "no tab"}));
    let bench =
        Bench::new(Service::LinkedinAutomation, vec![Fault::Answer(healthy(Service::LinkedinAutomation)), Fault::Answer(no_tab)]);
    let error = bench.await.dispatcher.unread(Platform::Linkedin).await.expect_err("no tab");
    assert!(error.to_string().contains("tab"), "{error}");
    let bench = Bench::new(Service::TwitterDm, Vec::new()).await;
    for platform in [Platform::Threads, Platform::Facebook] {
        assert_eq!(bench.dispatcher.unread(platform).await.expect_err("no inbox").kind(), ErrorKind::InvalidInput);
    }
}
