//! The loop that looks at the cloud.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::probe::probe;
use super::{ConnectivityView, Failover, FailoverConfig, Notice, Order, ProbeFailure, Reading, TwoNodeMode};
use crate::events::EventLog;
use crate::notify::Notifier;
use crate::{Error, ErrorKind, Event, SharedClock};

/// What the loop works with.
pub(crate) struct Watch {
    pub(crate) config: FailoverConfig,
    pub(crate) client: reqwest::Client,
    pub(crate) endpoint: Url,
    pub(crate) view: ConnectivityView,
    pub(crate) events: EventLog,
    pub(crate) clock: SharedClock,
    pub(crate) notifier: Arc<dyn Notifier>,
}

impl Watch {
    /// Looks at the cloud until it is told to stop. Events and notices on edges only.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut failover = Failover::new(self.config.clone(), TwoNodeMode::Manual);
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = probe(&self.client, &self.endpoint, self.config.timeout) => asked,
            };
            let reading = match asked {
                Ok(_) => Reading::Good,
                Err(error) => {
                    tracing::debug!(%error, "the cloud did not answer the probe");
                    Reading::Bad(failure_of(&error))
                }
            };
            let orders = failover.observe(reading, self.clock.monotonic());
            self.view.show(failover.cloud().reachability(), self.clock.now());
            for order in orders {
                if let Order::Tell(notice) = order {
                    self.tell(notice).await;
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(failover.next_look()) => {}
            }
        }
    }

    async fn tell(&self, notice: Notice) {
        metrics::counter!("everreach_connectivity_changes_total").increment(1);
        let data = json!({"endpoint": self.endpoint.as_str()});
        self.events.record(Event::new(self.clock.now(), notice.event_kind(), "cloud").with_data(data));
        if let Err(error) = self.notifier.notify(notice.text()).await {
            tracing::warn!(%error, "the notice was not delivered");
        }
    }
}

fn failure_of(error: &Error) -> ProbeFailure {
    match error.kind() {
        ErrorKind::Timeout => ProbeFailure::Timeout,
        _ => ProbeFailure::Unreachable,
    }
}
