//! `POST /api/safari/run-once`: works through the queue, once.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::extract::OptionalJson;
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

/// How much to do.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBody {
    /// So many commands at most; all when left out.
    #[schema(minimum = 1)]
    max: Option<u32>,
}

/// Carries out what may go now, here, and answers when it has ended; that may take minutes for each message.
///
/// A client that goes away ends nothing: what was started goes on.
#[utoipa::path(post, path = "/api/safari/run-once", tag = "safari", operation_id = "safari_run_once", request_body = Option<RunBody>,
    responses((status = 200, description = "What the run has come to, in commands", body = crate::schema::SafariRun)))]
pub(crate) async fn once(State(state): State<AppState>, OptionalJson(body): OptionalJson<RunBody>) -> Result<Response, Problem> {
    if body.max == Some(0) {
        return Err(Problem::wrong_shape("/max", "a run carries out 1 command or more"));
    }
    let summary = state.runtime().safari().run_once(body.max.unwrap_or(u32::MAX)).await?;
    Ok(json(StatusCode::OK, &summary))
}
