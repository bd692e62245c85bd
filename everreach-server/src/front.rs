//! The front: what happens to every request before and after its handler, in one pass.
//!
//! In order: a request id, the `Host` and `Origin` check, authentication and scope, the handler (a panic in it is a 500), then
//! the problem, if there is one, is rendered with the id. One function instead of a tower of layers: it is on the path of every call.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use everreach_core::{ErrorKind, Id};
use futures_util::FutureExt;
use http::header::{self, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::auth::{Access, Caller, is_probe};
use crate::host::AllowedHosts;
use crate::metrics;
use crate::problem::Problem;
use crate::state::AppState;

/// The header that carries a request's id in both directions.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request, for handlers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Id);

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(parts.extensions.get().copied().unwrap_or_else(|| Self(Id::new())))
    }
}

/// The front of the whole application.
pub(crate) async fn front(State(state): State<AppState>, request: Request, next: Next) -> Response {
    guard(state.access(), state.hosts(), request, |request| next.run(request)).await
}

/// Checks the request, runs `handler` on it and finishes the answer.
pub(crate) async fn guard<F, R>(access: &Access, hosts: &AllowedHosts, mut request: Request, handler: F) -> Response
where
    F: FnOnce(Request) -> R,
    R: Future<Output = Response>,
{
    let request_id = request_id(request.headers());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let mut response = match admit(access, hosts, &request) {
        Ok(caller) => {
            tracing::trace!(%request_id, ?caller, %method, path = request.uri().path(), "request");
            request.extensions_mut().insert(RequestId(request_id));
            AssertUnwindSafe(handler(request)).catch_unwind().await.unwrap_or_else(|panic| panicked(request_id, &*panic))
        }
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(request_id);
        rendered.headers_mut().extend(response.headers_mut().remove(header::ALLOW).map(|allow| (header::ALLOW, allow)));
        response = rendered;
    }
    finish(response.headers_mut(), request_id);
    metrics::count_request(route.as_ref().map(MatchedPath::as_str), &method, response.status());
    response
}

fn admit(access: &Access, hosts: &AllowedHosts, request: &Request) -> Result<Caller, Problem> {
    let (uri, headers) = (request.uri(), request.headers());
    // Probes come from balancers that address pods by number; they answer nothing worth stealing.
    if !is_probe(uri.path()) {
        hosts.check(uri.authority(), headers)?;
    }
    access.admit(request.method(), uri.path(), uri.query(), headers)
}

/// The caller's id when it is a UUID, else a new one.
fn request_id(headers: &HeaderMap) -> Id {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).and_then(|id| id.parse().ok());
    given.unwrap_or_else(Id::new)
}

fn finish(headers: &mut HeaderMap, request_id: Id) {
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    if let Ok(value) = HeaderValue::from_str(request_id.as_uuid().hyphenated().encode_lower(&mut text)) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

fn panicked(request_id: Id, panic: &(dyn Any + Send)) -> Response {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(%request_id, message = message.unwrap_or("no message"), "a handler panicked");
    Problem::of(ErrorKind::Internal, "the server failed; its log has the particulars under this request_id").into_response()
}

#[cfg(test)]
mod tests;
