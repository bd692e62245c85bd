//! `GET /api/safari/status`: the queue at a glance.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use everreach_core::Error;
use everreach_core::runtime::Safari;
use everreach_core::safari::CommandStatus;
use everreach_core::safari::decision::Halt;
use everreach_core::safari::queue::{Statistics, WaitingGroup};
use http::StatusCode;
use serde::Serialize;

use super::services::ServiceEntry;
use crate::problem::Problem;
use crate::routes::answer::json;
use crate::state::AppState;

/// The queue at a glance; its fields are those of the published shape.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Whether the stop switch is set.
    stopped: bool,
    /// How many commands stand where; `unknown` is a part of `failed`.
    commands: BTreeMap<&'static str, u64>,
    #[serde(flatten)]
    statistics: Statistics,
    halts: Vec<Halt>,
    /// Campaigns and batches that wait for a person.
    approvals: Vec<WaitingGroup>,
    services: Vec<ServiceEntry>,
}

/// How many commands stand where, what has been used of the limits, what stops or waits for a person, and how the services are, as
/// of a minute ago at most.
#[utoipa::path(get, path = "/api/safari/status", tag = "safari", operation_id = "safari_status",
    responses((status = 200, description = "The state of the queue", body = crate::schema::SafariStatus)))]
pub(crate) async fn status(State(state): State<AppState>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &overview(state.runtime().safari()).await?))
}

/// The queue at a glance.
///
/// # Errors
/// The store's.
pub async fn overview(safari: &Safari) -> Result<Status, Error> {
    let conditions = safari.conditions().await?;
    let statistics = safari.queue().statistics(&conditions).await?;
    let mut commands: BTreeMap<_, _> = CommandStatus::ALL.map(|status| (status.as_str(), statistics.of_status(status))).into();
    commands.insert("unknown", statistics.unknown());
    let services = conditions.health.into_values().map(|health| ServiceEntry::new(health, safari.config())).collect();
    Ok(Status {
        stopped: conditions.is_stopped,
        commands,
        statistics,
        halts: safari.queue().halts().await?,
        approvals: safari.queue().waiting_groups().await?,
        services,
    })
}
