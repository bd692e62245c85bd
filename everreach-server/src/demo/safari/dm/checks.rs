//! What all four have in common.

use std::sync::Arc;

use everreach_core::Timestamp;
use everreach_core::safari::Service;
use http::Method;
use serde_json::{Value, json};

use super::super::exchange::{Asked, Reply};
use super::super::memory::Counts;
use super::super::send::{Job, Submission};
use super::super::station::Station;
use super::{instagram, linkedin, tiktok, twitter};

/// The job of a message; `None` for other paths.
pub(in super::super) fn prepare(station: &Arc<Station>, asked: &Asked) -> Option<Result<Job, Reply>> {
    if asked.method != Method::POST {
        return None;
    }
    match station.service {
        Service::TiktokDm if asked.path == tiktok::WEAK_PATH => Some(tiktok::prepare_weakly(asked)),
        service if asked.path != service.profile().path => None,
        Service::InstagramDm => Some(instagram::prepare(station, asked)),
        Service::TwitterDm => Some(twitter::prepare(station, asked)),
        Service::TiktokDm => Some(tiktok::prepare(station, asked)),
        Service::LinkedinAutomation => Some(linkedin::prepare(station, asked)),
        _ => None,
    }
}

pub(super) fn job(
    asked: &Asked,
    target: &str,
    text: String,
    success: impl Fn(&Station, Counts) -> Value + Send + 'static,
) -> Job {
    let submission = Submission { endpoint: asked.path.clone(), target: target.to_owned(), text };
    Job { submission: Some(submission), platform: None, target: target.to_owned(), hold: None, success: Box::new(success) }
}

/// A field that must be there; 400 without it.
pub(super) fn required<'a>(asked: &'a Asked, name: &str) -> Result<&'a str, Reply> {
    asked.text(name).ok_or_else(|| Reply::Json(400, json!({"error": format!("{name} is required")})))
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Hour,
    Day,
}

pub(super) fn reached(station: &Station, now: Timestamp) -> Option<Reached> {
    if !station.keeps_limits() {
        return None;
    }
    let memory = station.memory();
    let (counts, limit) = (memory.counts(now), memory.limit);
    if limit.per_hour.is_some_and(|most| counts.hour >= most) {
        return Some(Reached::Hour);
    }
    limit.per_day.is_some_and(|most| counts.day >= most).then_some(Reached::Day)
}

/// The hours and limits of instagram-dm and twitter-dm.
pub(super) fn hours_and_limits(station: &Station, now: Timestamp) -> Result<(), Reply> {
    if !station.is_open(now) {
        let hours = json!({"start": 9, "end": 21});
        return Err(Reply::Json(429, json!({"error": "Outside active hours", "activeHours": hours})));
    }
    limits(station, now)
}

/// Their limits alone.
pub(super) fn limits(station: &Station, now: Timestamp) -> Result<(), Reply> {
    match reached(station, now) {
        None => Ok(()),
        Some(Reached::Hour) => Err(Reply::Json(429, json!({"error": "Hourly rate limit exceeded"}))),
        Some(Reached::Day) => Err(Reply::Json(429, json!({"error": "Daily rate limit exceeded"}))),
    }
}
