//! A request as a service reads it, and what it gives back.

use axum::body::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;

/// A request, read whole.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    body: Value,
}

impl Asked {
    pub(super) fn new(method: Method, path: &str, headers: HeaderMap, body: &Bytes) -> Self {
        // Without the header the services' parser leaves the body alone.
        let body = if is_json(&headers) { serde_json::from_slice(body).unwrap_or_default() } else { Value::Null };
        Self { method, path: path.to_owned(), headers, body }
    }

    pub(super) fn has_json_header(&self) -> bool {
        is_json(&self.headers)
    }

    pub(super) const fn body(&self) -> &Value {
        &self.body
    }

    /// A field that holds a text that is not blank.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
    }

    pub(super) fn is_set(&self, name: &str) -> bool {
        self.body.get(name) == Some(&Value::Bool(true))
    }

    pub(super) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|kind| kind.contains("application/json"))
}

/// What comes back.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Json(u16, Value),
    Page(u16, String),
    /// JSON with a `Retry-After` in seconds.
    Later(u64, u16, Value),
    /// The connection is cut.
    Reset,
    /// The connection ends without an answer.
    Empty,
    /// Nothing comes, ever.
    Silence,
    /// The process ends with this reply; its port refuses from then on.
    Last(Box<Reply>),
}

impl Reply {
    pub(super) const fn ok(body: Value) -> Self {
        Self::Json(200, body)
    }

    /// Express's page for what it does not know.
    pub(super) fn no_such_page(method: &Method, path: &str) -> Self {
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Error</title>\n</head>\n<body>\n<pre>Cannot {method} {path}</pre>\n</body>\n</html>\n"
        );
        Self::Page(404, page)
    }
}
