//! `/api/safari/halts`: accounts that have to stop, and a person's word that they may go on.

use axum::extract::State;
use axum::response::Response;
use everreach_core::safari::{LimitedAction, Platform};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use crate::extract::Json;
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

/// Which stops to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiftBody {
    /// Of the account of this platform.
    #[schema(value_type = String, examples("instagram"))]
    platform: Platform,
    /// Of this kind of action only: `dm` or `comment`.
    #[schema(value_type = Option<String>, pattern = "^(dm|comment)$")]
    action: Option<LimitedAction>,
}

/// The stops that hold now: after a captcha, a lost login, an action block.
#[utoipa::path(get, path = "/api/safari/halts", tag = "safari", operation_id = "safari_halts",
    responses((status = 200, description = "The stops", body = crate::schema::SafariHalts)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &value!({ "halts": state.runtime().safari().queue().halts().await? })))
}

/// A person has mended it: the account goes on. One that was signed out rests for a day first, and then goes at half its rate for a week.
#[utoipa::path(post, path = "/api/safari/halts/lift", tag = "safari", operation_id = "safari_lift_halts", request_body = LiftBody,
    responses((status = 200, description = "How many stops were ended", body = crate::schema::SafariLifted)))]
pub(crate) async fn lift(State(state): State<AppState>, Json(body): Json<LiftBody>) -> Result<Response, Problem> {
    let queue = state.runtime().safari().queue();
    let lifted = queue.lift_halts(body.platform, body.action).await?;
    let mut halts = queue.halts().await?;
    halts.retain(|halt| halt.account == body.platform.account());
    Ok(json(StatusCode::OK, &value!({ "lifted": lifted, "halts": halts })))
}
