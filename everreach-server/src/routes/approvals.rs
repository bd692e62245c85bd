//! `/api/approvals`: calls, and large groups of Safari's messages, that wait for a person.

use axum::extract::State;
use axum::response::Response;
use everreach_core::safari::queue::WaitingGroup;
use everreach_core::{ErrorKind, Id};
use http::StatusCode;
use serde_json::{Value, json as value};

use super::answer::json;
use crate::extract::Named;
use crate::problem::Problem;
use crate::state::AppState;

/// What waits for a person: calls, and campaigns or batches of more than 10 messages (`kind` is then `safari_dms`).
#[utoipa::path(get, path = "/api/approvals", tag = "approvals",
    responses((status = 200, description = "The requests, oldest first", body = crate::schema::Approvals)))]
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let approvals = state.runtime().approvals().list().await?;
    let mut waiting: Vec<Value> = approvals.iter().map(|approval| value!(approval)).collect();
    waiting.extend(state.runtime().safari().queue().waiting_groups().await?.iter().map(group));
    // Times of one zone and format: their text is ordered as they are.
    waiting.sort_by(|a, b| a["requested_at"].as_str().cmp(&b["requested_at"].as_str()));
    Ok(json(StatusCode::OK, &value!({ "approvals": waiting })))
}

fn group(group: &WaitingGroup) -> Value {
    value!({
        "id": group.id,
        "kind": "safari_dms",
        "action": "safari.send_dm",
        "params": { "dms": group.dms },
        "state": "pending",
        "requested_at": group.requested_at,
        "expires_at": group.expires_at,
        "decided_at": null,
    })
}

/// A person agrees: the call runs now, once; the messages of a campaign or batch may go when their turn comes.
#[utoipa::path(post, path = "/api/approvals/{id}/approve", tag = "approvals", params(("id" = String, Path, description = "The request's id: a call's, or a campaign's or batch's")),
    responses((status = 200, description = "It was run, and the envelope is its answer, or null when this process has not got the action and leaves it to one that has; or so many commands may go", body = crate::schema::Approved),
        (status = 404, description = "No request has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or it expired", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn approve(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    if let Some(call) = call(&state, &id).await? {
        let envelope = state.runtime().approve(call).await?;
        return Ok(json(StatusCode::OK, &value!({ "id": id, "state": "approved", "envelope": envelope })));
    }
    let commands = state.runtime().safari().queue().approve(&id).await.map_err(unknown)?;
    Ok(json(StatusCode::OK, &value!({ "id": id, "state": "approved", "commands": commands })))
}

/// A person refuses: the call never runs; the messages of a campaign or batch are cancelled, and later ones refused.
#[utoipa::path(post, path = "/api/approvals/{id}/deny", tag = "approvals", params(("id" = String, Path, description = "The request's id: a call's, or a campaign's or batch's")),
    responses((status = 200, description = "It is denied", body = crate::schema::Denied),
        (status = 404, description = "No request has this id", body = crate::schema::Problem, content_type = "application/problem+json"),
        (status = 409, description = "It was decided before, or it expired", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn deny(State(state): State<AppState>, Named(id): Named<String>) -> Result<Response, Problem> {
    if let Some(call) = call(&state, &id).await? {
        state.runtime().deny(call).await?;
        return Ok(json(StatusCode::OK, &value!({ "id": id, "state": "denied" })));
    }
    let commands = state.runtime().safari().queue().deny_group(&id).await.map_err(unknown)?;
    Ok(json(StatusCode::OK, &value!({ "id": id, "state": "denied", "commands": commands })))
}

/// The id, when it is that of a call that asked.
async fn call(state: &AppState, id: &str) -> Result<Option<Id>, Problem> {
    let Ok(id) = id.parse::<Id>() else { return Ok(None) };
    Ok(state.runtime().approvals().get(id).await?.map(|approval| approval.id))
}

/// An id that neither a call nor a group has is said to be neither's.
fn unknown(error: everreach_core::Error) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => Problem::of(ErrorKind::NotFound, "no request has this id"),
        _ => Problem::from(error),
    }
}
