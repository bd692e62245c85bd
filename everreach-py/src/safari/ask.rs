//! What can be asked of a queue: the routes under `/api/safari`, by name.

use std::error::Error as _;

use everreach_core::routing::Params;
use everreach_core::runtime::Runtime;
use everreach_core::safari::gate::Refusal;
use everreach_core::safari::queue::{Cursor, HistoryFilter, Resolution};
use everreach_core::safari::{Contact, LimitedAction, Platform};
use everreach_core::{Error, ErrorKind, Id, Result};
use everreach_server::problem::Problem;
use everreach_server::safari;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer;

/// One question or order, as its arguments came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Ask {
    Enqueue { body: Value },
    Get { id: String },
    History(Listing),
    Status {},
    RateLimits {},
    Services {},
    Halts {},
    Denied {},
    Cancel { id: String },
    RetryFailed { ids: Option<Vec<String>> },
    Resolve { id: String, verdict: String },
    Approve { group: String },
    DenyGroup { group: String },
    Deny { handle: String, platform: Option<String>, reason: Option<String> },
    Allow { handle: String, platform: Option<String> },
    LiftHalts { platform: String, action: Option<String> },
    StartCampaign { body: Value },
    Campaigns {},
    Campaign { id: String },
    PauseCampaign { id: String },
    ResumeCampaign { id: String },
    CancelCampaign { id: String },
    Replied { id: String, handle: String },
    NamePosts { id: String, handle: String, posts: Vec<String> },
    OptedOut { platform: String, handle: String },
}

/// Which commands to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    platform: Option<String>,
    action: Option<String>,
    status: Option<String>,
    campaign: Option<String>,
    cursor: Option<String>,
    limit: i64,
}

impl Ask {
    /// What is asked by this name with these arguments.
    pub(super) fn read(what: &str, arguments: Params) -> Result<Self> {
        serde_json::from_value(json!({ what: arguments }))
            .map_err(|wrong| Error::new(ErrorKind::InvalidInput, format!("an argument has the wrong type: {wrong}")))
    }

    pub(super) async fn answer(self, runtime: &Runtime) -> Result<Value> {
        let (safari, now) = (runtime.safari(), runtime.clock().now());
        let (queue, campaigns) = (safari.queue(), safari.campaigns());
        match self {
            Self::Enqueue { body } => {
                let new = safari::commands(body.to_string().as_bytes(), now).map_err(|problem| misshapen(&problem))?;
                answer(&queue.enqueue(new).await.map_err(with_field)?)
            }
            Self::Get { id } => command(runtime, named("id", id.parse())?).await,
            Self::History(listing) => history(runtime, listing).await,
            Self::Status {} => answer(&safari::overview(safari).await?),
            Self::RateLimits {} => safari::rate_limits(safari, now).await,
            Self::Services {} => safari::services(safari).await,
            Self::Halts {} => answer(&queue.halts().await?),
            Self::Denied {} => answer(&queue.denied().await?),
            Self::Cancel { id } => {
                let id = named("id", id.parse())?;
                queue.cancel(id).await?;
                command(runtime, id).await
            }
            Self::RetryFailed { ids } => {
                let ids = ids.map(|ids| ids.iter().map(|id| named("ids", id.parse())).collect()).transpose()?;
                answer(&safari::again(safari, ids).await.map_err(|problem| misshapen(&problem))?)
            }
            Self::Resolve { id, verdict } => {
                let (id, verdict) = (named("id", id.parse())?, resolution(&verdict)?);
                queue.resolve(id, verdict).await?;
                command(runtime, id).await
            }
            Self::Approve { group } => answer(&queue.approve(&group).await?),
            Self::DenyGroup { group } => answer(&queue.deny_group(&group).await?),
            Self::Deny { handle, platform, reason } => {
                let denied = safari::deny(safari.campaigns(), some_platform(platform)?, &handle, reason.as_deref()).await;
                denied.map_err(|problem| misshapen(&problem))
            }
            Self::Allow { handle, platform } => {
                safari::allow(queue, some_platform(platform)?, &handle).await.map_err(|problem| misshapen(&problem))
            }
            Self::LiftHalts { platform, action } => {
                let action = action.map(|action| named("action", limited(&action))).transpose()?;
                answer(&queue.lift_halts(platform_of(&platform)?, action).await?)
            }
            Self::StartCampaign { body } => {
                let new = safari::campaign(body.to_string().as_bytes(), now).map_err(|problem| misshapen(&problem))?;
                answer(&campaigns.start(new).await?)
            }
            Self::Campaigns {} => answer(&campaigns.list().await?),
            Self::Campaign { id } => answer(&campaigns.show(&id).await?),
            Self::PauseCampaign { id } => answer(&campaigns.pause(&id).await?),
            Self::ResumeCampaign { id } => answer(&campaigns.resume(&id).await?),
            Self::CancelCampaign { id } => answer(&campaigns.cancel(&id).await?),
            Self::Replied { id, handle } => answer(&safari::target_replied(campaigns, &id, &handle).await?),
            Self::NamePosts { id, handle, posts } => {
                let named = safari::target_posts(campaigns, &id, &handle, posts, now).await;
                answer(&named.map_err(|problem| misshapen(&problem))?)
            }
            Self::OptedOut { platform, handle } => {
                answer(&campaigns.opted_out(&Contact::new(platform_of(&platform)?, &handle)).await?)
            }
        }
    }
}

