//! `/health`, as each service words it.

use everreach_core::safari::{ActiveHours, Service};
use serde_json::{Value, json};

use super::effect::{Blanks, Effect, filled};
use super::exchange::Reply;
use super::standing;
use super::station::Station;

const VERSION: &str = "1.0.0";

pub(super) fn answer(station: &Station) -> Reply {
    let blanks = Blanks { service: station.name(), platform: "", target: "" };
    match station.standing() {
        Effect::HealthHangs => Reply::Silence,
        Effect::HealthSays(status, body) => Reply::Json(status, filled(body, blanks)),
        Effect::HealthShowsPage => Reply::Page(200, "<!DOCTYPE html>\n<html><body>ok</body></html>\n".to_owned()),
        _ => Reply::ok(body(station)),
    }
}

fn body(station: &Station) -> Value {
    let now = station.now();
    let (started, port, name) = (station.memory().started_at, station.port(), station.name());
    let age = now - started;
    let (seconds, milliseconds) = (age.num_seconds(), age.num_milliseconds());
    match station.service {
        Service::InstagramDm => {
            let mut limits = standing::messages(station);
            if let Value::Object(fields) = &mut limits {
                fields.remove("activeHours");
            }
            json!({"status": "ok", "timestamp": now, "rateLimits": limits})
        }
        Service::TwitterDm => json!({"status": "ok", "service": name, "timestamp": now}),
        Service::ThreadsComments => json!({
            "status": "ok", "service": name, "version": VERSION, "port": port, "started_at": started, "uptime": seconds,
            "timestamp": now,
        }),
        Service::InstagramComments => json!({
            "status": "ok", "service": name, "version": VERSION, "port": port, "started_at": started, "uptime": milliseconds,
            "uptime_human": format!("{seconds}s"), "timestamp": now,
        }),
        Service::TiktokComments => json!({"status": "ok", "service": name, "port": port, "timestamp": now}),
        Service::TwitterComments => json!({
            "status": "ok", "service": name, "port": port, "timestamp": now, "version": VERSION, "uptime": seconds,
        }),
        Service::TiktokDm => json!({"status": "ok", "service": name, "platform": "tiktok", "port": port}),
        Service::LinkedinAutomation => linkedin(station),
        _ => json!({
            "status": "ok", "service": name, "version": VERSION, "port": port, "started_at": started, "uptime": milliseconds,
            "platforms": super::research::PLATFORMS, "currentJob": null, "jobsTotal": station.memory().jobs,
        }),
    }
}

fn linkedin(station: &Station) -> Value {
    let now = station.now();
    let memory = station.memory();
    let counts = memory.counts(now);
    let held = memory.locked_since.map_or(0, |since| (now - since).num_milliseconds());
    json!({
        "status": "ok",
        "service": station.name(),
        "platform": "linkedin",
        "port": station.port().to_string(),
        "uptime": (now - memory.started_at).num_seconds(),
        "withinActiveHours": reported_hours().is_none_or(|hours| station.is_within(hours, now)),
        "rateLimits": {"messagesPerDay": memory.limit.per_day},
        "counters": {"messagesToday": counts.day, "actionsThisHour": counts.hour},
        "safari": {"locked": memory.locked_since.is_some(), "lockedForMs": held},
    })
}

/// What linkedin-automation says of its hours; it keeps others.
pub(super) fn reported_hours() -> Option<ActiveHours> {
    ActiveHours::new(8, 18).ok()
}
