//! `POST /dispatch`: one call.

use axum::extract::State;
use axum::response::Response;

use super::alertmanager;
use super::answer::{envelope_status, json};
use crate::call::{CallBody, CallHeaders};
use crate::extract::{RawJson, parse};
use crate::front::RequestId;
use crate::problem::Problem;
use crate::state::AppState;

/// Routes one call.
///
/// A payload of Alertmanager's is recognized and becomes a notification, since some installations point it here.
#[utoipa::path(post, path = "/dispatch", tag = "calls", request_body = CallBody, params(
        ("Idempotency-Key" = Option<String>, Header, description = "The key under which the call happens at most once"),
        ("Everreach-Timeout-Ms" = Option<u64>, Header, description = "How long the caller will wait")),
    responses((status = 200, description = "The call was decided, ok or not", body = crate::schema::Envelope),
        (status = 404, description = "Nothing here knows the action", body = crate::schema::Envelope),
        (status = 409, description = "The same idempotency key is being worked on", body = crate::schema::Envelope),
        (status = 422, description = "The key was used for another request, or the body has the wrong shape", body = crate::schema::Envelope),
        (status = 500, description = "The call did not run: the server failed", body = crate::schema::Envelope),
        (status = 503, description = "The call did not run: the database cannot be used at the moment", body = crate::schema::Envelope)))]
pub(crate) async fn dispatch(
    State(state): State<AppState>,
    RequestId(request_id): RequestId,
    headers: CallHeaders,
    RawJson(body): RawJson,
) -> Result<Response, Problem> {
    let call = match parse::<CallBody>(&body) {
        Ok(call) => call,
        Err(problem) => match alertmanager::recognize(&body) {
            Some(alerts) => return alertmanager::notify(&state, &alerts).await,
            None => return Err(problem),
        },
    };
    let request = call.into_request(&headers, request_id, "")?;
    let envelope = state.runtime().route(request).await;
    Ok(json(envelope_status(&envelope), &envelope))
}
