//! Limits, counters, and what the page says of the account.

use everreach_core::safari::Service;
use everreach_core::safari::limits::Limit;
use http::Method;
use serde_json::{Value, json};

use super::config::Hours;
use super::effect::{Blanks, Effect, filled};
use super::exchange::{Asked, Reply};
use super::health::reported_hours;
use super::session::home;
use super::station::Station;

/// One to five minutes between sends: said by all, kept by none.
const SHORTEST_PAUSE: u64 = 60_000;
const LONGEST_PAUSE: u64 = 300_000;

/// Research says something there too, about requests a minute.
const RESEARCH_LIMITS: &str = "/api/rate-limits";

/// Answers the limits and the status; `None` for other paths.
pub(super) fn answer(station: &Station, asked: &Asked) -> Option<Reply> {
    let profile = station.service.profile();
    let path = asked.path.as_str();
    let status_path = match station.service {
        Service::InstagramDm => "/api/status".to_owned(),
        _ => format!("/api/{}/status", profile.platform.map_or("research", |platform| platform.as_str())),
    };
    match (&asked.method, path) {
        (&Method::GET, path) if path == profile.limits_path.unwrap_or(RESEARCH_LIMITS) => Some(Reply::ok(limits(station))),
        (&Method::PUT, path) if path == profile.limits_path.unwrap_or(RESEARCH_LIMITS) => Some(set_limits(station, asked)),
        (&Method::GET, path) if path == status_path => Some(Reply::ok(status(station))),
        (&Method::GET, "/api/twitter/rate-status") if station.service == Service::TwitterDm => Some(Reply::ok(account(station))),
        // Other counters, never enforced and never reset.
        (&Method::GET, "/api/instagram/comments/rate-limits") if station.service == Service::InstagramComments => {
            Some(Reply::ok(json!({"commentsThisHour": 0, "commentsToday": 0})))
        }
        _ => None,
    }
}

fn limits(station: &Station) -> Value {
    match station.service {
        Service::InstagramDm | Service::TwitterDm | Service::TiktokDm => messages(station),
        Service::LinkedinAutomation => linkedin(station),
        Service::MarketResearch => json!({"window_ms": 60_000, "max_per_window": 60, "accounts": []}),
        _ => comments(station),
    }
}

/// The counters and limits of a service that sends messages.
pub(super) fn messages(station: &Station) -> Value {
    let now = station.now();
    let memory = station.memory();
    let (counts, limit) = (memory.counts(now), memory.limit);
    let mut hours = json!({"start": 9, "end": 21, "isActive": station.is_open(now)});
    let mut body = json!({
        "messagesSentToday": counts.day,
        "messagesSentThisHour": counts.hour,
        "limits": {
            "messagesPerHour": limit.per_hour, "messagesPerDay": limit.per_day, "minDelayMs": SHORTEST_PAUSE,
            "maxDelayMs": LONGEST_PAUSE, "activeHoursStart": 9, "activeHoursEnd": 21,
        },
    });
    if station.service == Service::TiktokDm {
        // The service draws it; nobody waits for it.
        body["nextDelay"] = json!(SHORTEST_PAUSE);
    } else {
        let zone = if let Hours::Kept(zone) = station.mac.hours { zone } else { chrono_tz::UTC };
        hours["currentHour"] = json!(chrono::Timelike::hour(&now.with_timezone(&zone)));
    }
    body["activeHours"] = hours;
    body
}

fn linkedin(station: &Station) -> Value {
    let now = station.now();
    let memory = station.memory();
    let (counts, limit) = (memory.counts(now), memory.limit);
    json!({
        "config": {
            "messagesPerDay": limit.per_day, "minDelayMs": 30_000, "maxDelayMs": 120_000,
            "activeHoursStart": 8, "activeHoursEnd": 18,
        },
        "current": {"connectionsToday": 0, "messagesToday": counts.day, "actionsThisHour": counts.hour},
        "withinActiveHours": reported_hours().is_none_or(|hours| station.is_within(hours, now)),
    })
}

fn comments(station: &Station) -> Value {
    let now = station.now();
    let memory = station.memory();
    let (counts, limit) = (memory.counts(now), memory.limit);
    let mut body = json!({
        "commentsThisHour": counts.hour,
        "commentsToday": counts.day,
        "limits": {
            "timeout": 30_000, "minDelayMs": SHORTEST_PAUSE, "maxDelayMs": LONGEST_PAUSE,
            "commentsPerHour": limit.per_hour, "commentsPerDay": limit.per_day,
        },
    });
    if station.service == Service::ThreadsComments {
        body["daily_used"] = json!(counts.day);
        body["hourly_used"] = json!(counts.hour);
    }
    body
}

fn set_limits(station: &Station, asked: &Asked) -> Reply {
    let number = |names: [&str; 2]| {
        let found = names.iter().find_map(|name| asked.body().get(name)?.as_u64());
        found.map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    };
    let mut memory = station.memory();
    memory.limit = Limit {
        per_hour: number(["messagesPerHour", "commentsPerHour"]).or(memory.limit.per_hour),
        per_day: number(["messagesPerDay", "commentsPerDay"]).or(memory.limit.per_day),
    };
    drop(memory);
    Reply::ok(limits(station))
}

fn status(station: &Station) -> Value {
    let is_logged_in = !matches!(station.standing(), Effect::Account { is_logged_in: false, .. });
    let page = station.memory().page.clone();
    json!({
        "isLoggedIn": is_logged_in,
        "currentUrl": page.unwrap_or_else(|| home(station.service.profile().tab)),
    })
}

fn account(station: &Station) -> Value {
    let blanks = Blanks { service: station.name(), platform: "", target: "" };
    match station.standing() {
        Effect::Account { is_logged_in: true, standing } => filled(standing, blanks),
        _ => json!({"limited": false, "suspended": false, "message": null}),
    }
}
