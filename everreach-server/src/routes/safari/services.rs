//! `GET /api/safari/services`: the nine services, asked now.

use axum::extract::State;
use axum::response::Response;
use everreach_core::Error;
use everreach_core::runtime::Safari;
use everreach_core::safari::{LimitedAction, Platform, SafariConfig, Service, ServiceHealth};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json as value};

use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

/// A service as it is installed, and how it is.
#[derive(Debug, Serialize)]
pub(crate) struct ServiceEntry {
    #[serde(flatten)]
    health: ServiceHealth,
    url: String,
    platform: Option<Platform>,
    action: Option<LimitedAction>,
    has_token: bool,
    /// What else to look at when it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl ServiceEntry {
    pub(crate) fn new(health: ServiceHealth, config: &SafariConfig) -> Self {
        let service: Service = health.service;
        let (profile, own) = (service.profile(), config.service(service));
        // A URL may hold a password; its origin does not.
        let url = own.url.as_ref().map_or_else(|| profile.default_url(), |url| url.origin().ascii_serialization());
        let port = own.url.as_ref().and_then(url::Url::port_or_known_default).unwrap_or(profile.port);
        let hint = if health.is_healthy() { None } else { profile.down_hint() };
        Self {
            health: health.at_port(port),
            url,
            platform: profile.platform,
            action: profile.action,
            has_token: own.token.is_some(),
            hint,
        }
    }
}

/// The nine services and how they are, half a minute ago at most: within 5 s, even when all of them hang. Who went down is an alert.
#[utoipa::path(get, path = "/api/safari/services", tag = "safari", operation_id = "safari_services",
    responses((status = 200, description = "The services", body = crate::schema::SafariServices)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &services(state.runtime().safari()).await?))
}

/// The nine services and how they are, half a minute ago at most.
///
/// # Errors
/// The store's.
pub async fn services(safari: &Safari) -> Result<Value, Error> {
    let services: Vec<_> = safari.health().await?.into_iter().map(|health| ServiceEntry::new(health, safari.config())).collect();
    Ok(value!({ "services": services }))
}
