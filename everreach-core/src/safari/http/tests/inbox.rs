//! Who has written.

use serde_json::json;

use super::families::{Bench, healthy};
use crate::ErrorKind;
use crate::safari::inbox::Inbox;
use crate::safari::{Contact, Platform, Service};
use crate::testing::{Fault, FaultResponse};

#[tokio::test]
async fn each_platforms_unread_conversations_are_asked_for_at_their_path() {
    for (platform, service, path) in [
        (Platform::Instagram, Service::InstagramDm, "/api/conversations/unread"),
        (Platform::Twitter, Service::TwitterDm, "/api/twitter/conversations/unread"),
        (Platform::Tiktok, Service::TiktokDm, "/api/tiktok/conversations/unread"),
        (Platform::Linkedin, Service::LinkedinAutomation, "/api/linkedin/messages/unread"),
    ] {
        let list = FaultResponse::json(200, &json!({"conversations": [{"username": "bob"}], "count": 1}));
        let bench = Bench::new(service, vec![Fault::Answer(healthy(service)), Fault::Answer(list)]).await;
        let unread = bench.dispatcher.unread(platform).await.expect("a list");
        assert!(unread.is_from(&Contact::new(platform, "bob")));
        assert_eq!(bench.server.received()[1].target(), format!("GET {path}"));
    }
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
            let bench = Bench::new(service, vec![Fault::Answer(healthy(service)), fault]).await;
            let error = bench.dispatcher.unread(platform).await.expect_err("no list");
            assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
        }
    }
    let bench = Bench::new(Service::TwitterDm, Vec::new()).await;
    for platform in [Platform::Threads, Platform::Facebook] {
        assert_eq!(bench.dispatcher.unread(platform).await.expect_err("no inbox").kind(), ErrorKind::InvalidInput);
    }
}
