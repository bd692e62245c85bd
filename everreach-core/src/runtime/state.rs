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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::super::RuntimeConfig;
    use super::*;
    use crate::failover::Reachability;
    use crate::retry::RetryPolicy;
    use crate::routing::RemoteConfig;
    use crate::sync::state::{StateChange, StateKind};
    use crate::testing::FaultServer;

    #[tokio::test]
    async fn what_waits_is_pushed_the_moment_the_cloud_is_back_and_not_before() {
        let data = tempfile::tempdir().expect("a folder");
        let cloud = FaultServer::start([]).await.expect("a server");
        let mut config = RuntimeConfig { data_dir: data.path().to_path_buf(), ..RuntimeConfig::default() };
        config.store.url = "sqlite::memory:".to_owned();
        // No probes, so that only this test says how the cloud stands.
        config.routing.offline = true;
        config.cloud = Some(RemoteConfig::new(cloud.url().clone()).with_key("er_live_test"));
        config.state.encryption_key = Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into());
        config.state.interval = Duration::from_secs(3_600);
        let runtime = Runtime::builder(config).with_retry_policy(RetryPolicy::never()).build().await.expect("a runtime");
        let (state, change) = (
            runtime.state_sync().clone(),
            StateChange::new(StateKind::CrmStats, "today".parse().expect("a key"), json!({"n": 1})),
        );
        let recorded = runtime.store().write(move |mut db| Box::pin(async move { state.record(&mut db, &change).await }));
        recorded.await.expect("recorded");
        assert_eq!(cloud.received().len(), 0);
        runtime.parts.connectivity.show(Reachability::Online, runtime.clock().now());
        let received =
            tokio::time::timeout(Duration::from_secs(20), cloud.wait_for_requests(1)).await.expect("a request in time");
        assert_eq!(received[0].target(), "POST /api/sync/state");
        runtime.shutdown(Duration::from_secs(5)).await;
    }
}
