//! `GET /api/calls/{idempotency_key}`: what became of a journaled call.

use axum::extract::State;
use axum::response::Response;
use everreach_core::ErrorKind;
use everreach_core::ledger::IdempotencyKey;
use http::StatusCode;

use super::answer::json;
use crate::extract::Named;
use crate::problem::Problem;
use crate::state::AppState;

/// The stored envelope of a call and its attempts. The other terminal asks this after an unknown outcome.
#[utoipa::path(get, path = "/api/calls/{idempotency_key}", tag = "calls",
    params(("idempotency_key" = String, Path, description = "The key of the call")),
    responses((status = 200, description = "The call, its envelope and its attempts", body = Object),
        (status = 404, description = "No call with this key was journaled here", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn show(State(state): State<AppState>, Named(key): Named<IdempotencyKey>) -> Result<Response, Problem> {
    match state.runtime().ledger().get(&key).await? {
        Some(record) => Ok(json(StatusCode::OK, &record)),
        None => Err(Problem::of(ErrorKind::NotFound, "no call with this key was journaled here")),
    }
}
