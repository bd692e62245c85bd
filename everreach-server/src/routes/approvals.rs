//! `/api/approvals`: calls that wait for a person.

use axum::extract::State;
use axum::response::Response;
use everreach_core::{Envelope, Id};
use http::StatusCode;
use serde::Serialize;
use serde_json::json as value;

use super::answer::json;
use crate::extract::Named;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Approved {
    id: Id,
    state: &'static str,
    envelope: Option<Envelope>,
}

/// What waits for a person.
#[utoipa::path(get, path = "/api/approvals", tag = "approvals",
    responses((status = 200, description = "The requests, oldest first", body = crate::schema::Approvals)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let approvals = state.runtime().approvals().list().await?;
    Ok(json(StatusCode::OK, &value!({ "approvals": approvals })))
}

/// A person agrees: the call runs now, once.
#[utoipa::path(post, path = "/api/approvals/{id}/approve", tag = "approvals", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "It was run; the envelope is its answer, or null when this process has not got the action and leaves it to one that has", body = crate::schema::Approved),
        (status = 404, description = "No request has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or it expired", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn approve(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    let envelope = state.runtime().approve(id).await?;
    Ok(json(StatusCode::OK, &Approved { id, state: "approved", envelope }))
}

/// A person refuses: the call never runs.
#[utoipa::path(post, path = "/api/approvals/{id}/deny", tag = "approvals", params(("id" = String, Path, description = "The request's id")),
    responses((status = 200, description = "It is denied", body = crate::schema::Denied),
        (status = 404, description = "No request has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or it expired", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn deny(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    state.runtime().deny(id).await?;
    Ok(json(StatusCode::OK, &value!({ "id": id, "state": "denied" })))
}
