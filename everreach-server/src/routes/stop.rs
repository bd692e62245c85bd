//! `POST /api/stop` and `/api/resume`: the stop switch.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::json;
use crate::extract::OptionalJson;
use crate::problem::Problem;
use crate::state::AppState;

const MAX_REASON: usize = 500;

/// Why everything is to stop.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StopBody {
    /// In a few words.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Stops everything that does more than read, from now on.
#[utoipa::path(post, path = "/api/stop", tag = "control", request_body = Option<StopBody>,
    responses((status = 200, description = "The switch as it is now", body = crate::schema::StopState)))]
pub(crate) async fn stop(State(state): State<AppState>, OptionalJson(body): OptionalJson<StopBody>) -> Result<Response, Problem> {
    if body.reason.as_ref().is_some_and(|reason| reason.chars().count() > MAX_REASON) {
        return Err(Problem::wrong_shape("/reason", format!("a reason has at most {MAX_REASON} characters")));
    }
    Ok(json(StatusCode::OK, &state.runtime().stop_switch().stop(body.reason.as_deref()).await?))
}

/// Lets everything go on.
#[utoipa::path(post, path = "/api/resume", tag = "control",
    responses((status = 200, description = "The switch as it is now", body = crate::schema::StopState)))]
pub(crate) async fn resume(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().stop_switch().resume().await?))
}
