//! linkedin-automation.

use std::sync::Arc;

use serde_json::json;

use super::super::exchange::{Asked, Reply};
use super::super::send::{Hold, Job};
use super::super::station::Station;
use super::checks::{Reached, job, reached, required};

/// How long its lock is said to last; the wait it asks for is computed from it.
const LOCK_SECONDS: i64 = 120;

pub(super) fn prepare(station: &Arc<Station>, asked: &Asked) -> Result<Job, Reply> {
    let profile = url(required(asked, "profileUrl")?);
    let text = required(asked, "text")?.to_owned();
    let now = station.now();
    let is_forced = asked.is_set("force");
    if !station.is_open(now) && !is_forced {
        let message = "Messages are sent from 9 to 21";
        return Err(Reply::Json(429, json!({"error": "outside_active_hours", "message": message})));
    }
    if !is_forced && reached(station, now) == Some(Reached::Day) {
        return Err(Reply::Json(429, json!({"error": "Daily message limit reached"})));
    }
    let hold = Hold::lock(station).ok_or_else(|| busy(station))?;
    let shown = asked.text("name").or_else(|| asked.text("username")).unwrap_or(&profile).to_owned();
    let mut job = job(
        asked,
        &profile,
        text,
        move |_, _| json!({"success": true, "verified": true, "verifiedRecipient": format!("{shown}\nActive now")}),
    );
    job.hold = Some(hold);
    Ok(job)
}

/// A bare handle becomes an address.
fn url(given: &str) -> String {
    if given.contains("://") {
        return given.to_owned();
    }
    format!("https://www.linkedin.com/in/{}/", given.trim_start_matches('@').trim_matches('/'))
}

fn busy(station: &Station) -> Reply {
    let now = station.now();
    let held = station.memory().locked_since.map_or(0, |since| (now - since).num_seconds());
    let wait = u64::try_from(LOCK_SECONDS - held).unwrap_or_default().max(1);
    let body = json!({
        "error": "Safari busy: another action holds it", "lockedFor": format!("{held}s"), "retryAfter": format!("{wait}s"),
    });
    Reply::Later(wait, 429, body)
}
