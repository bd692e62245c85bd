//! Each rule of the gate, with what breaks it.

use serde_json::{Value, json};

use super::row;
use crate::safari::gate::{RefusalCode, check};

fn assert_refused(action: &str, platform: Option<&str>, params: &Value, code: RefusalCode) {
    match check(&row(action, platform, params.clone())) {
        Ok(_) => panic!("{action} {platform:?} {params} passed, wanted {code}"),
        Err(refusal) => {
            assert_eq!(refusal.code, code, "{action} {platform:?} {params}: {refusal}");
            assert!(!refusal.detail.is_empty() && !refusal.detail.contains(char::is_control), "{refusal}");
        }
    }
}

#[test]
fn every_forbidden_character_in_a_name_is_refused() {
    for platform in ["instagram", "twitter", "tiktok", "linkedin"] {
        for name in [
            "bob'; open /Applications; '",
            "bo\"b",
            "bo`id`b",
            "bo\\b",
            "bo$b",
            "bo b",
            " bob",
            "bob\n",
            "bo\tb",
            "bo\u{0}b",
            "bo\u{a0}b",
        ] {
            assert_refused("send_dm", Some(platform), &json!({"username": name, "text": "hi"}), RefusalCode::ForbiddenCharacter);
        }
    }
}

#[test]
fn names_of_another_form_are_refused() {
    let long = "a".repeat(101);
    for name in
        ["@", "@@bob", "bob@", "b/ob", "böb", "bob;id", "bob(1)", "..", ".", "-", "bob#", "bob?x=1", "bob%27", long.as_str()]
    {
        for platform in ["instagram", "twitter", "tiktok", "linkedin"] {
            assert_refused("send_dm", Some(platform), &json!({"username": name, "text": "hi"}), RefusalCode::InvalidHandle);
        }
    }
}

#[test]
fn every_forbidden_character_in_an_address_is_refused() {
    let posts = [
        ("instagram", "https://www.instagram.com/p/"),
        ("twitter", "https://x.com/a/status/"),
        ("threads", "https://www.threads.com/@a/post/"),
        ("tiktok", "https://www.tiktok.com/@a/video/"),
    ];
    for (platform, start) in posts {
        for end in ["1'; open /; '", "1\"", "1`id`", "1\\", "1$x", "1 2", "1\n2", "1\t2", "1\u{0}"] {
            let params = json!({"postUrl": format!("{start}{end}"), "text": "hi"});
            assert_refused("comment", Some(platform), &params, RefusalCode::ForbiddenCharacter);
            assert_refused("navigate", Some(platform), &json!({"url": format!("{start}{end}")}), RefusalCode::ForbiddenCharacter);
        }
    }
    let params = json!({"profileUrl": "https://www.linkedin.com/in/bob'$(id)'/", "text": "hi"});
    assert_refused("send_dm", Some("linkedin"), &params, RefusalCode::ForbiddenCharacter);
}

#[test]
fn addresses_elsewhere_or_in_disguise_are_refused() {
    for (url, code) in [
        ("https://netflix.com/a", RefusalCode::UnexpectedHost),
        ("https://x.com.evil.test/a/status/1", RefusalCode::UnexpectedHost),
        ("https://x.com./a/status/1", RefusalCode::UnexpectedHost),
        ("https://instagram.com/p/1", RefusalCode::UnexpectedHost),
        ("https://127.0.0.1/a", RefusalCode::UnexpectedHost),
        ("https://ⅹ.com.test/a", RefusalCode::UnexpectedHost),
        ("https://bob@x.com/a/status/1", RefusalCode::UrlCredentials),
        ("https://bob:pw@x.com/a/status/1", RefusalCode::UrlCredentials),
        ("https://@x.com/a/status/1", RefusalCode::UrlCredentials),
        ("https://x.com@evil.test/a", RefusalCode::UrlCredentials),
        ("https://x.com:8443/a/status/1", RefusalCode::UrlPort),
        ("https://x.com:443/a/status/1", RefusalCode::UrlPort),
        ("https://x.com:/a/status/1", RefusalCode::UrlPort),
        ("http://x.com/a/status/1", RefusalCode::NotHttps),
        ("javascript://x.com/%0aalert(1)", RefusalCode::NotHttps),
        ("file:///etc/passwd", RefusalCode::NotHttps),
        ("https:///x.com/a", RefusalCode::InvalidUrl),
        ("https:/x.com/a", RefusalCode::InvalidUrl),
        ("javascript:alert(1)", RefusalCode::InvalidUrl),
        ("x.com/a/status/1", RefusalCode::InvalidUrl),
        ("https://[::1/a", RefusalCode::UrlPort),
        ("https://", RefusalCode::InvalidUrl),
        ("https://x.com/", RefusalCode::NotAPost),
        ("https://x.com", RefusalCode::NotAPost),
    ] {
        assert_refused("comment", Some("twitter"), &json!({"postUrl": url, "text": "hi"}), code);
    }
    let long = format!("https://x.com/a/status/{}", "1".repeat(2_100));
    assert_refused("comment", Some("twitter"), &json!({"postUrl": long, "text": "hi"}), RefusalCode::InvalidUrl);
}

