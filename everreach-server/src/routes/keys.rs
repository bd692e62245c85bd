//! `/api/keys`: bearer keys. A key is shown once, when it is made.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use everreach_core::Id;
use everreach_core::access::Scopes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use super::answer::json;
use crate::extract::{Json, Named};
use crate::problem::Problem;
use crate::state::AppState;

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    /// What it is for, so that people can tell keys apart.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What its holder may do.
    #[schema(value_type = Vec<crate::schema::Scope>, min_items = 1)]
    scopes: Scopes,
}

/// The keys, without the secrets.
#[utoipa::path(get, path = "/api/keys", tag = "keys",
    responses((status = 200, description = "Every stored key", body = crate::schema::Keys)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let keys = state.runtime().access_keys().list().await?;
    Ok(json(StatusCode::OK, &value!({ "keys": keys })))
}

/// Makes a key.
#[utoipa::path(post, path = "/api/keys", tag = "keys", request_body = NewKeyBody,
    responses((status = 201, description = "The key, in clear this once", body = crate::schema::NewKey)))]
pub(crate) async fn create(State(state): State<AppState>, Json(body): Json<NewKeyBody>) -> Result<Response, Problem> {
    let runtime = state.runtime();
    let key = runtime.access_keys().create(&body.name, body.scopes).await?;
    runtime.key_ring().refresh().await?;
    Ok(json(StatusCode::CREATED, &value!({ "id": key.id, "name": key.name, "scopes": key.scopes, "key": key.reveal() })))
}

/// Takes a key out of use, at once.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "keys", params(("id" = String, Path, description = "The key's id")),
    responses((status = 204, description = "It is revoked"), (status = 404, description = "No key has this id", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn revoke(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    let runtime = state.runtime();
    runtime.access_keys().revoke(id).await?;
    runtime.key_ring().refresh().await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
