//! `GET /api/cost`: where the month stands.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::answer::json;
use crate::problem::Problem;
use crate::state::AppState;

/// The month's spend, the caps, the forecast and the split by action.
#[utoipa::path(get, path = "/api/cost", tag = "cost",
    responses((status = 200, description = "The month so far", body = crate::schema::MonthlyCost)))]
pub(crate) async fn month(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().cost().monthly_cost().await?))
}
