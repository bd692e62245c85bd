//! `/api/services`: the surface that callers of the Python worker's registry know.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use everreach_core::routing::{ActionClass, Params};
use everreach_core::runtime::ServiceEntry;
use everreach_core::{ActionName, Effect, Envelope, MicroUsd};
use http::StatusCode;
use serde::Serialize;

use super::alertmanager;
use super::answer::{envelope_status, json};
use crate::call::{ActionPath, CallHeaders};
use crate::extract::{RawJson, parse};
use crate::front::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// The action that Alertmanager is pointed at in some installations; its payloads are told from real calls by their shape.
const ALERTS_TOO: &str = "telegram.send";

#[derive(Serialize)]
struct Services<'a> {
    services: Vec<Service<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    name: &'a str,
    topics: Vec<Topic<'a>>,
}

#[derive(Serialize)]
struct Topic<'a> {
    name: &'a str,
    effect: Effect,
    class: ActionClass,
    essential: bool,
    cost_usd: Option<MicroUsd>,
    description: &'a str,
}

/// Everything that can be called here, by service.
#[utoipa::path(get, path = "/api/services", tag = "calls",
    responses((status = 200, description = "The services and their topics", body = crate::schema::Services)))]
pub(crate) async fn list(State(state): State<AppState>) -> Response {
    json(StatusCode::OK, &Services { services: by_service(&state.runtime().services().await) })
}

fn by_service(entries: &[ServiceEntry]) -> Vec<Service<'_>> {
    let mut services: BTreeMap<&str, Vec<Topic<'_>>> = BTreeMap::new();
    for entry in entries {
        let route = &entry.route;
        services.entry(route.action.service()).or_default().push(Topic {
            name: route.action.topic(),
            effect: route.effect,
            class: route.class,
            essential: route.essential,
            cost_usd: route.cost_usd,
            description: &entry.description,
        });
    }
    services.into_iter().map(|(name, topics)| Service { name, topics }).collect()
}

/// The registry's envelope: ours and the topic.
#[derive(Serialize)]
struct ServiceAnswer<'a> {
    topic: &'a ActionName,
    #[serde(flatten)]
    envelope: &'a Envelope,
}

/// Routes one call whose action stands in the path and whose body is its parameters.
#[utoipa::path(post, path = "/api/services/{service}/{topic}", tag = "calls",
    params(("service" = String, Path, description = "The word before the dot"), ("topic" = String, Path, description = "The word after the dot"),
        ("Idempotency-Key" = Option<String>, Header, description = "The key under which the call happens at most once"),
        ("Everreach-Timeout-Ms" = Option<u64>, Header, description = "How long the caller will wait")),
    request_body(content = Option<Object>, description = "What the action takes; nothing means no parameters"),
    responses((status = 200, description = "The call was decided, ok or not", body = crate::schema::ServiceAnswer),
        (status = 404, description = "Nothing here knows the action", body = crate::schema::ServiceAnswer),
        (status = 409, description = "The same idempotency key is being worked on", body = crate::schema::ServiceAnswer),
        (status = 422, description = "The key was used for another request, or the body has the wrong shape", body = crate::schema::ServiceAnswer),
        (status = 500, description = "The call did not run: the server failed", body = crate::schema::ServiceAnswer),
        (status = 503, description = "The call did not run: the database cannot be used at the moment", body = crate::schema::ServiceAnswer)))]
pub(crate) async fn call(
    State(state): State<AppState>,
    ActionPath(action): ActionPath,
    RequestId(request_id): RequestId,
    headers: CallHeaders,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    if action.as_str() == ALERTS_TOO
        && let Some(alerts) = alertmanager::recognize(&body)
    {
        return alertmanager::notify(&state, &alerts).await;
    }
    let params: Params = if body.is_empty() { Params::new() } else { parse(&body)? };
    let envelope = state.runtime().route(headers.request(action, params, request_id)).await;
    Ok(json(envelope_status(&envelope), &ServiceAnswer { topic: &envelope.action, envelope: &envelope }))
}