#[test]
fn tiktok_takes_no_shortened_address_and_linkedin_only_profiles() {
    for (url, code) in [
        ("https://vm.tiktok.com/ZM1/", RefusalCode::ShortLink),
        ("https://www.tiktok.com/t/ZM1/", RefusalCode::ShortLink),
        ("https://www.tiktok.com/foryou", RefusalCode::NotAPost),
    ] {
        assert_refused("comment", Some("tiktok"), &json!({"postUrl": url, "text": "hi"}), code);
    }
    for url in ["https://www.linkedin.com/feed/", "https://www.linkedin.com/in/", "https://www.linkedin.com/company/x/"] {
        assert_refused("send_dm", Some("linkedin"), &json!({"profileUrl": url, "text": "hi"}), RefusalCode::NotAProfile);
    }
}

#[test]
fn what_a_shell_would_run_is_refused_in_every_text() {
    for text in ["`id`", "hello $(id)", "a\\\"; id; \\\"", "c:\\dir"] {
        for (action, platform, name) in [
            ("send_dm", "instagram", "text"),
            ("send_dm", "tiktok", "message"),
            ("comment", "twitter", "text"),
            ("market_research", "twitter", "keyword"),
        ] {
            let mut params = json!({"username": "bob", "postUrl": "https://x.com/a/status/1"});
            params[name] = Value::from(text);
            assert_refused(action, Some(platform), &params, RefusalCode::ShellSyntax);
        }
    }
}

#[test]
fn each_word_that_twitter_comments_rewrites_is_refused_in_any_case() {
    for word in ["select", "Insert", "UPDATE", "delete", "drop", "create", "alter", "exec", "union", "script"] {
        for text in
            [word.to_owned(), format!("Love what you {word}"), format!("({word})"), format!("é{word}!"), format!("re-{word}")]
        {
            let params = json!({"postUrl": "https://x.com/a/status/1", "text": text});
            assert_refused("comment", Some("twitter"), &params, RefusalCode::RewrittenWord);
        }
    }
}

#[test]
fn what_is_missing_blank_or_too_long_is_refused() {
    let url = "https://www.instagram.com/p/1/";
    let long = "a".repeat(10_001);
    for (action, platform, params, code) in [
        ("send_dm", Some("instagram"), json!({"username": "bob"}), RefusalCode::MissingText),
        ("send_dm", Some("instagram"), json!({"username": "bob", "text": " \n\u{7}"}), RefusalCode::MissingText),
        ("send_dm", Some("instagram"), json!({"username": "bob", "text": null}), RefusalCode::MissingText),
        ("send_dm", Some("instagram"), json!({"text": "hi"}), RefusalCode::MissingRecipient),
        ("send_dm", Some("linkedin"), json!({"text": "hi", "profileUrl": ""}), RefusalCode::MissingRecipient),
        ("send_dm", None, json!({"username": "bob", "text": "hi"}), RefusalCode::MissingPlatform),
        ("send_dm", Some("instagram"), json!({"username": "bob", "text": long}), RefusalCode::TextTooLong),
        ("comment", Some("instagram"), json!({"text": "hi"}), RefusalCode::MissingPostUrl),
        ("comment", Some("threads"), json!({"postUrl": "https://threads.com/@a/post/1"}), RefusalCode::MissingText),
        ("comment", Some("threads"), json!({"postUrl": "https://threads.com/@a/post/1", "text": ""}), RefusalCode::MissingText),
        ("comment", Some("instagram"), json!({"postUrl": url, "useAI": true}), RefusalCode::NoGeneratedText),
        ("comment", Some("instagram"), json!({"postUrl": url, "text": long}), RefusalCode::TextTooLong),
        (
            "comment",
            Some("twitter"),
            json!({"postUrl": "https://x.com/a/status/1", "text": "a".repeat(281)}),
            RefusalCode::TextTooLong,
        ),
        ("market_research", None, json!({}), RefusalCode::MissingKeyword),
        ("market_research", None, json!({"keyword": "\t"}), RefusalCode::MissingKeyword),
        ("market_research", None, json!({"keyword": "a".repeat(201)}), RefusalCode::TextTooLong),
        ("market_research", None, json!({"keyword": "ai", "maxPosts": 0}), RefusalCode::OutOfRange),
        ("market_research", None, json!({"keyword": "ai", "maxPosts": 2.5}), RefusalCode::OutOfRange),
        ("navigate", None, json!({}), RefusalCode::MissingUrl),
        ("score", None, json!({"limit": -1}), RefusalCode::OutOfRange),
        ("score", None, json!({"limit": "20; id"}), RefusalCode::OutOfRange),
        ("generate", None, json!({"min_score": 101}), RefusalCode::OutOfRange),
    ] {
        assert_refused(action, platform, &params, code);
    }
}