async fn command(runtime: &Runtime, id: Id) -> Result<Value> {
    answer(&safari::command(runtime.safari(), id).await?)
}

async fn history(runtime: &Runtime, listing: Listing) -> Result<Value> {
    let mut filter = HistoryFilter::default();
    filter.platform = some_platform(listing.platform)?;
    filter.status = named("status", listing.status.map(|status| status.parse()).transpose())?;
    (filter.action, filter.campaign) = (listing.action, listing.campaign);
    let cursor: Option<Cursor> = named("cursor", listing.cursor.map(|cursor| cursor.parse()).transpose())?;
    // Whatever is no such number is out of its bounds.
    let limit = u32::try_from(listing.limit).unwrap_or(0);
    answer(&safari::history(runtime.safari(), &filter, cursor, limit).await?)
}

fn platform_of(word: &str) -> Result<Platform> {
    named("platform", word.parse())
}

fn some_platform(word: Option<String>) -> Result<Option<Platform>> {
    word.map(|word| platform_of(&word)).transpose()
}

fn limited(word: &str) -> Result<LimitedAction> {
    serde_json::from_value(json!(word)).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "an action with a limit is dm or comment").with("seen", word.escape_debug())
    })
}

fn resolution(word: &str) -> Result<Resolution> {
    serde_json::from_value(json!(word)).map_err(|_| {
        let error = Error::new(ErrorKind::InvalidInput, "a person says that it happened, or to retry or to drop it");
        error.with("field", "verdict").with("seen", word.escape_debug())
    })
}

/// The argument that could not be read.
fn named<T>(argument: &str, read: Result<T>) -> Result<T> {
    read.map_err(|error| error.with("field", argument))
}

/// What is wrong with the shape of a body, and where.
fn misshapen(problem: &Problem) -> Error {
    let error = Error::new(ErrorKind::from_code(problem.code()).unwrap_or(ErrorKind::InvalidInput), problem.detail().to_owned());
    let pointer = problem.errors().first().map(|wrong| wrong.pointer.trim_start_matches('/')).filter(|place| !place.is_empty());
    match pointer {
        Some(place) => error.with("field", place.replace('/', ".")),
        None => error,
    }
}

/// What the gate refused, with the field that it names.
fn with_field(error: Error) -> Error {
    let field = error.source().and_then(|source| source.downcast_ref::<Refusal>()).map(|refusal| refusal.field);
    match field {
        Some(field) => error.with("field", field),
        None => error,
    }
}
