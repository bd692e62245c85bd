//! The four services of comments, which differ in small things.

use everreach_core::safari::{LimitedAction, Platform, Service};
use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::super::exchange::{Asked, Reply};
use super::super::send::{Job, Submission};
use super::super::station::Station;
use super::text::{CANNED, THOUGHT_UP, filtered};

const LONGEST: usize = 10_000;
const LONGEST_ON_TWITTER: usize = 280;

/// What a comment without an address goes to.
const OPEN_PAGE: &str = "whatever page is open";

/// Forwards the wrong field, and calls the failure a success.
const BROKEN_DM_PATH: &str = "/api/instagram/dm/send";

/// The job of a comment; `None` for other paths.
pub(in super::super) fn prepare(station: &Station, asked: &Asked) -> Option<Result<Job, Reply>> {
    let profile = station.service.profile();
    if station.service == Service::InstagramComments && asked.method == Method::POST && asked.path == BROKEN_DM_PATH {
        return Some(Err(Reply::ok(json!({"success": true, "result": {"error": "text is required"}}))));
    }
    if profile.action != Some(LimitedAction::Comment) || asked.path != profile.path {
        return None;
    }
    if asked.method != Method::POST {
        let wrong = json!({"error": "Method Not Allowed"});
        return (station.service == Service::ThreadsComments).then_some(Err(Reply::Json(405, wrong)));
    }
    Some(checked(station, asked, profile.platform?))
}

fn checked(station: &Station, asked: &Asked, platform: Platform) -> Result<Job, Reply> {
    let post = address(station, asked)?;
    let (text, is_thought_up) = wording(station, asked)?;
    let now = station.now();
    if station.service == Service::InstagramComments && !station.is_open(now) {
        let hours = json!({"start": 9, "end": 21});
        return Err(Reply::Json(429, json!({"error": "Outside active hours", "activeHours": hours})));
    }
    if station.service == Service::ThreadsComments
        && let Some(body) = station.memory().same_comment(&post, &text, now)
    {
        return Err(Reply::ok(body));
    }
    limits(station)?;
    if asked.is_set("dry_run") && matches!(station.service, Service::ThreadsComments | Service::TiktokComments) {
        return Err(Reply::ok(json!({"success": true, "dry_run": true, "text": text})));
    }
    let submission = Submission { endpoint: asked.path.clone(), target: post.clone(), text: text.clone() };
    let success = move |station: &Station, _| success(station, platform, &text, is_thought_up);
    Ok(Job { submission: Some(submission), platform: None, target: post, hold: None, success: Box::new(success) })
}

fn refused(error: impl Into<String>) -> Reply {
    Reply::Json(400, json!({"success": false, "error": error.into()}))
}

fn invalid(error: &str) -> Reply {
    Reply::Json(400, json!({"error": error}))
}

fn address(station: &Station, asked: &Asked) -> Result<String, Reply> {
    let given = asked.text("postUrl").or_else(|| asked.text("videoUrl").filter(|_| station.service == Service::TiktokComments));
    match (station.service, given) {
        (Service::TwitterComments, None) => Err(invalid("postUrl is required")),
        (_, None) => Ok(OPEN_PAGE.to_owned()),
        (Service::TwitterComments, Some(url)) if Url::parse(url).is_err() => Err(invalid("postUrl must be a URL")),
        (Service::TiktokComments, Some(url)) if !is_video(url) => Err(invalid("postUrl must be a TikTok video or profile URL")),
        (_, Some(url)) => Ok(url.to_owned()),
    }
}

fn is_video(url: &str) -> bool {
    let is_there = Url::parse(url).ok().and_then(|url| url.host_str().map(|host| host.contains("tiktok.com"))).unwrap_or(false);
    is_there && (url.contains("/video/") || url.contains("/@"))
}

/// The text as it goes out, and whether the service thought it up.
fn wording(station: &Station, asked: &Asked) -> Result<(String, bool), Reply> {
    let uses_ai = asked.is_set("useAI") && station.service != Service::InstagramComments;
    let text = match (asked.text("text"), station.service) {
        (Some(text), _) => text.to_owned(),
        (None, _) if uses_ai => return Ok((THOUGHT_UP.to_owned(), true)),
        (None, Service::ThreadsComments) => return Ok((CANNED.to_owned(), false)),
        (None, _) => return Err(invalid("text is required")),
    };
    let longest = if station.service == Service::TwitterComments { LONGEST_ON_TWITTER } else { LONGEST };
    if text.chars().count() > longest {
        return Err(invalid(&format!("text must be at most {longest} characters")));
    }
    Ok((if station.service == Service::TwitterComments { filtered(&text) } else { text }, false))
}

fn limits(station: &Station) -> Result<(), Reply> {
    if !station.keeps_limits() {
        return Ok(());
    }
    let now = station.now();
    let memory = station.memory();
    let (counts, limit) = (memory.counts(now), memory.limit);
    let hour = limit.per_hour.filter(|most| counts.hour >= *most);
    let day = limit.per_day.filter(|most| counts.day >= *most);
    let Some((most, long, short)) = hour.map(|most| (most, "hour", "hr")).or(day.map(|most| (most, "day", "day"))) else {
        return Ok(());
    };
    Err(match station.service {
        Service::ThreadsComments | Service::InstagramComments => refused(format!("Rate limit: {most} comments per {long}")),
        _ => Reply::ok(json!({"success": false, "error": format!("{most}/{short} limit")})),
    })
}

fn success(station: &Station, platform: Platform, text: &str, is_thought_up: bool) -> Value {
    let at = station.now().timestamp_millis();
    match platform {
        Platform::Threads => {
            let start: String = text.chars().take(100).collect();
            json!({"success": true, "commentId": format!("th_{at}"), "text": start, "verified": true})
        }
        Platform::Instagram => json!({"success": true, "commentId": format!("ig_{at}"), "text": text}),
        Platform::Tiktok => json!({
            "success": true, "commentId": format!("tt_{at}"), "verified": true, "strategy": "keyboard",
            "generatedComment": text, "usedAI": is_thought_up,
        }),
        _ => json!({
            "success": true, "commentId": format!("tw_{at}"), "verified": true, "strategy": "keyboard", "attempts": 1,
            "durationMs": 4_000, "generatedComment": text, "ai_generated": is_thought_up, "usedAI": is_thought_up,
            "charCount": text.chars().count(),
        }),
    }
}
