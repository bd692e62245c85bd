//! instagram-dm.

use serde_json::json;

use super::super::exchange::{Asked, Reply};
use super::super::send::Job;
use super::super::station::Station;
use super::checks::{hours_and_limits, job, required};

pub(super) fn prepare(station: &Station, asked: &Asked) -> Result<Job, Reply> {
    let name = required(asked, "username")?.trim_start_matches('@').to_owned();
    let text = required(asked, "text")?.to_owned();
    hours_and_limits(station, station.now())?;
    let username = name.clone();
    Ok(job(asked, &name, text, move |_, counts| {
        json!({
            "success": true, "verified": true, "verifiedRecipient": username, "username": username, "strategy": "profile",
            "rateLimits": {"messagesSentToday": counts.day, "messagesSentThisHour": counts.hour},
        })
    }))
}
