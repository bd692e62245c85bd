//! `/api/sync/…`: the cloud takes state and gives it; the local side pushes, pulls and shows how it stands.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use everreach_core::ErrorKind;
use everreach_core::sync::state::{Push, StateSync};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;

use super::answer::json;
use crate::extract::Json;
use crate::problem::Problem;
use crate::state::AppState;

const LONGEST_QUERY_VALUE: usize = 128;
const MAX_CONFLICTS: u32 = 100;

/// Where to go on, and who asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    since: Option<String>,
    node: Option<String>,
}

/// State that the local side pushes. The cloud opens it, decides about each version and answers in the same order; a repeat gets the
/// same answers and changes nothing.
#[utoipa::path(post, path = "/api/sync/state", tag = "sync", operation_id = "push_state", request_body = crate::schema::StatePush,
    responses((status = 200, description = "What became of each version", body = crate::schema::StatePushAnswer),
        (status = 409, description = "This process is not the cloud terminal", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn push(State(state): State<AppState>, Json(push): Json<Push>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &sealed(&state)?.receive(push).await?))
}

/// State that changed in the cloud after a cursor, sealed.
#[utoipa::path(get, path = "/api/sync/state", tag = "sync", operation_id = "pull_state",
    params(("since" = Option<String>, Query, description = "The `next` of the page before; from the beginning when left out"),
        ("node" = Option<String>, Query, description = "The database that asks, to learn which of its versions were decided about")),
    responses((status = 200, description = "The documents, in the order of their last change", body = crate::schema::StatePage),
        (status = 409, description = "This process is not the cloud terminal", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "A parameter is unknown or too long", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn pull(
    State(state): State<AppState>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Since { since, node }) = since.map_err(|rejection| Problem::of(ErrorKind::InvalidInput, rejection.body_text()))?;
    if since.iter().chain(&node).any(|text| text.len() > LONGEST_QUERY_VALUE) {
        return Err(Problem::of(ErrorKind::InvalidInput, "`since` and `node` have at most 128 bytes"));
    }
    Ok(json(StatusCode::OK, &sealed(&state)?.changes_since(since.as_deref(), &node.unwrap_or_default()).await?))
}

/// How the exchange of state stands here, and the latest conflicts with both versions.
#[utoipa::path(get, path = "/api/sync/status", tag = "sync", operation_id = "state_status",
    responses((status = 200, description = "What waits, why, and what was in conflict", body = serde_json::Value)))]
pub(crate) async fn status(State(state): State<AppState>) -> Result<Response, Problem> {
    let sync = state.runtime().state_sync();
    let (status, conflicts) = (sync.status().await?, sync.conflicts(MAX_CONFLICTS).await?);
    Ok(json(StatusCode::OK, &value!({ "state": status, "conflicts": conflicts })))
}

/// Pushes what waits to the cloud, now.
#[utoipa::path(post, path = "/api/sync/push", tag = "sync", operation_id = "push_pending",
    responses((status = 200, description = "What became of it, in versions", body = serde_json::Value),
        (status = 502, description = "The cloud is offline or did not answer; what was not pushed still waits", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn push_now(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &exchanging(&state)?.push_pending_sync().await?))
}

/// Takes over what changed in the cloud, now.
#[utoipa::path(post, path = "/api/sync/pull", tag = "sync", operation_id = "pull_now",
    responses((status = 200, description = "What was taken over, in documents", body = serde_json::Value),
        (status = 502, description = "The cloud is offline or did not answer", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn pull_now(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &exchanging(&state)?.pull_cloud_state().await?))
}

/// The exchange, where a key is set: without one nothing is given or taken, and whoever asks is told why.
fn sealed(state: &AppState) -> Result<&StateSync, Problem> {
    let sync = state.runtime().state_sync();
    if sync.is_sealed() {
        return Ok(sync);
    }
    let detail = "SYNC_ENCRYPTION_KEY is not set here, and state is never exchanged in clear: set the same key on both sides";
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "sync_key_missing", detail))
}

fn exchanging(state: &AppState) -> Result<&StateSync, Problem> {
    let sync = sealed(state)?;
    if sync.has_cloud() {
        return Ok(sync);
    }
    let detail = "there is no cloud to exchange state with here: set CLOUD_ENDPOINT and EVERREACH_CLOUD_KEY";
    Err(Problem::of(ErrorKind::Conflict, detail))
}
