//! The application: every route behind one front.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{delete, get, post};
use everreach_core::ErrorKind;
use http::StatusCode;

use crate::front::front;
use crate::metrics;
use crate::problem::Problem;
use crate::routes::{
    alertmanager, approvals, batch, calls, cost, cron, description, dispatch, events, explain, failover, health, keys,
    prometheus, safari, services, status, stop, sync,
};
use crate::state::AppState;

/// Every route over this state. Serve it, nest it into another router, or call it in-process.
///
/// ```no_run
/// # use everreach_core::runtime::{Runtime, RuntimeConfig};
/// # use everreach_server::{app::app, auth::Access, host::AllowedHosts, state::AppState};
/// # async fn example() -> everreach_core::Result<()> {
/// let runtime = Runtime::builder(RuntimeConfig::default()).build().await?;
/// let access = Access::loopback(runtime.key_ring().clone());
/// let hosts = AllowedHosts::new("127.0.0.1:8080".parse().expect("an address"), [""; 0])?;
/// let router: axum::Router = app(AppState::new(runtime, access, hosts));
/// # Ok(()) }
/// ```
pub fn app(state: AppState) -> Router {
    metrics::install();
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/status") }))
        .route("/dispatch", post(dispatch::dispatch))
        .route("/batch", post(batch::batch))
        .route("/health", get(health::health))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/status", get(status::status))
        .route("/metrics", get(prometheus::metrics))
        .route("/openapi.json", get(description::serve))
        .route("/api/services", get(services::list))
        .route("/api/services/{service}/{topic}", post(services::call))
        .route("/api/explain", post(explain::explain))
        .route("/api/calls", get(calls::list))
        .route("/api/calls/{key}", get(calls::show))
        .route("/api/calls/{key}/resolve", post(calls::resolve))
        .route("/api/approvals", get(approvals::list))
        .route("/api/approvals/{id}/approve", post(approvals::approve))
        .route("/api/approvals/{id}/deny", post(approvals::deny))
        .route("/api/cost", get(cost::month))
        .route("/api/cost/report", get(cost::report))
        .route("/api/stop", post(stop::stop))
        .route("/api/resume", post(stop::resume))
        .merge(safari_routes())
        .merge(cron_routes())
        .route("/api/failover", get(failover::show))
        .route("/api/failover/take-over", post(failover::take_over))
        .route("/api/failover/stand-down", post(failover::stand_down))
        .route("/api/failover/grant", post(failover::grant))
        .route("/api/sync/state", get(sync::pull).post(sync::push))
        .route("/api/sync/status", get(sync::status))
        .route("/api/sync/push", post(sync::push_now))
        .route("/api/sync/pull", post(sync::pull_now))
        .route("/api/keys", get(keys::list).post(keys::create))
        .route("/api/keys/{id}", delete(keys::revoke))
        .route("/api/events", get(events::stream))
        .route("/webhooks/alertmanager", post(alertmanager::receive))
        .fallback(|| async { Problem::of(ErrorKind::NotFound, "there is no such path: /openapi.json lists them") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "the path does not take this method: see `Allow`")
        })
        .layer(from_fn_with_state(state.clone(), front))
        .with_state(state)
}

/// The schedule.
fn cron_routes() -> Router<AppState> {
    Router::new()
        .route("/cron/{job}", post(cron::fire))
        .route("/api/services/cron/{job}", post(cron::fire))
        .route("/api/cron", get(cron::list))
        .route("/api/cron/history", get(cron::history))
}

/// Safari's queue.
fn safari_routes() -> Router<AppState> {
    use safari::{campaigns, commands, deny_list, enqueue, halts, rate_limits, run, services, status};
    Router::new()
        .route("/api/safari/commands", get(commands::list).post(enqueue::enqueue))
        .route("/api/safari/commands/{id}", get(commands::show))
        .route("/api/safari/commands/{id}/cancel", post(commands::cancel))
        .route("/api/safari/commands/{id}/retry", post(commands::retry))
        .route("/api/safari/commands/{id}/resolve", post(commands::resolve))
        .route("/api/safari/retry-failed", post(commands::retry_failed))
        .route("/api/safari/status", get(status::status))
        .route("/api/safari/services", get(services::list))
        .route("/api/safari/rate-limits", get(rate_limits::list))
        .route("/api/safari/run-once", post(run::once))
        .route("/api/safari/campaigns", get(campaigns::list).post(campaigns::start))
        .route("/api/safari/campaigns/{id}", get(campaigns::show))
        .route("/api/safari/campaigns/{id}/pause", post(campaigns::pause))
        .route("/api/safari/campaigns/{id}/resume", post(campaigns::resume))
        .route("/api/safari/campaigns/{id}/cancel", post(campaigns::cancel))
        .route("/api/safari/campaigns/{id}/replied", post(campaigns::replied))
        .route("/api/safari/campaigns/{id}/opted-out", post(campaigns::opted_out))
        .route("/api/safari/campaigns/{id}/posts", post(campaigns::posts))
        .route("/api/safari/halts", get(halts::list))
        .route("/api/safari/halts/lift", post(halts::lift))
        .route("/api/safari/deny-list", get(deny_list::list).post(deny_list::add))
        .route("/api/safari/deny-list/remove", post(deny_list::remove))
}
