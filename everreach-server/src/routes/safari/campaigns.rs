//! `/api/safari/campaigns`: sequences of commands per target.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use everreach_core::ledger::IdempotencyKey;
use everreach_core::safari::campaign::{
    CampaignDetail, CampaignKind, CampaignPlan, Campaigns, NewCampaign, Step, Target, Templates, Touch,
};
use everreach_core::safari::gate::check;
use everreach_core::safari::{Command, Contact, Platform};
use everreach_core::{Error, ErrorKind, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json as value;
use utoipa::ToSchema;

use super::enqueue::idempotency_key;
use crate::call::CallHeaders;
use crate::extract::{Json, Named, parse};
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

const MAX_TARGETS: usize = 1_000;
const MAX_POSTS: usize = 20;
const MAX_ID: usize = 64;

/// A campaign that is to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignBody {
    /// What it is for.
    #[serde(rename = "type")]
    #[schema(value_type = crate::schema::SafariCampaignKind)]
    kind: CampaignKind,
    /// Where.
    #[schema(value_type = String, examples("twitter"))]
    platform: Platform,
    /// The user names of its targets; keywords for a `research_sweep`.
    #[schema(min_items = 1, max_items = 1000)]
    handles: Vec<String>,
    /// Posts to comment on, by target; those of the others are searched for.
    #[serde(default)]
    posts: BTreeMap<String, Vec<String>>,
    /// The words; `content.generate` writes what is left out.
    #[serde(default)]
    #[schema(value_type = Option<crate::schema::SafariTemplates>)]
    templates: Templates,
    /// An id that means something; made when left out.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._-]+$")]
    id: Option<String>,
    /// The key under which it is started at most once; the header `Idempotency-Key` says the same.
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// A target of a campaign.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepliedBody {
    /// The target's user name.
    handle: String,
}

/// Posts of a target that a person names.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostsBody {
    /// The target's user name.
    handle: String,
    /// The addresses of the posts.
    #[schema(min_items = 1, max_items = 20)]
    posts: Vec<String>,
}

/// Starts a campaign. One that may send more than 10 messages waits for a person: see `/api/approvals`.
#[utoipa::path(post, path = "/api/safari/campaigns", tag = "safari", operation_id = "safari_start_campaign", request_body = CampaignBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The key under which it is started at most once")),
    responses((status = 201, description = "It runs", body = crate::schema::SafariStartedCampaign),
        (status = 200, description = "The key was known: this is the campaign as it is now", body = crate::schema::SafariStartedCampaign),
        (status = 409, description = "There is a campaign with this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 422, description = "The key belongs to another campaign, or the body has another shape", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn start(
    State(state): State<AppState>,
    headers: CallHeaders,
    Json(mut body): Json<CampaignBody>,
) -> Result<Response, Problem> {
    let key = idempotency_key(body.idempotency_key.take().as_deref(), &headers, "")?;
    let new = body.into_new(state.runtime().clock().now())?;
    let new = match key {
        Some(key) => new.with_key(key),
        None => new,
    };
    let started = state.runtime().safari().campaigns().start(new).await?;
    Ok(json(if started.created { StatusCode::CREATED } else { StatusCode::OK }, &started))
}

/// Every campaign, newest first.
#[utoipa::path(get, path = "/api/safari/campaigns", tag = "safari", operation_id = "safari_campaigns",
    responses((status = 200, description = "The campaigns", body = crate::schema::SafariCampaigns)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let campaigns = state.runtime().safari().campaigns().list().await?;
    Ok(json(StatusCode::OK, &value!({ "campaigns": campaigns })))
}

/// One campaign with its targets.
#[utoipa::path(get, path = "/api/safari/campaigns/{id}", tag = "safari", operation_id = "safari_campaign", params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "The campaign", body = crate::schema::SafariCampaignDetail),
        (status = 404, description = "No campaign has this id", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn show(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().safari().campaigns().show(&id).await?))
}

