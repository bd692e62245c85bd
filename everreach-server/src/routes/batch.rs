//! `POST /batch`: many calls, answered in order.

use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use everreach_core::{Envelope, Id};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::json;
use crate::call::{CallBody, CallHeaders};
use crate::extract::{Json, Object};
use crate::problem::Problem;
use crate::state::AppState;

const DEFAULT_CONCURRENT: usize = 3;
const MAX_CONCURRENT: usize = 16;
const MAX_ACTIONS: usize = 1_000;

/// Calls to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// The calls, 1000 at most.
    #[schema(value_type = Vec<CallBody>, min_items = 1, max_items = 1000)]
    actions: Vec<Object<CallBody>>,
    /// How many may run at once.
    #[schema(minimum = 1, maximum = 16, default = 3)]
    max_concurrent: Option<u64>,
}

#[derive(Serialize)]
struct BatchAnswer<'a> {
    results: &'a [Envelope],
    ok: usize,
    failed: usize,
    duration_ms: f64,
}

/// Routes many calls; one that fails does not stop the others.
///
/// With an `Idempotency-Key`, call number N has the key `KEY:N` unless it names its own.
#[utoipa::path(post, path = "/batch", tag = "calls", request_body = BatchBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "The key of the batch")),
    responses((status = 200, description = "Every call was decided; the envelopes stand in the order of the calls", body = crate::schema::BatchAnswer)))]
pub(crate) async fn batch(
    State(state): State<AppState>,
    headers: CallHeaders,
    Json(body): Json<BatchBody>,
) -> Result<Response, Problem> {
    let max_concurrent = max_concurrent(body.max_concurrent)?;
    if body.actions.is_empty() || body.actions.len() > MAX_ACTIONS {
        return Err(Problem::wrong_shape("/actions", format!("a batch has 1 to {MAX_ACTIONS} actions")));
    }
    let requests: Vec<_> = body
        .actions
        .into_iter()
        .enumerate()
        .map(|(index, Object(call))| call.into_request(&headers.for_item(index), Id::new(), &format!("/actions/{index}")))
        .collect::<Result<_, _>>()?;
    let runtime = state.runtime();
    let start = runtime.clock().monotonic();
    let results = runtime.batch(requests, max_concurrent, Arc::new(|_| {})).await;
    let ok = results.iter().filter(|envelope| envelope.ok).count();
    let duration_ms = runtime.clock().monotonic().saturating_sub(start).as_secs_f64() * 1_000.0;
    Ok(json(StatusCode::OK, &BatchAnswer { ok, failed: results.len() - ok, results: &results, duration_ms }))
}

fn max_concurrent(wanted: Option<u64>) -> Result<NonZeroUsize, Problem> {
    let wanted = wanted.map_or(Ok(DEFAULT_CONCURRENT), usize::try_from).ok().filter(|wanted| *wanted <= MAX_CONCURRENT);
    wanted
        .and_then(NonZeroUsize::new)
        .ok_or_else(|| Problem::wrong_shape("/max_concurrent", format!("max_concurrent is 1 to {MAX_CONCURRENT}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_calls_run_at_once_unless_one_to_sixteen_are_asked_for() {
        assert_eq!(max_concurrent(None).expect("the default").get(), 3);
        assert_eq!(max_concurrent(Some(16)).expect("the most").get(), 16);
        for wrong in [0, 17, u64::MAX] {
            assert_eq!(max_concurrent(Some(wrong)).expect_err("out of bounds").errors()[0].pointer, "/max_concurrent");
        }
    }
}
