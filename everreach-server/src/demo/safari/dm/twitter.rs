//! twitter-dm.

use serde_json::json;

use super::super::exchange::{Asked, Reply};
use super::super::send::Job;
use super::super::station::Station;
use super::checks::{hours_and_limits, job, limits, required};

pub(super) fn prepare(station: &Station, asked: &Asked) -> Result<Job, Reply> {
    // The `@` stays.
    let username = required(asked, "username")?.to_owned();
    let text = collapsed(required(asked, "text")?);
    let now = station.now();
    // Force opens the hours, not the limits.
    if asked.is_set("force") {
        limits(station, now)?
    } else {
        hours_and_limits(station, now)?
    }
    let name = username.clone();
    Ok(job(asked, &username, text, move |_, counts| {
        json!({
            "success": true, "username": name, "verified": true, "verifiedRecipient": name,
            "rateLimits": {"messagesSentToday": counts.day, "messagesSentThisHour": counts.hour},
        })
    }))
}

/// Runs of spaces become one.
fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != ' ' || !out.ends_with(' ') {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn runs_of_spaces_become_one_and_lines_stay() {
        assert_eq!(super::collapsed("a  b   c\n\nd"), "a b c\n\nd");
    }
}
