use serde_json::json;

use super::*;
use crate::safari::LimitedAction;
use crate::safari::gate::{Opener, Work};

#[path = "tests/properties.rs"]
mod properties;
#[path = "tests/refusals.rs"]
mod refusals;

/// A row as another program may have written it.
fn row(action: &str, platform: Option<&str>, params: Value) -> Command {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let mut command = Command::new(Verb::Score, now);
    command.action = action.to_owned();
    command.platform = platform.map(str::to_owned);
    command.params = params;
    command
}

fn passed(action: &str, platform: Option<&str>, params: Value) -> Work {
    check(&row(action, platform, params)).expect("it passes").work().clone()
}

#[test]
fn the_platform_may_stand_in_the_column_or_in_the_parameters_or_in_both() {
    let params = json!({"username": "bob", "text": "hi"});
    let in_both = json!({"username": "bob", "text": "hi", "platform": "Twitter"});
    let works = [
        passed("send_dm", Some("twitter"), params),
        passed("send_dm", None, in_both.clone()),
        passed("send_dm", Some(""), in_both.clone()),
        passed("send_dm", Some("twitter"), in_both),
    ];
    assert!(works.iter().all(|work| *work == works[0]));
}

#[test]
fn parameters_written_as_json_text_are_read_like_an_object() {
    let text = Value::from(r#"{"username": "@bob", "message": "hi"}"#);
    let Work::Dm(dm) = passed("send_dm", Some("instagram"), text) else { panic!("a message") };
    assert_eq!((dm.recipient.as_str(), dm.text.as_str(), dm.force), ("bob", "hi", false));
}

#[test]
fn on_linkedin_a_name_becomes_the_address_of_the_profile() {
    for params in [
        json!({"username": "bob-1", "text": "hi"}),
        json!({"profileUrl": "https://www.linkedin.com/in/bob-1/", "text": "hi"}),
        json!({"profileUrl": "bob-1", "username": "@bob-1", "text": "hi"}),
        json!({"username": "https://www.linkedin.com/in/bob-1/#about", "text": "hi"}),
    ] {
        let Work::Dm(dm) = passed("send_dm", Some("linkedin"), params) else { panic!("a message") };
        assert_eq!(dm.recipient, "https://www.linkedin.com/in/bob-1/");
        assert_eq!(dm.contact.to_string(), "linkedin:bob-1");
    }
}

#[test]
fn control_characters_in_a_text_are_dropped_but_newline_and_tab_stay() {
    let params = json!({"username": "bob", "text": "one\r\ntwo\u{7}\u{0}\tthree\u{9b}"});
    let Work::Dm(dm) = passed("send_dm", Some("twitter"), params) else { panic!("a message") };
    assert_eq!(dm.text, "one\ntwo\tthree");
}

#[test]
fn dropping_a_control_character_does_not_make_shell_syntax_pass() {
    let command = row("send_dm", Some("twitter"), json!({"username": "bob", "text": "pay $\u{0}(now)"}));
    assert_eq!(check(&command).expect_err("shell syntax").code, RefusalCode::ShellSyntax);
}

#[test]
fn dollars_quotes_and_parentheses_in_a_text_are_fine() {
    for text in ["it's $100 (really)", "\"quoted\"", "100 % & more; so | so > that", "👋 héllo"] {
        let Work::Dm(dm) = passed("send_dm", Some("instagram"), json!({"username": "bob", "text": text})) else {
            panic!("a message")
        };
        assert_eq!(dm.text, text);
    }
}

#[test]
fn words_that_only_contain_a_rewritten_one_pass_and_other_platforms_take_all_words() {
    for text in ["a fine description", "updated and created", "unions"] {
        passed("comment", Some("twitter"), json!({"postUrl": "https://x.com/a/status/1", "text": text}));
    }
    passed("comment", Some("threads"), json!({"postUrl": "https://www.threads.com/@a/post/1", "text": "love what you create"}));
    passed("send_dm", Some("twitter"), json!({"username": "bob", "text": "love what you create"}));
}

#[test]
fn the_length_is_counted_as_the_services_count_it() {
    let url = "https://x.com/a/status/1";
    passed("comment", Some("twitter"), json!({"postUrl": url, "text": "a".repeat(280)}));
    passed("comment", Some("twitter"), json!({"postUrl": url, "text": "👋".repeat(140)}));
    let long = row("comment", Some("twitter"), json!({"postUrl": url, "text": "👋".repeat(141)}));
    assert_eq!(check(&long).expect_err("282 units").code, RefusalCode::TextTooLong);
    for action in LimitedAction::ALL {
        assert_eq!(wording::longest(Platform::Instagram, action), 10_000);
    }
}

#[test]
fn a_comment_without_words_passes_only_when_the_row_asks_the_service_for_them() {
    let params = json!({"postUrl": "https://x.com/a/status/1", "useAI": true});
    let Work::Comment(comment) = passed("comment", Some("twitter"), params) else { panic!("a comment") };
    assert_eq!(comment.text, None);
    assert_eq!(comment.author.expect("the author").to_string(), "twitter:a");
}

#[test]
fn the_author_of_a_post_is_read_from_its_address_where_it_stands_there() {
    for (platform, url, author) in [
        ("twitter", "https://x.com/Bob/status/1", Some("twitter:bob")),
        ("twitter", "https://x.com/i/status/1", None),
        ("threads", "https://www.threads.net/@Bob/post/x", Some("instagram:bob")),
        ("tiktok", "https://www.tiktok.com/@bob.b/video/7", Some("tiktok:bob.b")),
        ("instagram", "https://www.instagram.com/p/abc/", None),
    ] {
        let Work::Comment(comment) = passed("comment", Some(platform), json!({"url": url, "text": "nice"})) else {
            panic!("{url}")
        };
        assert_eq!(comment.author.map(|author| author.to_string()).as_deref(), author, "{url}");
    }
}

#[test]
fn a_search_runs_on_twitter_for_ten_posts_unless_the_row_says_otherwise() {
    let Work::Research(research) = passed("market_research", None, json!({"keyword": " founder's\ntips "})) else {
        panic!("a search")
    };
    assert_eq!((research.platform, research.keyword.as_str(), research.max_posts), (Platform::Twitter, "founder's tips", 10));
    let params = json!({"query": "ai", "maxPosts": "50"});
    let Work::Research(research) = passed("market_research", Some("tiktok"), params) else { panic!("a search") };
    assert_eq!((research.platform, research.max_posts), (Platform::Tiktok, 50));
}

#[test]
fn a_page_is_opened_by_the_service_of_its_platform_or_by_applescript() {
    use crate::safari::Service;
    for (platform, url, opener) in [
        (None, "https://x.com/home", Opener::CommentService(Service::TwitterComments)),
        (Some("threads"), "https://www.threads.com/@a", Opener::CommentService(Service::ThreadsComments)),
        (None, "https://www.linkedin.com/in/bob/", Opener::LinkedinProfile),
        (Some("linkedin"), "https://www.linkedin.com/feed/", Opener::AppleScript),
        (Some("facebook"), "https://www.facebook.com/", Opener::AppleScript),
        (None, "https://example.com/a?b=c", Opener::AppleScript),
    ] {
        let Work::Navigation(navigation) = passed("navigate", platform, json!({"url": url})) else { panic!("a page") };
        assert_eq!(navigation.opener, opener, "{url}");
        assert_eq!(navigation.url, url);
    }
}

#[test]
fn a_crm_step_takes_its_numbers_from_the_row_and_any_platform_word() {
    let Work::Crm(crm) = passed("score", Some("all"), json!({"limit": 5})) else { panic!("a step") };
    assert_eq!((crm.step, crm.limit, crm.min_score), (CrmStep::Score, 5, 20));
    let Work::Crm(crm) = passed("generate", None, json!({"min_score": "60"})) else { panic!("a step") };
    assert_eq!((crm.step, crm.min_score), (CrmStep::Generate, 60));
    let Work::Crm(crm) = passed("sync", None, Value::Null) else { panic!("a step") };
    assert_eq!(crm.step, CrmStep::Sync);
}

#[test]
fn force_is_only_what_the_row_says_in_so_many_words() {
    let Work::Dm(dm) = passed("send_dm", Some("tiktok"), json!({"username": "bob", "text": "hi", "force": true})) else {
        panic!()
    };
    assert!(dm.force);
}
