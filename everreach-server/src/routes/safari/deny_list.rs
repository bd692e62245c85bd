//! `/api/safari/deny-list`: people who are never written to.

use axum::extract::State;
use axum::response::Response;
use everreach_core::safari::campaign::Campaigns;
use everreach_core::safari::queue::{Denied, SafariQueue};
use everreach_core::safari::{Contact, Platform};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json as value};
use utoipa::ToSchema;

use crate::extract::Json;
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

const MAX_NAME: usize = 100;
const MAX_REASON: usize = 500;

/// Whom nobody is to write to, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DenyBody {
    /// Only there; on every platform when left out.
    #[schema(value_type = Option<String>, examples("twitter"))]
    platform: Option<Platform>,
    /// The user name.
    #[schema(min_length = 1, max_length = 100)]
    handle: String,
    /// In a few words.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

/// Who may be written to again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllowBody {
    /// As it was denied.
    #[schema(value_type = Option<String>, examples("twitter"))]
    platform: Option<Platform>,
    /// The user name.
    #[schema(min_length = 1, max_length = 100)]
    handle: String,
}

/// Everybody who is never written to: those in the database, and those in the file of the settings.
#[utoipa::path(get, path = "/api/safari/deny-list", tag = "safari", operation_id = "safari_deny_list",
    responses((status = 200, description = "The list", body = crate::schema::SafariDenyList)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let safari = state.runtime().safari();
    let file = safari
        .deny_list_file()
        .map(|file| value!({ "path": file.path().display().to_string(), "people": file.list().iter().collect::<Vec<_>>() }));
    Ok(json(StatusCode::OK, &value!({ "denied": safari.queue().denied().await?, "file": file })))
}

/// Never writes to somebody again, takes back what waits for them, and ends them in every campaign.
#[utoipa::path(post, path = "/api/safari/deny-list", tag = "safari", operation_id = "safari_deny", request_body = DenyBody,
    responses((status = 200, description = "They are on the list; so many commands were taken back", body = crate::schema::SafariDenied)))]
pub(crate) async fn add(State(state): State<AppState>, Json(body): Json<DenyBody>) -> Result<Response, Problem> {
    let campaigns = state.runtime().safari().campaigns();
    Ok(json(StatusCode::OK, &deny(campaigns, body.platform, &body.handle, body.reason.as_deref()).await?))
}

/// Never writes to somebody again, takes back what waits for them, and ends them in every campaign.
///
/// # Errors
/// The name or the reason has another shape, or the store's.
pub async fn deny(
    campaigns: &Campaigns,
    platform: Option<Platform>,
    handle: &str,
    reason: Option<&str>,
) -> Result<Value, Problem> {
    let (who, reason) = (who(platform, handle)?, reason.unwrap_or("a person said so"));
    if reason.chars().count() > MAX_REASON || reason.chars().any(char::is_control) {
        return Err(Problem::wrong_shape("/reason", format!("a reason has at most {MAX_REASON} characters on one line")));
    }
    let ended = campaigns.deny(who.clone(), reason).await?;
    Ok(value!({ "platform": who.platform(), "handle": who.handle(), "cancelled": ended.cancelled, "targets": ended.targets }))
}

/// Takes somebody off the list in the database; the file is its owner's.
#[utoipa::path(post, path = "/api/safari/deny-list/remove", tag = "safari", operation_id = "safari_allow", request_body = AllowBody,
    responses((status = 200, description = "Whether they were on it", body = crate::schema::SafariAllowed)))]
pub(crate) async fn remove(State(state): State<AppState>, Json(body): Json<AllowBody>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &allow(state.runtime().safari().queue(), body.platform, &body.handle).await?))
}

/// Takes somebody off the list.
///
/// # Errors
/// The name has another shape, or the store's.
pub async fn allow(queue: &SafariQueue, platform: Option<Platform>, handle: &str) -> Result<Value, Problem> {
    let who = who(platform, handle)?;
    let removed = queue.allow(who.clone()).await?;
    Ok(value!({ "platform": who.platform(), "handle": who.handle(), "removed": removed }))
}

fn who(platform: Option<Platform>, handle: &str) -> Result<Denied, Problem> {
    let who = platform.map_or_else(|| Denied::everywhere(handle), |platform| Denied::on(&Contact::new(platform, handle)));
    let is_name = |c: char| !c.is_whitespace() && !c.is_control();
    if (1..=MAX_NAME).contains(&who.handle().chars().count()) && who.handle().chars().all(is_name) {
        return Ok(who);
    }
    Err(Problem::wrong_shape("/handle", format!("a user name has 1 to {MAX_NAME} characters without blanks")))
}
