//! Many calls, a few at a time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt, stream};

use super::Orchestrator;
use crate::Envelope;
use crate::routing::RouteRequest;

impl Orchestrator {
    /// Runs the calls, at most `max_concurrent` at a time, and answers in their order. One that fails does not stop the others;
    /// each keeps its own deadline. `progress` hears how many are finished, each time one is.
    pub async fn batch(
        &self,
        requests: Vec<RouteRequest>,
        max_concurrent: NonZeroUsize,
        progress: Arc<dyn Fn(usize) + Send + Sync>,
    ) -> Vec<Envelope> {
        let finished = AtomicUsize::new(0);
        // Unordered and sorted afterwards: a slow first call must not keep the slots of those that are done.
        let mut answers: Vec<(usize, Envelope)> = stream::iter(requests.into_iter().enumerate())
            .map(|(place, request)| {
                let (finished, progress) = (&finished, &progress);
                async move {
                    let envelope = self.route(request).await;
                    progress(finished.fetch_add(1, Ordering::Relaxed) + 1);
                    (place, envelope)
                }
            })
            .buffer_unordered(max_concurrent.get())
            .collect()
            .await;
        answers.sort_unstable_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, envelope)| envelope).collect()
    }
}
