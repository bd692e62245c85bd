//! `POST /webhooks/alertmanager`: a payload of Prometheus' Alertmanager becomes one notification.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use super::answer::json;
use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;

/// The most that one message of the messenger holds.
const MAX_TEXT: usize = 4_096;

/// What Alertmanager posts; fields that nobody reads here may be there too.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AlertPayload {
    /// `firing` or `resolved`, for the whole group.
    status: String,
    /// Who it is sent to, in Alertmanager's own words.
    #[serde(rename = "receiver")]
    _receiver: String,
    /// The alerts.
    alerts: Vec<Alert>,
    /// How many more there were.
    #[serde(default, rename = "truncatedAlerts")]
    truncated: u64,
}

/// One alert.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Alert {
    /// `firing` or `resolved`.
    status: String,
    /// Its labels, `alertname` and `severity` among them.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Its annotations, `summary` or `description` among them.
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Hands the alerts to the operator as one notification.
#[utoipa::path(post, path = "/webhooks/alertmanager", tag = "webhooks", request_body = AlertPayload,
    responses((status = 200, description = "The operator was notified", body = crate::schema::Notified)))]
pub(crate) async fn receive(State(state): State<AppState>, Json(payload): Json<AlertPayload>) -> Result<Response, Problem> {
    notify(&state, &payload).await
}

/// The payload, if the body is one.
pub(crate) fn recognize(body: &[u8]) -> Option<AlertPayload> {
    serde_json::from_slice(body).ok()
}

pub(crate) async fn notify(state: &AppState, payload: &AlertPayload) -> Result<Response, Problem> {
    state.runtime().notifier().notify(&text(payload)).await?;
    Ok(json(StatusCode::OK, &value!({ "ok": true, "alerts": payload.alerts.len() })))
}

/// One message: the group's status and size, then a line for each alert as far as there is room.
fn text(payload: &AlertPayload) -> String {
    let count = u64::try_from(payload.alerts.len()).unwrap_or(u64::MAX).saturating_add(payload.truncated);
    let mut text =
        format!("[{}] {count} {}", shorten(&payload.status.to_uppercase(), 20), if count == 1 { "alert" } else { "alerts" });
    for (index, alert) in payload.alerts.iter().enumerate() {
        let line = line(alert, &payload.status);
        let rest = format!("\n… and {} more", payload.alerts.len() - index);
        // The last line of all needs no room for the words about a rest.
        let reserve = if index + 1 == payload.alerts.len() { 0 } else { rest.chars().count() };
        if text.chars().count() + line.chars().count() + reserve > MAX_TEXT {
            text.push_str(&rest);
            break;
        }
        text.push_str(&line);
    }
    text
}

fn line(alert: &Alert, group: &str) -> String {
    let label = |name: &str, other| alert.labels.get(name).map_or(other, String::as_str);
    let summary =
        ["summary", "description", "message"].iter().find_map(|name| alert.annotations.get(*name)).map_or("", String::as_str);
    let mut line =
        format!("\n{} ({})", shorten(label("alertname", "unnamed"), 200), shorten(label("severity", "no severity"), 50));
    if alert.status != group {
        line.push_str(&format!(" {}", shorten(&alert.status, 20)));
    }
    if !summary.is_empty() {
        line.push_str(&format!(": {}", shorten(summary, 600)));
    }
    line
}

fn shorten(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    if text.chars().count() <= most { plain.collect() } else { plain.take(most - 1).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload(alerts: usize, summary: &str) -> AlertPayload {
        let alert = value!({"status": "firing", "labels": {"alertname": "CostNearCap", "severity": "warning"}, "annotations": {"summary": summary}});
        let body = value!({"version": "4", "groupKey": "{}", "receiver": "everreach", "status": "firing", "alerts": vec![alert; alerts]});
        recognize(body.to_string().as_bytes()).expect("a payload")
    }

    #[test]
    fn a_group_of_alerts_is_one_message_with_a_line_for_each() {
        assert_eq!(text(&payload(1, "380 of 400 USD")), "[FIRING] 1 alert\nCostNearCap (warning): 380 of 400 USD");
        assert_eq!(text(&payload(3, "x")).lines().count(), 4);
    }

    #[test]
    fn a_flood_of_alerts_still_fits_into_one_message_and_says_what_is_left_out() {
        let text = text(&payload(500, &"ü".repeat(5_000)));
        assert!(text.chars().count() <= MAX_TEXT);
        assert!(text.starts_with("[FIRING] 500 alerts") && text.ends_with(" more"), "{text}");
    }

    #[test]
    fn other_bodies_are_not_taken_for_alerts() {
        for body in [r#"{"pipeline":"crm_brain","args":["--pipeline"]}"#, r#"{"message":"hello"}"#, "[]", ""] {
            assert!(recognize(body.as_bytes()).is_none(), "{body}");
        }
    }
}
