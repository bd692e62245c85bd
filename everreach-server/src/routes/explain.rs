//! `POST /api/explain`: what a call would do now, and why.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::answer::json;
use crate::call::{CallBody, CallHeaders};
use crate::extract::Json;
use crate::front::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// Decides a call and lays the decision open, without running it.
#[utoipa::path(post, path = "/api/explain", tag = "calls", request_body = CallBody,
    responses((status = 200, description = "The decision and every rule that was weighed", body = crate::schema::Explanation)))]
pub(crate) async fn explain(
    State(state): State<AppState>,
    RequestId(request_id): RequestId,
    headers: CallHeaders,
    Json(call): Json<CallBody>,
) -> Result<Response, Problem> {
    let request = call.into_request(&headers, request_id, "")?;
    Ok(json(StatusCode::OK, &state.runtime().explain(&request).await?))
}
