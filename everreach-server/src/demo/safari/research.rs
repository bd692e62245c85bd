//! Searches, with the field names of each platform.

use everreach_core::safari::Platform;
use http::Method;
use serde_json::{Value, json};

use super::exchange::{Asked, Reply};
use super::send::Job;
use super::station::Station;

/// The platforms that can be searched.
pub(super) const PLATFORMS: [&str; 5] = ["twitter", "threads", "instagram", "facebook", "tiktok"];

/// What a screen holds without scrolling.
const ON_SCREEN: u64 = 6;

/// How many videos tiktok opens when nobody says.
const TIKTOK_POSTS: u64 = 8;

/// The job of a search; `None` for other paths.
pub(super) fn prepare(station: &Station, asked: &Asked) -> Option<Result<Job, Reply>> {
    let name = asked.path.strip_prefix("/api/research/")?.strip_suffix("/search")?;
    if asked.method != Method::POST {
        return None;
    }
    let Some(platform) = PLATFORMS.contains(&name).then(|| name.parse::<Platform>().ok()).flatten() else {
        return Some(Err(Reply::Json(400, json!({"error": format!("Unsupported platform: {name}")}))));
    };
    let Some(query) = asked.text("query").map(str::to_owned) else {
        return Some(Err(Reply::Json(400, json!({"error": "query is required"}))));
    };
    if query.contains('\'') {
        // It breaks their shell command, and the search fails at once.
        let failed = json!({
            "success": false, "error": "Search returned no results or failed to load", "platform": platform, "query": query,
        });
        return Some(Err(Reply::ok(failed)));
    }
    let wanted = ["postsPerQuery", "maxPosts"].iter().find_map(|name| asked.body()["config"].get(name)?.as_u64());
    // Only tiktok heeds the wish.
    let count = if platform == Platform::Tiktok { wanted.unwrap_or(TIKTOK_POSTS) } else { ON_SCREEN };
    let mut memory = station.memory();
    memory.jobs = memory.jobs.saturating_add(1);
    drop(memory);
    let target = query.clone();
    let success = move |station: &Station, _| {
        let collected = station.now();
        let posts: Vec<_> = (1..=count).map(|number| post(platform, &query, number, collected)).collect();
        json!({"success": true, "platform": platform, "query": query, "count": posts.len(), "posts": posts})
    };
    Some(Ok(Job { submission: None, platform: Some(platform), target, hold: None, success: Box::new(success) }))
}

/// The letters and digits of a query, in small letters: what a hashtag is made of.
fn tag(query: &str) -> String {
    let tag: String = query.to_lowercase().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    if tag.is_empty() { "search".to_owned() } else { tag }
}

fn post(platform: Platform, query: &str, number: u64, collected: everreach_core::Timestamp) -> Value {
    let author = format!("{}{number}", tag(query));
    let id = 1_800_000_000_000_000_000_u64.saturating_add(number);
    let text = format!("Post {number} about {query}");
    let (likes, replies, shares, views) = (number * 10, number * 2, number, number * 1_000);
    let mut post = json!({
        "id": id.to_string(), "author": author, "authorDisplayName": author, "isVerified": false, "text": text, "likes": likes,
        "engagementScore": likes + replies + shares, "timestamp": collected, "niche": query, "collectedAt": collected,
    });
    let (url, fields) = match platform {
        Platform::Threads => {
            (format!("https://www.threads.com/@{author}/post/D{number}"), json!({"replies": replies, "reposts": shares}))
        }
        Platform::Instagram => (
            format!("https://www.instagram.com/p/{}{number}/", tag(query)),
            json!({"author": "", "text": "", "likes": 0, "comments": 0}),
        ),
        Platform::Facebook => (
            format!("https://www.facebook.com/{author}/posts/{id}"),
            json!({"likes": null, "reactions": likes, "comments": replies, "shares": shares}),
        ),
        Platform::Tiktok => (
            format!("https://www.tiktok.com/@{author}/video/{id}"),
            json!({"text": null, "description": text, "views": views, "comments": replies, "shares": shares}),
        ),
        _ => (format!("https://x.com/{author}/status/{id}"), json!({"views": views, "replies": replies, "retweets": shares})),
    };
    post["url"] = json!(url);
    if let (Value::Object(post), Value::Object(fields)) = (&mut post, fields) {
        post.extend(fields);
        post.retain(|_, value| !value.is_null());
    }
    post
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_the_field_names_of_the_contract() {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        for (platform, names, absent) in [
            (Platform::Twitter, &["text", "likes", "views", "replies", "retweets"][..], &["comments", "shares"][..]),
            (Platform::Threads, &["text", "likes", "replies", "reposts"], &["comments", "shares", "views"]),
            (Platform::Instagram, &["text", "likes", "comments"], &["replies", "views"]),
            (Platform::Facebook, &["text", "reactions", "comments", "shares"], &["likes", "views"]),
            (Platform::Tiktok, &["description", "likes", "views", "comments", "shares"], &["text"]),
        ] {
            let post = post(platform, "solo founders", 1, now);
            assert!(names.iter().all(|name| post.get(name).is_some()), "{platform}: {post}");
            assert!(absent.iter().all(|name| post.get(name).is_none()), "{platform}: {post}");
        }
    }
}
