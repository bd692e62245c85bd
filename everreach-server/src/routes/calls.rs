//! `/api/calls`: what became of journaled calls, and a person's word on those that are held.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use everreach_core::ErrorKind;
use everreach_core::ledger::{CallState, IdempotencyKey, Verdict};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use super::answer::json;
use crate::extract::{Json, Named};
use crate::problem::Problem;
use crate::state::AppState;

const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 200;

/// Which calls to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    state: Option<CallState>,
    limit: Option<u32>,
}

impl Listing {
    fn limit(&self) -> Result<u32, Problem> {
        let limit = self.limit.unwrap_or(USUAL_LIMIT);
        if (1..=MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Problem::of(ErrorKind::InvalidInput, format!("`limit` is a number from 1 to {MAX_LIMIT}")))
    }
}

/// What a person found out about a held call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResolveBody {
    /// Whether it happened.
    #[schema(value_type = crate::schema::Verdict)]
    verdict: Verdict,
}

/// The calls in one state, latest change first: without parameters those that are held.
#[utoipa::path(get, path = "/api/calls", tag = "calls", operation_id = "list_calls",
    params(("state" = Option<crate::schema::CallState>, Query, description = "The state; `unknown`, which is held, when left out"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 when left out", minimum = 1, maximum = 200)),
    responses((status = 200, description = "The calls, their envelopes and their attempts", body = crate::schema::Calls),
        (status = 422, description = "A parameter is unknown or out of range", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(state): State<AppState>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(listing) = listing.map_err(|rejection| Problem::of(ErrorKind::InvalidInput, rejection.body_text()))?;
    let limit = listing.limit()?;
    let calls = state.runtime().ledger().list(listing.state.unwrap_or(CallState::Unknown), limit).await?;
    Ok(json(StatusCode::OK, &value!({ "calls": calls })))
}

/// The stored envelope of a call and its attempts; of a queued one as its row stands now. The other terminal asks this after an unknown outcome.
#[utoipa::path(get, path = "/api/calls/{idempotency_key}", tag = "calls",
    params(("idempotency_key" = String, Path, description = "The key of the call")),
    responses((status = 200, description = "The call, its envelope and its attempts", body = Object),
        (status = 404, description = "No call with this key was journaled here", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn show(State(state): State<AppState>, Named(key): Named<IdempotencyKey>) -> Result<Response, Problem> {
    match state.runtime().call(&key).await? {
        Some(record) => Ok(json(StatusCode::OK, &record)),
        None => Err(Problem::of(ErrorKind::NotFound, "no call with this key was journaled here")),
    }
}

/// A person settles a held call.
///
/// After `happened` repeats get the stored answer; after `did_not_happen` the same key may be used again. Money that is held for
/// the call follows by itself: the reconciliation that runs every minute, over reservations older than ten minutes, reads the
/// call's new state and books them or gives them back.
#[utoipa::path(post, path = "/api/calls/{idempotency_key}/resolve", tag = "calls", request_body = ResolveBody,
    params(("idempotency_key" = String, Path, description = "The key of the call")),
    responses((status = 200, description = "The call as it is now", body = Object),
        (status = 404, description = "No call with this key was journaled here", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "The call is not held", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn resolve(
    State(state): State<AppState>,
    Named(key): Named<IdempotencyKey>,
    Json(body): Json<ResolveBody>,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().resolve(&key, body.verdict).await?))
}
