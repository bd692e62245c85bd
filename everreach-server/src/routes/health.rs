//! The probes: `/health`, `/livez` and `/readyz`. They answer anybody, so they say nothing that is worth hiding.

use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use everreach_core::runtime::Runtime;
use everreach_core::{Id, MicroUsd, Mode, Result};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json as value};

use super::answer::json;
use crate::state::AppState;

/// The longest a probe waits for the database; watchdogs give up after three seconds.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct LocalHealth {
    env: Mode,
    online: bool,
    offline_mode: bool,
    services: Map<String, Value>,
    uptime_sec: u64,
    status: &'static str,
    #[serde(flatten)]
    side: Side,
}

#[derive(Serialize)]
struct CloudHealth {
    env: Mode,
    replicas: u32,
    actions_routed_today: Option<u64>,
    cost_today_usd: Option<MicroUsd>,
    uptime_sec: u64,
    status: &'static str,
    #[serde(flatten)]
    side: Side,
}

/// What the other side of a pair has to know: random names that say nothing, and who does the work.
#[derive(Serialize)]
struct Side {
    instance: Id,
    database: Id,
    leads: bool,
}

impl Side {
    fn of(runtime: &Runtime) -> Self {
        let failover = runtime.failover();
        Self { instance: failover.instance(), database: failover.database(), leads: failover.leads() }
    }
}

/// How this process is doing, in the shape of its environment.
#[utoipa::path(get, path = "/health", tag = "probes", security(()),
    responses((status = 200, description = "It is up", body = crate::schema::Health)))]
pub(crate) async fn health(State(state): State<AppState>) -> Response {
    let runtime = state.runtime();
    let uptime_sec = runtime.uptime().as_secs();
    if runtime.mode() != Mode::Cloud {
        let connectivity = runtime.connectivity();
        let health = LocalHealth {
            env: runtime.mode(),
            online: connectivity.online,
            offline_mode: connectivity.offline_mode,
            services: in_time(async { Ok(runtime.health().await) }).await.unwrap_or_default(),
            uptime_sec,
            status: "ok",
            side: Side::of(runtime),
        };
        return json(StatusCode::OK, &health);
    }
    let today = in_time(async { Ok((runtime.actions_routed_today().await?, runtime.daily_report().await?.spent_usd)) }).await;
    let health = CloudHealth {
        env: runtime.mode(),
        replicas: state.replicas().get(),
        actions_routed_today: today.map(|(actions, _)| actions),
        cost_today_usd: today.map(|(_, cost)| cost),
        uptime_sec,
        status: if today.is_some() { "ok" } else { "degraded" },
        side: Side::of(runtime),
    };
    json(StatusCode::OK, &health)
}

/// The process runs. Nothing is touched: a restart would not mend a database.
#[utoipa::path(get, path = "/livez", tag = "probes", security(()),
    responses((status = 200, description = "The process runs", body = crate::schema::Probe)))]
pub(crate) async fn livez() -> Response {
    json(StatusCode::OK, &value!({ "status": "ok" }))
}

/// Whether calls can be taken. With `?verbose` each check is named.
#[utoipa::path(get, path = "/readyz", tag = "probes", security(()),
    params(("verbose" = Option<bool>, Query, description = "Name each check")),
    responses((status = 200, description = "Calls can be taken", body = crate::schema::Probe),
        (status = 503, description = "They cannot", body = crate::schema::Probe)))]
pub(crate) async fn readyz(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let checks = checks(&state).await;
    let is_ready = checks.iter().all(|check| check.is_good);
    let mut answer = value!({ "status": if is_ready { "ok" } else { "not_ready" } });
    if query
        .is_some_and(|query| query.split('&').any(|part| matches!(part, "verbose" | "verbose=" | "verbose=1" | "verbose=true")))
    {
        answer["checks"] =
            checks.iter().map(|check| (check.name.to_owned(), Value::from(check.state))).collect::<Map<_, _>>().into();
    }
    json(if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &answer)
}

struct Check {
    name: &'static str,
    state: &'static str,
    is_good: bool,
}

impl Check {
    const fn of(name: &'static str, is_good: bool) -> Self {
        Self { name, state: if is_good { "ok" } else { "failed" }, is_good }
    }
}

async fn checks(state: &AppState) -> Vec<Check> {
    let runtime = state.runtime();
    let is_open = !state.closing().is_cancelled();
    let database = in_time(runtime.store().ping()).await.is_some();
    let schema = database && in_time(is_current(runtime)).await == Some(true);
    let stop = in_time(runtime.stop_switch().state()).await;
    vec![
        Check::of("accepting", is_open),
        Check::of("database", database),
        Check::of("schema", schema),
        // A stopped server is ready: it answers, and says that it is stopped.
        Check {
            name: "stop_switch",
            state: stop.map_or("unknown", |stop| if stop.stopped { "stopped" } else { "off" }),
            is_good: true,
        },
    ]
}

async fn is_current(runtime: &Runtime) -> Result<bool> {
    runtime.store().migration_state().await.map(|schema| schema.applied == schema.known)
}

async fn in_time<T>(question: impl Future<Output = Result<T>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "a health check failed");
            None
        }
        Err(_) => {
            tracing::warn!("a health check took longer than two seconds");
            None
        }
    }
}
