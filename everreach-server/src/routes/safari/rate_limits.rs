//! `GET /api/safari/rate-limits`: what has been used of each limit.

use axum::extract::State;
use axum::response::Response;
use chrono::{DurationRound as _, TimeDelta};
use everreach_core::runtime::Safari;
use everreach_core::{Error, ErrorKind, Timestamp};
use http::StatusCode;
use serde_json::{Value, json as value};

use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

/// The limits that count, ours or the service's, whichever is stricter, and what each account has used in this hour and today (UTC).
#[utoipa::path(get, path = "/api/safari/rate-limits", tag = "safari", operation_id = "safari_rate_limits",
    responses((status = 200, description = "The limits by platform and action", body = crate::schema::SafariRateLimits)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &rate_limits(state.runtime().safari(), state.runtime().clock().now()).await?))
}

/// What has been used of each limit, and when the next hour and the next day begin.
///
/// # Errors
/// The store's.
pub async fn rate_limits(safari: &Safari, now: Timestamp) -> Result<Value, Error> {
    let statistics = safari.queue().statistics(&safari.conditions().await?).await?;
    let resets_at = value!({ "hour": next(now, TimeDelta::hours(1))?, "day": next(now, TimeDelta::days(1))? });
    Ok(value!({ "limits": statistics.limits, "combined": statistics.combined, "resets_at": resets_at }))
}

/// When the next such span begins.
fn next(now: Timestamp, span: TimeDelta) -> Result<Timestamp, Error> {
    let begin = now.duration_trunc(span);
    begin
        .map(|begin| begin + span)
        .map_err(|source| Error::new(ErrorKind::Internal, "the clock is beyond what can be counted").with_source(source))
}
