//! tiktok-dm, which never messages anybody twice.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::exchange::{Asked, Reply};
use super::super::memory::Counts;
use super::super::send::{Hold, Job};
use super::super::station::Station;
use super::checks::{Reached, job, reached, required};

/// A second way in, without a memory. Nobody should use it.
pub(super) const WEAK_PATH: &str = "/api/messages/send-to";

fn message(asked: &Asked) -> Result<(String, String), Reply> {
    let username = required(asked, "username")?.trim_start_matches('@').to_lowercase();
    let text = asked.text("text").or_else(|| asked.text("message"));
    let text = text.ok_or_else(|| Reply::Json(400, json!({"error": "text is required"})))?;
    Ok((username, text.to_owned()))
}

pub(super) fn prepare(station: &Arc<Station>, asked: &Asked) -> Result<Job, Reply> {
    let (username, text) = message(asked)?;
    let now = station.now();
    let counts = station.memory().counts(now);
    if !asked.is_set("force") {
        let refused = match reached(station, now) {
            _ if !station.is_open(now) => Some("Outside active hours"),
            Some(Reached::Hour) => Some("Hourly limit reached"),
            Some(Reached::Day) => Some("Daily limit reached"),
            None => None,
        };
        if let Some(error) = refused {
            return Err(Reply::Json(429, json!({"success": false, "error": error, "rateLimits": limits(counts)})));
        }
        if station.memory().messaged.contains(&username) {
            let error = format!("already_messaged: {username} was messaged before");
            return Err(Reply::Json(400, json!({"success": false, "error": error, "username": username})));
        }
    }
    let hold = Hold::recipient(station, &username).ok_or_else(|| {
        Reply::Json(429, json!({"success": false, "error": format!("in_flight: a send to {username} is running")}))
    })?;
    let name = username.clone();
    let mut job = job(
        asked,
        &username,
        text,
        move |_, counts| json!({"success": true, "username": name, "verified": true, "verifiedRecipient": name, "rateLimits": limits(counts)}),
    );
    job.hold = Some(hold);
    Ok(job)
}

pub(super) fn prepare_weakly(asked: &Asked) -> Result<Job, Reply> {
    let (username, text) = message(asked)?;
    let name = username.clone();
    Ok(job(asked, &username, text, move |_, _| json!({"success": true, "username": name})))
}

fn limits(counts: Counts) -> Value {
    json!({"hourly": counts.hour, "daily": counts.day})
}
