//! What a service checks before it looks at the request: how often, who, in which form, and whether Safari has a tab.

use everreach_core::safari::Service;
use http::{Method, header};
use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::effect::{Blanks, Effect, filled};
use super::exchange::{Asked, Reply};
use super::session;
use super::station::Station;

/// Why the request is not looked at; `None` when it is.
pub(super) fn refusal(station: &Station, asked: &Asked) -> Option<Reply> {
    too_often(station)
        .or_else(|| stranger(station, asked))
        .or_else(|| wrong_form(station, asked))
        .or_else(|| no_tab(station, asked))
}

const fn requests_a_minute(service: Service) -> Option<u32> {
    match service {
        Service::ThreadsComments | Service::MarketResearch => Some(60),
        Service::InstagramComments => Some(200),
        _ => None,
    }
}

fn too_often(station: &Station) -> Option<Reply> {
    let body = json!({"error": "Too many requests"});
    if matches!(station.standing(), Effect::TooOften) {
        return Some(Reply::Later(60, 429, body));
    }
    let most = requests_a_minute(station.service).filter(|_| station.keeps_limits())?;
    let now = station.now();
    station.memory().take_request(most, now).err().map(|seconds| Reply::Later(seconds, 429, body))
}

/// Everything under `/api/` on linkedin-automation; elsewhere not what only tells about tabs and sessions.
fn wants_token(station: &Station, path: &str) -> bool {
    let is_about_the_page = path.starts_with("/api/session/")
        || path.starts_with("/api/tabs/")
        || (path.starts_with("/api/") && path.ends_with("/status") && path.matches('/').count() == 3);
    match station.service {
        Service::LinkedinAutomation => path.starts_with("/api/"),
        Service::ThreadsComments | Service::InstagramComments | Service::TwitterComments => !is_about_the_page,
        _ => true,
    }
}

fn stranger(station: &Station, asked: &Asked) -> Option<Reply> {
    let blanks = Blanks { service: station.name(), platform: "", target: "" };
    if let Effect::Door(status, body) = station.standing() {
        return Some(Reply::Json(status, filled(body, blanks)));
    }
    let token = station.mac.tokens.get(&station.service).filter(|_| wants_token(station, &asked.path))?;
    let shown = asked.header(header::AUTHORIZATION);
    let given = shown.and_then(|shown| shown.strip_prefix("Bearer "));
    let by_key = asked.header("x-api-key").filter(|_| station.service == Service::MarketResearch);
    if given.or(by_key).is_some_and(|given| bool::from(given.trim().as_bytes().ct_eq(token.as_bytes()))) {
        return None;
    }
    let is_malformed = shown.is_some() && given.is_none_or(|given| given.trim().is_empty());
    if station.service == Service::LinkedinAutomation && is_malformed {
        return Some(Reply::Json(
            400,
            json!({"error": "Bad Request", "message": "The Authorization header must be Bearer <token>"}),
        ));
    }
    let message = if shown.is_some() { "Invalid token" } else { "Missing Authorization header" };
    Some(Reply::Json(401, json!({"error": "Unauthorized", "message": message})))
}

fn wrong_form(station: &Station, asked: &Asked) -> Option<Reply> {
    let wants_json = matches!(station.service, Service::ThreadsComments | Service::InstagramComments | Service::MarketResearch);
    let has_body = asked.method == Method::POST || asked.method == Method::PUT;
    // ensure takes no body, so its header is nobody's business.
    let is_about_the_page = asked.path.starts_with("/api/session/");
    (wants_json && has_body && !is_about_the_page && !asked.has_json_header())
        .then(|| Reply::Json(415, json!({"error": "Unsupported Media Type", "message": "Content-Type must be application/json"})))
}

/// The middleware that finds the tab, where it stands in front of the path.
fn no_tab(station: &Station, asked: &Asked) -> Option<Reply> {
    let path = asked.path.as_str();
    let platform_path = path.strip_prefix("/api/").and_then(|rest| rest.split_once('/')).map(|(_, rest)| rest);
    let is_exempt = path.starts_with("/api/tabs") || matches!(platform_path, Some("status" | "rate-limits"));
    let is_session = path.starts_with("/api/session");
    let session_is_exempt = matches!(station.service, Service::TwitterDm | Service::TwitterComments | Service::TiktokDm);
    match station.service {
        // Its own check, for sends only, whatever is claimed.
        Service::InstagramDm => (path.starts_with("/api/messages/") && matches!(station.standing(), Effect::NoSession))
            .then(|| Reply::Json(503, json!({"error": "Session activation failed: no instagram.com tab"}))),
        Service::LinkedinAutomation => None,
        _ if is_exempt || (is_session && session_is_exempt) || is_session && path.ends_with("/ensure") => None,
        _ if session::has_tab(station) => None,
        service => {
            let pattern = service.profile().tab;
            Some(Reply::Json(
                503,
                json!({
                    "error": format!("No Safari tab available for {service}"),
                    "detail": format!("no unclaimed tab with {pattern} in the automation window"),
                    "fix": format!("open {pattern} in Safari"),
                }),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::HeaderMap;

    use super::super::station::tests::station;
    use super::*;

    fn status_of(service: Service, path: &str, authorization: Option<&str>) -> Option<u16> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/json".parse().expect("a value"));
        if let Some(shown) = authorization {
            headers.insert(header::AUTHORIZATION, shown.parse().expect("a value"));
        }
        match refusal(&station(service), &Asked::new(Method::POST, path, headers, &Bytes::new())) {
            None => None,
            Some(Reply::Json(status, _)) => Some(status),
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn tokens_are_wanted_where_the_contract_says() {
        for (service, path, shown, status) in [
            (Service::InstagramDm, "/api/messages/send-to", None, None),
            (Service::ThreadsComments, "/api/threads/comments/post", None, Some(401)),
            (Service::ThreadsComments, "/api/threads/comments/post", Some("Bearer wrong"), Some(401)),
            (Service::ThreadsComments, "/api/threads/comments/post", Some("Bearer threads-local-dev-token"), None),
            (Service::ThreadsComments, "/api/threads/status", None, None),
            (Service::InstagramComments, "/api/tabs/claim", None, None),
            (Service::InstagramComments, "/no/such/path", None, Some(401)),
            (Service::TiktokComments, "/api/tiktok/comments/post", None, None),
            (Service::LinkedinAutomation, "/api/session/ensure", None, Some(401)),
            (Service::LinkedinAutomation, "/api/session/ensure", Some("Bearer "), Some(400)),
            (Service::LinkedinAutomation, "/api/session/ensure", Some("Basic abc"), Some(400)),
            (Service::LinkedinAutomation, "/api/session/ensure", Some("Bearer test-token-12345"), None),
            (Service::LinkedinAutomation, "/no/such/path", None, None),
        ] {
            assert_eq!(status_of(service, path, shown), status, "{service} {path} {shown:?}");
        }
    }
}
