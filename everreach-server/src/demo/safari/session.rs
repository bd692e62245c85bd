//! Tabs and sessions, the same on all nine but for small differences.

use everreach_core::safari::Service;
use http::Method;
use serde_json::{Value, json};

use super::effect::Effect;
use super::exchange::{Asked, Reply};
use super::station::Station;
use super::tabs::Claimant;

/// Answers what lies under `/api/tabs` and `/api/session`; `None` for other paths.
pub(super) fn answer(station: &Station, asked: &Asked) -> Option<Reply> {
    let reply = match (asked.method.clone(), asked.path.as_str()) {
        (Method::GET, "/api/tabs/claims") => Reply::ok(station.mac.tabs().shown()),
        (Method::POST, "/api/tabs/claim") => claim(station, asked),
        (Method::POST, "/api/tabs/heartbeat") => heartbeat(station, asked),
        (Method::POST, "/api/tabs/release") => {
            station.mac.tabs().release(asked.text("agentId").unwrap_or_default());
            Reply::ok(json!({"ok": true}))
        }
        (Method::POST, "/api/session/ensure") => ensure(station),
        (Method::GET, "/api/session/status") => Reply::ok(status(station)),
        _ => return None,
    };
    Some(reply)
}

/// The service's own claim, which its middleware takes on the first request; false when there is no tab for it.
pub(super) fn has_tab(station: &Station) -> bool {
    if matches!(station.standing(), Effect::NoTab) {
        return false;
    }
    let agent = format!("{}-stable", station.name());
    station.mac.tabs().claim(claimant(station, &agent), station.now()).is_some()
}

fn claimant<'a>(station: &Station, agent: &'a str) -> Claimant<'a> {
    Claimant { agent, service: station.name(), port: station.port(), pattern: station.service.profile().tab }
}

fn claim(station: &Station, asked: &Asked) -> Reply {
    let Some(agent) = asked.text("agentId") else {
        return Reply::Json(400, json!({"ok": false, "error": "agentId is required"}));
    };
    if asked.body()["windowIndex"].as_u64().is_some_and(|window| window != 1) {
        return Reply::Json(409, json!({"ok": false, "error": "That window is not the automation window"}));
    }
    let mut tabs = station.mac.tabs();
    if asked.is_set("openUrl") && station.service == Service::TwitterDm {
        tabs.open_one(station.service.profile().tab);
    }
    match tabs.claim(claimant(station, agent), station.now()) {
        Some(claim) => Reply::ok(json!({"ok": true, "claim": claim})),
        None => Reply::Json(409, json!({"ok": false, "error": "No free tab was found"})),
    }
}

fn heartbeat(station: &Station, asked: &Asked) -> Reply {
    let now = station.now();
    if station.mac.tabs().heartbeat(asked.text("agentId").unwrap_or_default(), now) {
        return Reply::ok(json!({"ok": true, "heartbeat": now}));
    }
    Reply::Json(404, json!({"ok": false, "error": "There is no such claim"}))
}

fn ensure(station: &Station) -> Reply {
    let pattern = station.service.profile().tab;
    if matches!(station.standing(), Effect::NoTab | Effect::NoSession) {
        let missing = format!("No Safari tab with {pattern} was found");
        return match station.service {
            Service::InstagramDm | Service::LinkedinAutomation | Service::MarketResearch => {
                Reply::Json(500, json!({"error": missing}))
            }
            // It looks at its claim, not at the tab.
            Service::TiktokComments => Reply::ok(json!({"ok": true, "windowIndex": 1, "tabIndex": 1, "url": home(pattern)})),
            _ => Reply::ok(json!({"ok": false, "error": missing})),
        };
    }
    station.memory().is_pinned = true;
    Reply::ok(json!({"ok": true, "windowIndex": 1, "tabIndex": 1, "url": home(pattern)}))
}

fn status(station: &Station) -> Value {
    let is_pinned = station.memory().is_pinned;
    json!({"tracked": is_pinned, "windowIndex": 1, "tabIndex": 1, "sessionUrlPattern": station.service.profile().tab})
}

pub(super) fn home(pattern: &str) -> String {
    format!("https://{pattern}/")
}
