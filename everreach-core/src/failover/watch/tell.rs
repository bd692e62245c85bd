//! Telling: an event for everything, a message for what people have to know. It all starts here, never at the cloud.

use std::sync::Arc;

use serde_json::json;

use super::{Heard, Watcher};
use crate::failover::Notice;
use crate::{Event, Result};

impl Watcher {
    pub(super) fn tell(&mut self, notice: Notice) {
        // Whoever only looks tells what it sees of the cloud: who does the work is not its to say, and one process tells people.
        if !self.takes_part() && !notice.is_about_the_cloud() {
            return;
        }
        let (parts, at) = (&self.parts, self.now());
        metrics::counter!("everreach_connectivity_changes_total").increment(1);
        let data = json!({
            "endpoint": parts.endpoint.origin().ascii_serialization(),
            "mode": self.failover.mode(),
            "phase": self.failover.phase(),
            "instance": parts.control.instance(),
            "epoch": self.held.as_ref().map(crate::lease::Lease::epoch),
        });
        parts.events.record(Event::new(parts.clock.now(), notice.event_kind(), "cloud").with_data(data));
        parts.control.announce(notice);
        tracing::info!(kind = notice.event_kind(), "{}", notice.text());
        if self.takes_part() {
            self.bulletin.add(notice, at);
            self.send();
        }
    }

    /// Sends the next message, if there is one and none is under way.
    pub(super) fn send(&mut self) {
        let Some(notice) = self.bulletin.next(self.now()) else { return };
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move { Heard::Sent(parts.notifier.notify(notice.text()).await) });
    }

    pub(super) fn sent(&mut self, outcome: Result<()>) {
        let at = self.now();
        match outcome {
            Ok(()) => self.bulletin.delivered(at),
            Err(error) => {
                tracing::warn!(%error, "a message was not delivered: it is tried again while it is so");
                self.bulletin.failed(at);
            }
        }
    }
}
