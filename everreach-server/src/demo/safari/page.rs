//! Opening a page.

use everreach_core::safari::{LimitedAction, Service};
use http::Method;
use serde_json::json;

use super::exchange::{Asked, Reply};
use super::send::Job;
use super::station::Station;

/// The job of opening a page; `None` for other paths.
pub(super) fn prepare(station: &Station, asked: &Asked) -> Option<Result<Job, Reply>> {
    let profile = station.service.profile();
    let field = match (station.service, profile.platform) {
        (Service::LinkedinAutomation, _) if asked.path == "/api/linkedin/navigate/profile" => "profileUrl",
        (_, Some(platform))
            if profile.action == Some(LimitedAction::Comment) && asked.path == format!("/api/{platform}/navigate") =>
        {
            "url"
        }
        _ => return None,
    };
    if asked.method != Method::POST {
        return None;
    }
    let Some(url) = asked.text(field).map(str::to_owned) else {
        return Some(Err(Reply::Json(400, json!({"error": format!("{field} is required")}))));
    };
    let target = url.clone();
    Some(Ok(Job {
        submission: None,
        platform: None,
        target,
        hold: None,
        success: Box::new(move |station, _| {
            station.memory().page = Some(url.clone());
            json!({"success": true, "url": url})
        }),
    }))
}
