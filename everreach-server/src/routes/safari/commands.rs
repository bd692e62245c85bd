//! `/api/safari/commands`: what stands in the queue and why, and what people change about it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use everreach_core::runtime::Safari;
use everreach_core::safari::queue::{CommandDetail, Cursor, HistoryFilter, Page, Resolution};
use everreach_core::safari::{CommandStatus, Platform};
use everreach_core::{Error, ErrorKind, Id};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use crate::extract::{Json, Named, OptionalJson};
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

const USUAL_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 1_000;

/// Which commands to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Listing {
    platform: Option<Platform>,
    action: Option<String>,
    status: Option<CommandStatus>,
    campaign: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// What a person found out about a command whose outcome is unknown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SafariResolveBody {
    /// `happened`, `retry` (it did not, and is tried again) or `drop` (it is left alone).
    #[schema(value_type = crate::schema::SafariVerdict)]
    verdict: Resolution,
}

/// Which failed commands to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// These; without any, those that certainly were not done.
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 1000)]
    ids: Option<Vec<Id>>,
}

/// Commands of every status, newest first, each with why it is where it is.
#[utoipa::path(get, path = "/api/safari/commands", tag = "safari", operation_id = "safari_commands",
    params(("platform" = Option<String>, Query, description = "Of this platform"),
        ("action" = Option<String>, Query, description = "With this action"),
        ("status" = Option<crate::schema::SafariStatusWord>, Query, description = "That stand there"),
        ("campaign" = Option<String>, Query, description = "Of this campaign"),
        ("cursor" = Option<String>, Query, description = "Where the page begins: the page before answered it as `next`"),
        ("limit" = Option<u32>, Query, description = "How many at most; 50 when left out", minimum = 1, maximum = 1000)),
    responses((status = 200, description = "The commands", body = crate::schema::SafariCommands),
        (status = 422, description = "A parameter is unknown or out of range", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn list(
    State(state): State<AppState>,
    listing: Result<Query<Listing>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(listing) = listing.map_err(|rejection| Problem::of(ErrorKind::InvalidInput, rejection.body_text()))?;
    let cursor = listing.cursor.as_deref().map(str::parse::<Cursor>).transpose()?;
    let mut filter = HistoryFilter::default();
    (filter.platform, filter.action) = (listing.platform, listing.action);
    (filter.status, filter.campaign) = (listing.status, listing.campaign);
    let page = history(state.runtime().safari(), &filter, cursor, listing.limit.unwrap_or(USUAL_LIMIT)).await?;
    Ok(json(StatusCode::OK, &page))
}

/// Commands of every status, newest first, 1 to 1000 of them, each with why it is where it is.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] for another number of them, or the store's.
pub async fn history(safari: &Safari, filter: &HistoryFilter, cursor: Option<Cursor>, limit: u32) -> Result<Page, Error> {
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Error::new(ErrorKind::InvalidInput, format!("`limit` is a number from 1 to {MAX_LIMIT}")));
    }
    // Only what waits depends on the services; nobody else need wait for their answers.
    let has_waiting = filter.status.is_none_or(|status| status == CommandStatus::Pending);
    let conditions = if has_waiting { safari.conditions().await? } else { safari.settings_only() };
    safari.queue().history(filter, cursor, limit, &conditions).await
}

/// A command with its tries, and why it is where it is.
#[utoipa::path(get, path = "/api/safari/commands/{id}", tag = "safari", operation_id = "safari_command", params(("id" = String, Path, description = "The command's id")),
    responses((status = 200, description = "The command", body = crate::schema::SafariCommandDetail),
        (status = 404, description = "No command has this id", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn show(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    as_it_is(&state, id).await
}

/// Takes a command back that waits, or that a worker has and has not sent yet. Twice is once.
#[utoipa::path(post, path = "/api/safari/commands/{id}/cancel", tag = "safari", operation_id = "safari_cancel", params(("id" = String, Path, description = "The command's id")),
    responses((status = 200, description = "The command as it is now", body = crate::schema::SafariCommandDetail),
        (status = 404, description = "No command has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is being sent, or over", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    state.runtime().safari().queue().cancel(id).await?;
    as_it_is(&state, id).await
}

/// Tries a failed command again, with all its repeats; one whose outcome is unknown too, since it is named.
#[utoipa::path(post, path = "/api/safari/commands/{id}/retry", tag = "safari", operation_id = "safari_retry", params(("id" = String, Path, description = "The command's id")),
    responses((status = 200, description = "The command as it is now", body = crate::schema::SafariCommandDetail),
        (status = 404, description = "No command has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It has not failed, or is another program's", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn retry(State(state): State<AppState>, Named(id): Named<Id>) -> Result<Response, Problem> {
    state.runtime().safari().queue().retry_failed(Some(vec![id])).await?;
    as_it_is(&state, id).await
}

/// A person says what became of a command whose outcome is unknown.
#[utoipa::path(post, path = "/api/safari/commands/{id}/resolve", tag = "safari", operation_id = "safari_resolve", request_body = SafariResolveBody,
    params(("id" = String, Path, description = "The command's id")),
    responses((status = 200, description = "The command as it is now", body = crate::schema::SafariCommandDetail),
        (status = 404, description = "No command has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "Its outcome is not unknown", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn resolve(
    State(state): State<AppState>,
    Named(id): Named<Id>,
    Json(body): Json<SafariResolveBody>,
) -> Result<Response, Problem> {
    state.runtime().safari().queue().resolve(id, body.verdict).await?;
    as_it_is(&state, id).await
}

/// Tries failed commands again: those named, or those that certainly were not done, a thousand at most. All that are named, or none.
#[utoipa::path(post, path = "/api/safari/retry-failed", tag = "safari", operation_id = "safari_retry_failed", request_body = Option<RetryBody>,
    responses((status = 200, description = "Which are tried again", body = crate::schema::SafariRetried),
        (status = 404, description = "No command has one of these ids", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "One of them has not failed, or is another program's", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn retry_failed(
    State(state): State<AppState>,
    OptionalJson(body): OptionalJson<RetryBody>,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &value!({ "retried": again(state.runtime().safari(), body.ids).await? })))
}

/// Tries failed commands again, and says which.
///
/// # Errors
/// Too many ids or none at all, or the queue's.
pub async fn again(safari: &Safari, ids: Option<Vec<Id>>) -> Result<Vec<Id>, Problem> {
    let most = usize::try_from(MAX_LIMIT).unwrap_or(usize::MAX);
    if ids.as_ref().is_some_and(|ids| ids.is_empty() || ids.len() > most) {
        return Err(Problem::wrong_shape("/ids", format!("1 to {MAX_LIMIT} ids, or none for all that failed")));
    }
    Ok(safari.queue().retry_failed(ids).await?)
}

async fn as_it_is(state: &AppState, id: Id) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &command(state.runtime().safari(), id).await?))
}

/// A command with its tries, and why it is where it is.
///
/// # Errors
/// [`ErrorKind::NotFound`], or the store's.
pub async fn command(safari: &Safari, id: Id) -> Result<CommandDetail, Error> {
    let found = safari.queue().get(id, &safari.conditions().await?).await?;
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, "no command has this id"))
}
