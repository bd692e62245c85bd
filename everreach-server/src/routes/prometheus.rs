//! `GET /metrics`: what Prometheus scrapes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::metrics;
use crate::problem::Problem;
use crate::state::AppState;

const TEXT_FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Every metric in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", tag = "control",
    responses((status = 200, description = "The Prometheus text format", body = String, content_type = "text/plain"),
        (status = 503, description = "Another recorder holds the metrics of this process", body = crate::schema::Problem, content_type = "application/problem+json")))]
pub(crate) async fn metrics(State(state): State<AppState>) -> Result<Response, Problem> {
    let text = metrics::render(state.runtime().mode(), state.runtime().uptime()).ok_or_else(|| {
        let detail = "the program that embeds this server records metrics elsewhere: scrape them there";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "metrics_elsewhere", detail)
    })?;
    Ok(([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response())
}
