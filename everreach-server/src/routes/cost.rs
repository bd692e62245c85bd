//! `GET /api/cost`: where the month stands.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::answer::json;
use crate::problem::Problem;
use crate::state::AppState;

/// What was spent today, in the zone whose months count, and where the month stands.
#[utoipa::path(get, path = "/api/cost/report", tag = "cost",
    responses((status = 200, description = "Today and the month", body = serde_json::Value)))]
pub(crate) async fn report(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().daily_report().await?))
}

/// The month's spend, the caps, the forecast and the split by action.
#[utoipa::path(get, path = "/api/cost", tag = "cost",
    responses((status = 200, description = "The month so far", body = crate::schema::MonthlyCost)))]
pub(crate) async fn month(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().cost().monthly_cost().await?))
}
