//! `/api/failover`: where the failover stands, what people order, and grants between two sides.

use axum::extract::State;
use axum::response::Response;
use everreach_core::Id;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::answer::json;
use crate::extract::OptionalJson;
use crate::problem::Problem;
use crate::state::AppState;

/// Where the failover stands, as seen from this process.
#[utoipa::path(get, path = "/api/failover", tag = "failover",
    responses((status = 200, description = "Who does the work, and why", body = crate::schema::FailoverState)))]
pub(crate) async fn show(State(state): State<AppState>) -> Response {
    json(StatusCode::OK, &state.runtime().failover().state().await)
}

/// A person says that the cloud is down for certain: this side does its work from now on.
#[utoipa::path(post, path = "/api/failover/take-over", tag = "failover", operation_id = "take_over",
    responses((status = 200, description = "This side does the work", body = crate::schema::FailoverState),
        (status = 409, description = "The cloud answers, or this side does the work already, or takes no part", body = crate::schema::Problem),
        (status = 422, description = "The lease in the shared database decides", body = crate::schema::Problem)))]
pub(crate) async fn take_over(State(state): State<AppState>) -> Result<Response, Problem> {
    state.runtime().failover().take_over().await?;
    Ok(show(State(state)).await)
}

/// A person says that this side is to hand the work back: it begins nothing new and waits for what runs.
#[utoipa::path(post, path = "/api/failover/stand-down", tag = "failover", operation_id = "stand_down",
    responses((status = 200, description = "The work is being handed back", body = crate::schema::FailoverState),
        (status = 409, description = "This side does not do it", body = crate::schema::Problem)))]
pub(crate) async fn stand_down(State(state): State<AppState>) -> Result<Response, Problem> {
    state.runtime().failover().stand_down().await?;
    Ok(show(State(state)).await)
}

/// The local side's grant.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    /// The challenge of the answer before; without one, a challenge is asked for.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    challenge: Option<Id>,
}

/// The local side lets the cloud act for a while. With `FAILOVER_MODE=local_grants` only.
#[utoipa::path(post, path = "/api/failover/grant", tag = "failover", operation_id = "grant", request_body = Option<GrantBody>,
    responses((status = 200, description = "Whether it was taken, and the next challenge", body = crate::schema::Grant),
        (status = 409, description = "This process does not act by grants", body = crate::schema::Problem)))]
pub(crate) async fn grant(
    State(state): State<AppState>,
    OptionalJson(body): OptionalJson<GrantBody>,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().failover().grant(body.challenge)?))
}
