use serde_json::json;

use super::*;
use crate::safari::Command;
use crate::safari::gate::{Work, check};

fn search(platform: Platform, max_posts: u32) -> ResearchWork {
    let command = Command::research(platform, "founder's tips", max_posts, "2026-11-20T12:00:00Z".parse().expect("a time"));
    match check(&command).expect("it passes").work() {
        Work::Research(search) => search.clone(),
        other => panic!("{other:?}"),
    }
}

/// A post with every field that any platform has, each with a number of its own.
fn post(url: &str) -> Value {
    json!({
        "id": "1", "author": "bob", "url": url, "text": "the text", "description": "the description", "likes": 1, "reactions": 2,
        "views": 3, "comments": 4, "replies": 5, "shares": 6, "retweets": 7, "reposts": 8, "engagementScore": 9,
    })
}

#[test]
fn each_platforms_fields_land_in_the_columns_of_the_contract() {
    for (platform, text, counts) in [
        (Platform::Twitter, "the text", [1, 3, 5, 7]),
        (Platform::Threads, "the text", [1, 0, 5, 8]),
        (Platform::Instagram, "the text", [1, 0, 4, 0]),
        (Platform::Facebook, "the text", [2, 0, 4, 6]),
        (Platform::Tiktok, "the description", [1, 3, 4, 6]),
    ] {
        let rows = research_rows(&search(platform, 10), &json!({"posts": [post("https://a.test/1")]}));
        let [row] = rows.as_slice() else { panic!("one row") };
        assert_eq!(row.post_text, text, "{platform}");
        assert_eq!([row.likes, row.views, row.comments, row.shares], counts, "{platform}");
        assert_eq!((row.platform, row.keyword.as_str(), row.author.as_str()), (platform, "founder's tips", "bob"));
    }
}

#[test]
fn the_list_is_cut_to_what_was_wanted_after_doubles_and_nameless_posts_are_gone() {
    let posts: Vec<_> = ["a", "a", "", "b", "c", "d"].map(post).to_vec();
    let rows = research_rows(&search(Platform::Twitter, 3), &json!({"posts": posts}));
    assert_eq!(rows.iter().map(|row| row.post_url.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn counts_are_read_as_platforms_write_them() {
    for (written, read) in [
        (json!(12), 12),
        (json!(12.6), 13),
        (json!("1,234"), 1_234),
        (json!("1.2K"), 1_200),
        (json!("3m"), 3_000_000),
        (json!("9B"), i32::MAX),
        (json!(1e20), i32::MAX),
        (json!(-5), 0),
        (json!("many"), 0),
        (json!("NaN"), 0),
        (json!(null), 0),
        (json!([1]), 0),
    ] {
        assert_eq!(count(&written), read, "{written}");
    }
}

#[test]
fn a_long_text_is_cut_at_a_thousand_characters_and_odd_posts_do_no_harm() {
    let posts =
        json!([{"url": "a", "text": "é".repeat(2_000)}, 7, null, {"url": 7}, {"url": "b", "author": ["x"], "text": "a\u{0}b"}]);
    let rows = research_rows(&search(Platform::Twitter, 10), &json!({"posts": posts}));
    assert_eq!(rows[0].post_text.chars().count(), 1_000);
    assert_eq!((rows[1].author.as_str(), rows[1].post_text.as_str()), ("", "ab"));
    assert!(research_rows(&search(Platform::Twitter, 10), &json!({"posts": "none"})).is_empty());
}