/// Holds a campaign: nothing more is asked for, and what waits in the queue is not sent. Twice is once.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/pause", tag = "safari", operation_id = "safari_pause_campaign", params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "It is held", body = crate::schema::SafariCampaign),
        (status = 404, description = "No campaign has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is over", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn pause(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().safari().campaigns().pause(&id).await?))
}

/// Lets a campaign go on. Twice is once.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/resume", tag = "safari", operation_id = "safari_resume_campaign", params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "It goes on", body = crate::schema::SafariCampaign),
        (status = 404, description = "No campaign has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is over", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn resume(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().safari().campaigns().resume(&id).await?))
}

/// Takes a campaign back, and every command of it that waits. Twice is once.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/cancel", tag = "safari", operation_id = "safari_cancel_campaign", params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "It is taken back", body = crate::schema::SafariCampaign),
        (status = 404, description = "No campaign has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is completed", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn cancel(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.runtime().safari().campaigns().cancel(&id).await?))
}

/// A target replied: no campaign on that account sends them anything more.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/replied", tag = "safari", operation_id = "safari_replied", request_body = RepliedBody,
    params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "The campaign as it is now", body = crate::schema::SafariCampaignDetail),
        (status = 404, description = "No campaign has this id, or it has no such target", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn replied(
    State(state): State<AppState>,
    Named(id): Named<String>,
    Json(body): Json<RepliedBody>,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &target_replied(state.runtime().safari().campaigns(), &id, &body.handle).await?))
}

