//! Whether the one that answers is the one that was meant.

use http::StatusCode;
use serde_json::Value;

use super::{HealthStatus, ServiceProfile};

/// How a service is told from whatever else answers at its port. Other programs on the Mac share some of these ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Identity {
    /// The `service` field holds its name.
    ServiceName,
    /// It names no service, and counts messages in `rateLimits.messagesSentToday`.
    MessageCounter,
}

/// What an answer of `/health` says: how the service is, and in which words. Healthy is only a 2xx answer with
/// `status: "ok"` from the service that was meant. It proves that the process lives, not that Safari or the login does.
///
/// ```
/// use everreach_core::safari::{HealthStatus, Service, judge_health};
/// use http::StatusCode;
/// let profile = Service::TwitterDm.profile();
/// let (status, _) = judge_health(profile, StatusCode::OK, br#"{"status": "ok", "service": "twitter-dm"}"#);
/// assert_eq!(status, HealthStatus::Healthy);
/// let (status, why) = judge_health(profile, StatusCode::OK, br#"{"status": "ok", "service": "grafana"}"#);
/// assert_eq!(status, HealthStatus::Down);
/// assert!(why.contains("grafana"));
/// ```
#[must_use]
pub fn judge_health(profile: &ServiceProfile, status: StatusCode, body: &[u8]) -> (HealthStatus, String) {
    let down = |why: String| {
        let hint = profile.down_hint().map_or_else(String::new, |hint| format!("; {hint}"));
        (HealthStatus::Down, format!("{why}{hint}"))
    };
    if !status.is_success() {
        return down(format!("/health answered {}", status.as_u16()));
    }
    let Ok(Value::Object(said)) = serde_json::from_slice(body) else {
        return down("/health did not answer with a JSON object: something else runs at this address".to_owned());
    };
    if said.get("status").and_then(Value::as_str) != Some("ok") {
        let seen = said.get("status").unwrap_or(&Value::Null);
        return down(format!("/health says status {seen}, not \"ok\""));
    }
    let name = said.get("service").filter(|name| !name.is_null());
    let is_meant = match profile.identity {
        Identity::ServiceName => name.and_then(Value::as_str) == Some(profile.name),
        Identity::MessageCounter => {
            let counts = said.get("rateLimits").and_then(|limits| limits.get("messagesSentToday"));
            name.is_none_or(|name| name == profile.name) && counts.is_some_and(Value::is_number)
        }
    };
    if is_meant {
        return (HealthStatus::Healthy, "up".to_owned());
    }
    match name {
        Some(name) => down(format!("another service answers at this address: {name}")),
        None => down("something that is not the service answers at this address".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::safari::Service;

    fn judge(service: Service, code: u16, body: &Value) -> (HealthStatus, String) {
        let code = StatusCode::from_u16(code).expect("a status");
        judge_health(service.profile(), code, body.to_string().as_bytes())
    }

    #[test]
    fn instagram_dm_is_known_by_its_counter_because_it_names_no_service() {
        let own = json!({"status": "ok", "timestamp": "t", "rateLimits": {"messagesSentToday": 0, "messagesSentThisHour": 0}});
        assert_eq!(judge(Service::InstagramDm, 200, &own).0, HealthStatus::Healthy);
        let renderer = json!({"status": "ok", "service": "renderer", "rateLimits": {"messagesSentToday": 0}});
        assert_eq!(judge(Service::InstagramDm, 200, &renderer).0, HealthStatus::Down);
        let grafana = json!({"status": "ok"});
        let (status, why) = judge(Service::InstagramDm, 200, &grafana);
        assert_eq!(status, HealthStatus::Down);
        assert!(why.contains("3100") && why.contains("SAFARI_INSTAGRAM_DM_URL"), "{why}");
    }

    #[test]
    fn every_other_service_is_known_by_its_name() {
        for service in Service::ALL.into_iter().filter(|service| *service != Service::InstagramDm) {
            let own = json!({"status": "ok", "service": service.as_str(), "port": "3105"});
            assert_eq!(judge(service, 200, &own).0, HealthStatus::Healthy, "{service}");
            for other in [
                json!({"status": "ok"}),
                json!({"status": "ok", "service": "instagram-dm"}),
                json!({"status": "ok", "service": 7}),
            ] {
                assert_eq!(judge(service, 200, &other).0, HealthStatus::Down, "{service} {other}");
            }
        }
    }

    #[test]
    fn a_failing_status_or_a_page_is_down() {
        let own = json!({"status": "ok", "service": "twitter-dm"});
        assert_eq!(judge(Service::TwitterDm, 503, &own).0, HealthStatus::Down);
        assert_eq!(judge(Service::TwitterDm, 200, &json!({"status": "degraded", "service": "twitter-dm"})).0, HealthStatus::Down);
        assert_eq!(judge_health(Service::TwitterDm.profile(), StatusCode::OK, b"<html>ok</html>").0, HealthStatus::Down);
    }
}
