//! Telling: an event for everything, a message for what people have to know. It all starts here, never at the cloud.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use super::Watcher;
use crate::Event;
use crate::failover::Notice;
use crate::notify::Notifier;

/// Messages that may wait for a messenger that does not answer.
const WAITING: usize = 32;
/// Waits between two tries of one message.
const TRIES: [Duration; 4] = [Duration::ZERO, Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

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
        if self.takes_part()
            && let Some(message) = self.bulletin.add(notice, at)
        {
            self.send(message);
        }
    }

    pub(super) fn send(&self, notice: Notice) {
        if self.messages.try_send(notice).is_err() {
            tracing::warn!(text = notice.text(), "too many messages wait: this one is not sent");
        }
    }
}

/// Sends one message after the other; ends when nobody can send any more.
pub(super) fn start(notifier: Arc<dyn Notifier>) -> mpsc::Sender<Notice> {
    let (sender, mut messages) = mpsc::channel::<Notice>(WAITING);
    drop(tokio::spawn(async move {
        while let Some(notice) = messages.recv().await {
            deliver(&*notifier, notice).await;
        }
    }));
    sender
}

async fn deliver(notifier: &dyn Notifier, notice: Notice) {
    for wait in TRIES {
        tokio::time::sleep(wait).await;
        match notifier.notify(notice.text()).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "the notice was not delivered"),
        }
    }
}
