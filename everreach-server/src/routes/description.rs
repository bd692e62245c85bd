//! `GET /openapi.json`: the description of every route.

use std::sync::OnceLock;

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, header};

use crate::openapi::document;

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "control",
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
pub(crate) async fn serve() -> Response {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let mut response = Response::new(Body::from(TEXT.get_or_init(|| document().into()).clone()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