#[test]
fn parameters_of_the_wrong_kind_are_refused() {
    for params in [json!([]), json!("bob"), json!("[1]"), json!(7), json!(true), json!("{\"username\":")] {
        assert_refused("send_dm", Some("instagram"), &params, RefusalCode::ParamsNotObject);
    }
    for params in [
        json!({"username": ["bob"], "text": "hi"}),
        json!({"username": "bob", "text": {"a": 1}}),
        json!({"username": "bob", "text": 7}),
        json!({"username": "bob", "text": "hi", "force": "true"}),
        json!({"username": "bob", "text": "hi", "platform": 7}),
    ] {
        assert_refused("send_dm", Some("instagram"), &params, RefusalCode::WrongType);
    }
    assert_refused("score", None, &json!({"limit": [20]}), RefusalCode::WrongType);
}

#[test]
fn parameters_that_contradict_the_column_or_each_other_are_refused() {
    let params = json!({"platform": "twitter", "keyword": "ai"});
    assert_refused("market_research", Some("tiktok"), &params, RefusalCode::PlatformConflict);
    assert_refused("sync", Some("instagram"), &json!({"platform": "twitter"}), RefusalCode::PlatformConflict);
    let params = json!({"username": "bob", "text": "hi", "message": "bye"});
    assert_refused("send_dm", Some("twitter"), &params, RefusalCode::ConflictingParams);
    let params = json!({"postUrl": "https://x.com/a/status/1", "url": "https://x.com/a/status/2", "text": "hi"});
    assert_refused("comment", Some("twitter"), &params, RefusalCode::ConflictingParams);
}

#[test]
fn pairs_without_a_service_and_words_that_are_no_platform_are_refused() {
    let dm = json!({"username": "bob", "text": "hi"});
    let comment = json!({"postUrl": "https://www.linkedin.com/posts/1", "text": "hi"});
    for (action, platform, params) in [
        ("send_dm", "threads", &dm),
        ("send_dm", "facebook", &dm),
        ("comment", "linkedin", &comment),
        ("comment", "facebook", &comment),
        ("market_research", "linkedin", &json!({"keyword": "ai"})),
    ] {
        assert_refused(action, Some(platform), params, RefusalCode::NoEndpoint);
    }
    for platform in ["myspace", "x", "instagram ", "instagram'"] {
        assert_refused("send_dm", Some(platform), &dm, RefusalCode::UnknownPlatform);
    }
    assert_refused("dm", Some("instagram"), &dm, RefusalCode::UnknownVerb);
}

#[test]
fn only_public_hosts_are_opened() {
    for url in [
        "https://localhost/a",
        "https://mac.local/a",
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://intranet/",
    ] {
        assert_refused("navigate", None, &json!({"url": url}), RefusalCode::UnexpectedHost);
    }
    assert_refused("navigate", Some("twitter"), &json!({"url": "https://example.com/"}), RefusalCode::UnexpectedHost);
}
