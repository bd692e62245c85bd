//! What a search found, as rows of `crm_market_research`.

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use crate::safari::Platform;
use crate::safari::gate::ResearchWork;

const LONGEST_TEXT: usize = 1_000;

/// One row of `crm_market_research`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ResearchRow {
    /// The platform.
    pub platform: Platform,
    /// What was searched for, as the command said it.
    pub keyword: String,
    /// The author; may be empty on Instagram.
    pub author: String,
    /// The post's address; within one command no two rows have the same.
    pub post_url: String,
    /// The first 1,000 characters of its text.
    pub post_text: String,
    /// Likes; reactions on Facebook.
    pub likes: i32,
    /// Views, where the platform tells them.
    pub views: i32,
    /// Comments; replies on x.com and Threads.
    pub comments: i32,
    /// Shares; retweets on x.com, reposts on Threads.
    pub shares: i32,
}

/// The names under which a platform's posts carry their text and counts; none where the platform tells no such count.
struct Names {
    text: &'static str,
    likes: &'static str,
    views: Option<&'static str>,
    comments: &'static str,
    shares: Option<&'static str>,
}

const fn names(platform: Platform) -> Names {
    let usual = Names { text: "text", likes: "likes", views: None, comments: "comments", shares: Some("shares") };
    match platform {
        Platform::Twitter => Names { views: Some("views"), comments: "replies", shares: Some("retweets"), ..usual },
        Platform::Threads => Names { comments: "replies", shares: Some("reposts"), ..usual },
        Platform::Instagram => Names { shares: None, ..usual },
        Platform::Facebook => Names { likes: "reactions", ..usual },
        Platform::Tiktok => Names { text: "description", views: Some("views"), ..usual },
        Platform::Linkedin => usual,
    }
}

/// The rows that the answer to a search makes, at most as many as were wanted: the service may return more. A post without an
/// address is left out, since nothing would tell its row from another; so is a second one with the same address.
///
/// | column | twitter | threads | instagram | facebook | tiktok |
/// |---|---|---|---|---|---|
/// | `post_text` | text | text | text | text | description |
/// | `likes` | likes | likes | likes | reactions | likes |
/// | `views` | views | 0 | 0 | 0 | views |
/// | `comments` | replies | replies | comments | comments | comments |
/// | `shares` | retweets | reposts | 0 | shares | shares |
///
/// ```
/// use everreach_core::safari::gate::{Work, check};
/// use everreach_core::safari::{Command, Platform, wire::research_rows};
/// use serde_json::json;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let search = check(&Command::research(Platform::Twitter, "ai", 5, now))?;
/// let Work::Research(search) = search.work() else { panic!("a search") };
/// let answer = json!({"success": true, "posts": [
///     {"author": "bob", "url": "https://x.com/bob/status/1", "text": "hi", "likes": 3, "views": 90, "replies": 2, "retweets": 1}
/// ]});
/// let rows = research_rows(search, &answer);
/// assert_eq!((rows[0].likes, rows[0].views, rows[0].comments, rows[0].shares), (3, 90, 2, 1));
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[must_use]
pub fn research_rows(search: &ResearchWork, answer: &Value) -> Vec<ResearchRow> {
    let names = names(search.platform);
    let mut seen = HashSet::new();
    let wanted = usize::try_from(search.max_posts).unwrap_or(usize::MAX);
    let posts = answer.get("posts").and_then(Value::as_array).into_iter().flatten();
    let rows = posts.filter_map(|post| {
        let text = |name: &str| text(post, name).unwrap_or_default();
        let number = |name: Option<&str>| name.and_then(|name| post.get(name)).map_or(0, count);
        let post_url = post_url(post).filter(|url| seen.insert(url.clone()))?;
        Some(ResearchRow {
            platform: search.platform,
            keyword: search.keyword.clone(),
            author: text("author"),
            post_url,
            post_text: text(names.text).chars().take(LONGEST_TEXT).collect(),
            likes: number(Some(names.likes)),
            views: number(names.views),
            comments: number(Some(names.comments)),
            shares: number(names.shares),
        })
    });
    rows.take(wanted).collect()
}

/// Cuts the posts of an answer to those that make a row, in place: the service returns whatever is on the screen. What
/// [`research_rows`] makes of it stays the same.
///
/// ```
/// use everreach_core::safari::gate::{Work, check};
/// use everreach_core::safari::{Command, Platform, wire::keep_wanted_posts};
/// use serde_json::json;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let search = check(&Command::research(Platform::Twitter, "ai", 1, now))?;
/// let Work::Research(search) = search.work() else { panic!("a search") };
/// let mut answer = json!({"posts": [{"url": ""}, {"url": "https://x.com/a/status/1"}, {"url": "https://x.com/b/status/2"}]});
/// keep_wanted_posts(search, &mut answer);
/// assert_eq!(answer["posts"], json!([{"url": "https://x.com/a/status/1"}]));
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
pub fn keep_wanted_posts(search: &ResearchWork, answer: &mut Value) {
    let wanted = usize::try_from(search.max_posts).unwrap_or(usize::MAX);
    let mut seen = HashSet::new();
    if let Some(Value::Array(posts)) = answer.get_mut("posts") {
        posts.retain(|post| post_url(post).is_some_and(|url| seen.len() < wanted && seen.insert(url)));
    }
}

/// The address that tells a post's row from another.
fn post_url(post: &Value) -> Option<String> {
    text(post, "url").filter(|url| !url.trim().is_empty())
}

/// A text without NUL, which PostgreSQL does not keep.
fn text(post: &Value, name: &str) -> Option<String> {
    post.get(name).and_then(Value::as_str).map(|text| text.replace('\0', ""))
}

/// A count as platforms write it: a number, its digits with or without commas, or as in `1.2K`. Anything else is 0; what does
/// not fit the column is its largest value.
fn count(value: &Value) -> i32 {
    let number = match value {
        Value::Number(number) => number.as_f64().unwrap_or_default(),
        Value::String(text) => {
            let text = text.trim().replace(',', "").to_uppercase();
            let (digits, scale) = match text.strip_suffix(['K', 'M', 'B']) {
                Some(digits) if text.ends_with('K') => (digits, 1e3),
                Some(digits) if text.ends_with('M') => (digits, 1e6),
                Some(digits) => (digits, 1e9),
                None => (text.as_str(), 1.0),
            };
            digits.parse::<f64>().unwrap_or_default() * scale
        }
        _ => 0.0,
    };
    #[allow(clippy::cast_possible_truncation, reason = "the cast saturates, and not-a-number becomes 0")]
    let number = number.round() as i32;
    number.max(0)
}

#[cfg(test)]
#[path = "research_row_tests.rs"]
mod tests;