/// A target wants to hear nothing more, ever: they are put on the deny list, what waits for them is taken back, and no campaign on that
/// account goes on with them.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/opted-out", tag = "safari", operation_id = "safari_opted_out", request_body = RepliedBody,
    params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "The campaign as it is now", body = crate::schema::SafariCampaignDetail),
        (status = 404, description = "No campaign has this id, or it has no such target", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn opted_out(
    State(state): State<AppState>,
    Named(id): Named<String>,
    Json(body): Json<RepliedBody>,
) -> Result<Response, Problem> {
    let campaigns = state.runtime().safari().campaigns();
    campaigns.opted_out(&target(campaigns, &id, &body.handle).await?).await?;
    Ok(json(StatusCode::OK, &campaigns.show(&id).await?))
}

/// Names posts of a target, as when too few were found.
#[utoipa::path(post, path = "/api/safari/campaigns/{id}/posts", tag = "safari", operation_id = "safari_name_posts", request_body = PostsBody,
    params(("id" = String, Path, description = "The campaign's id")),
    responses((status = 200, description = "The campaign as it is now", body = crate::schema::SafariCampaignDetail),
        (status = 404, description = "No campaign has this id, or it has no such target that is not over", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn posts(
    State(state): State<AppState>,
    Named(id): Named<String>,
    Json(body): Json<PostsBody>,
) -> Result<Response, Problem> {
    let now = state.runtime().clock().now();
    let campaigns = state.runtime().safari().campaigns();
    Ok(json(StatusCode::OK, &target_posts(campaigns, &id, &body.handle, body.posts, now).await?))
}

/// The campaign of a body, before anything is written.
///
/// # Errors
/// The body has another shape, or the gate refuses a target; the problem names the place.
pub fn campaign(body: &[u8], now: Timestamp) -> Result<NewCampaign, Problem> {
    parse::<CampaignBody>(body)?.into_new(now)
}

/// A target of a campaign replied: no campaign on that account sends them anything more. The campaign as it is then.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such campaign or target, or the store's.
pub async fn target_replied(campaigns: &Campaigns, id: &str, handle: &str) -> Result<CampaignDetail, Error> {
    campaigns.replied(&target(campaigns, id, handle).await?).await?;
    campaigns.show(id).await
}

/// A target of a campaign, by name.
async fn target(campaigns: &Campaigns, id: &str, handle: &str) -> Result<Contact, Error> {
    let campaign = campaigns.show(id).await?;
    let platform = campaign.overview.platform;
    let contact = Contact::new(platform, handle);
    if campaign.targets.iter().any(|target| Contact::new(platform, &target.handle) == contact) {
        return Ok(contact);
    }
    Err(Error::new(ErrorKind::NotFound, "the campaign has no target of this name"))
}

/// Names posts of a target, as when too few were found. The campaign as it is then.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such campaign or target, [`ErrorKind::InvalidInput`] for a post that cannot be commented
/// on, or the store's.
pub async fn target_posts(
    campaigns: &Campaigns,
    id: &str,
    handle: &str,
    posts: Vec<String>,
    now: Timestamp,
) -> Result<CampaignDetail, Problem> {
    let platform = campaigns.show(id).await?.overview.platform;
    look_at_posts(&posts, platform, "/posts", now)?;
    campaigns.name_posts(id, handle, posts).await?;
    Ok(campaigns.show(id).await?)
}

impl CampaignBody {
    fn into_new(mut self, now: Timestamp) -> Result<NewCampaign, Problem> {
        let plan =
            CampaignPlan::new(self.kind, self.platform).map_err(|error| Problem::wrong_shape("/platform", error.to_string()))?;
        if self.handles.is_empty() || self.handles.len() > MAX_TARGETS {
            return Err(Problem::wrong_shape("/handles", format!("a campaign has 1 to {MAX_TARGETS} targets")));
        }
        let mut targets = Vec::with_capacity(self.handles.len());
        for (index, handle) in self.handles.iter().enumerate() {
            self.look_at(handle, now).map_err(|problem| Problem::wrong_shape(format!("/handles/{index}"), problem))?;
            let target = Target::new(handle);
            let posts = self.posts.remove(handle).unwrap_or_default();
            if !posts.is_empty() {
                look_at_posts(&posts, self.platform, &format!("/posts/{handle}"), now)?;
            }
            targets.push(target.with_posts(posts));
        }
        if let Some(nobody) = self.posts.keys().next() {
            return Err(Problem::wrong_shape(format!("/posts/{nobody}"), "this is none of the handles"));
        }
        let new = NewCampaign::new(plan, targets).with_templates(self.templates);
        let new = match self.id {
            None => new,
            Some(id) if is_id(&id) => new.named(id),
            Some(_) => {
                return Err(Problem::wrong_shape("/id", format!("an id has 1 to {MAX_ID} of the characters A-Z a-z 0-9 . _ -")));
            }
        };
        match new.targets.iter().position(|target| !has_keys(&new.id, &target.handle)) {
            None => Ok(new),
            Some(index) => Err(Problem::wrong_shape(
                format!("/handles/{index}"),
                "a target is named in visible ASCII characters without blanks, 150 at most",
            )),
        }
    }

    /// Asks the gate whether the target could be written to, or searched for, at all.
    fn look_at(&self, handle: &str, now: Timestamp) -> Result<(), String> {
        let command = match self.kind {
            CampaignKind::DmSequence => Command::dm(self.platform, handle, "hello", now),
            _ => Command::research(self.platform, handle, 1, now),
        };
        check(&command).map(drop).map_err(|refusal| format!("{} ({})", refusal.detail, refusal.code))
    }
}

/// Ids stand in the keys of a campaign's commands, which hold visible ASCII only.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// Whether every step of a target can have a key: a step without one would stop the whole queue.
fn has_keys(id: &str, handle: &str) -> bool {
    [Step::FindPosts, Step::Search, Step::Dm { touch: Touch::FinalTouch }]
        .iter()
        .all(|step| step.key(id, handle).parse::<IdempotencyKey>().is_ok())
}

fn look_at_posts(posts: &[String], platform: Platform, at: &str, now: Timestamp) -> Result<(), Problem> {
    if posts.is_empty() || posts.len() > MAX_POSTS {
        return Err(Problem::wrong_shape(at, format!("1 to {MAX_POSTS} posts can be named")));
    }
    for (index, url) in posts.iter().enumerate() {
        check(&Command::comment(platform, url, "hello", now))
            .map_err(|refusal| Problem::wrong_shape(format!("{at}/{index}"), format!("{} ({})", refusal.detail, refusal.code)))?;
    }
    Ok(())
}
