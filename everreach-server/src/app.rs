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
    alertmanager, approvals, batch, calls, cost, description, dispatch, events, explain, health, keys, prometheus, services,
    status, stop,
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
