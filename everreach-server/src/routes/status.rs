//! `GET /status`: the state of every part, on one page.

use axum::extract::State;
use axum::response::Response;
use everreach_core::ledger::CallState;
use everreach_core::runtime::Runtime;
use everreach_core::store::Dialect;
use everreach_core::sync::bus::RedisState;
use everreach_core::{Error, ErrorKind, Result};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json as value};

use super::answer::json;
use crate::state::AppState;

/// The state of every part. A part that cannot be asked says so and does not keep the others from answering.
#[utoipa::path(get, path = "/status", tag = "control",
    responses((status = 200, description = "Each part under its name", body = crate::schema::Status)))]
pub(crate) async fn status(State(state): State<AppState>) -> Response {
    let runtime = state.runtime();
    let mut parts = Map::new();
    parts.insert("env".to_owned(), runtime.mode().as_str().into());
    parts.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    parts.insert("started_at".to_owned(), value!(runtime.started_at()));
    parts.insert("uptime_sec".to_owned(), runtime.uptime().as_secs().into());
    parts.insert("stop".to_owned(), part(runtime.stop_switch().state().await));
    parts.insert("database".to_owned(), part(database(runtime).await));
    parts.insert("cloud".to_owned(), cloud(runtime));
    let bus = runtime.bus().status().await;
    parts.insert("redis".to_owned(), redis(bus.as_ref().ok().and_then(|bus| bus.redis.as_ref())));
    parts.insert("bus".to_owned(), part(bus));
    parts.insert("failover".to_owned(), value!(runtime.failover().state().await));
    parts.insert("state".to_owned(), part(runtime.state_sync().status().await));
    parts.insert("cost".to_owned(), part(runtime.cost().monthly_cost().await));
    parts.insert("worker".to_owned(), runtime.health().await.remove("worker").unwrap_or_default());
    parts.insert("calls".to_owned(), part(calls(runtime).await));
    parts.insert("approvals".to_owned(), part(approvals(runtime).await));
    parts.insert("schedule".to_owned(), part(runtime.schedule().state().await));
    json(StatusCode::OK, &parts)
}

fn part<T: Serialize>(answer: Result<T>) -> Value {
    let written = answer
        .and_then(|part| serde_json::to_value(part).map_err(|_| Error::new(ErrorKind::Internal, "the part cannot be shown")));
    written.unwrap_or_else(|error| {
        tracing::warn!(%error, "a part of the status cannot be had");
        value!({ "error": error.kind() })
    })
}

/// Calls under way, and those that are held for a person (a hundred at most are counted).
async fn calls(runtime: &Runtime) -> Result<Value> {
    let held = runtime.ledger().list(CallState::Unknown, 100).await?.len();
    Ok(value!({ "under_way": runtime.calls_under_way(), "held": held }))
}

async fn database(runtime: &Runtime) -> Result<Value> {
    let store = runtime.store();
    let schema = store.migration_state().await?;
    let kind = match store.dialect() {
        Dialect::Sqlite => "sqlite",
        _ => "postgres",
    };
    Ok(value!({ "kind": kind, "schema": { "applied": schema.applied, "known": schema.known } }))
}

fn cloud(runtime: &Runtime) -> Value {
    let config = runtime.config();
    let is_configured = config.cloud.is_some() || config.routing.is_cloud_terminal;
    let connectivity = runtime.connectivity();
    value!({
        "configured": is_configured,
        "is_cloud_terminal": config.routing.is_cloud_terminal,
        "online": connectivity.online,
        "offline_mode": connectivity.offline_mode,
        "cloud_failed": connectivity.cloud_failed,
        "since": connectivity.since,
    })
}

fn redis(state: Option<&RedisState>) -> Value {
    state.map_or_else(
        || value!({ "configured": false }),
        |state| value!({ "configured": true, "up": state.is_up, "since": state.since }),
    )
}

async fn approvals(runtime: &Runtime) -> Result<Value> {
    Ok(value!({ "waiting": runtime.approvals().list().await?.len() }))
}
