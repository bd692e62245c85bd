//! Keeping the two sides' state in step: at the start, whenever the cloud is back, and every so often.

use tokio_util::sync::CancellationToken;

use super::Runtime;
use crate::sync::state::StateSync;
use crate::{Error, Event};

/// Pushes, then pulls, until it is told to stop; nothing while the cloud is away.
pub(super) async fn keep_in_step(runtime: Runtime, stop: CancellationToken) {
    let parts = &runtime.parts;
    let mut changes = parts.connectivity.subscribe();
    let mut told = None;
    loop {
        if !parts.connectivity.is_offline() {
            let failure = tokio::select! {
                () = stop.cancelled() => return,
                failure = exchange(&parts.state_sync) => failure,
            };
            // Once, not every round.
            if failure != told {
                if let Some(error) = &failure {
                    tracing::warn!(%error, "state could not be exchanged with the cloud; what waits is kept");
                    let data = serde_json::json!({ "error": error });
                    parts.events.record(Event::new(parts.clock.now(), "sync.failed", "cloud").with_data(data));
                }
                told = failure;
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(parts.state_sync.interval()) => {}
        }
    }
}

/// What went wrong, if anything did. The pull goes on when the push was refused: it may be what resolves it.
async fn exchange(state: &StateSync) -> Option<String> {
    let pushed = state.push_pending_sync().await.map(drop);
    let pulled = state.pull_cloud_state().await.map(|report| report.error);
    let say = |error: Error| Some(error.to_string());
    pushed.map_or_else(say, |()| None).or_else(|| pulled.unwrap_or_else(say))
}
