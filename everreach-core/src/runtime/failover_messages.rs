//! That the cloud failed and that it is back, as messages on the sync bus.
//!
//! # Law
//! Each change is one message, also when this process dies while it tells, or starts again while nothing has changed.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::failover::{Announcement, Announcements, FailoverControl, Notice};
use crate::sync::bus::{NewMessage, SyncBus};
use crate::{Id, Result};

/// Time between two tries of one message while the database is away.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

pub(super) struct FailoverMessages {
    bus: Arc<dyn SyncBus>,
    announcements: Announcements,
    /// What the messages name: the cloud that was watched, and who watched it.
    endpoint: String,
    instance: Id,
    notices: Receiver<Notice>,
    is_well: watch::Receiver<bool>,
}

impl FailoverMessages {
    /// Hears what is told from now on.
    pub(super) fn new(bus: Arc<dyn SyncBus>, announcements: Announcements, endpoint: String, control: &FailoverControl) -> Self {
        let (notices, is_well) = (control.notices(), control.is_well());
        Self { bus, announcements, endpoint, instance: control.instance(), notices, is_well }
    }

    /// Tells each change until it is stopped.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.tell_all() => {}
        }
    }

    async fn tell_all(&mut self) {
        // What an earlier run began to tell.
        while let Err(error) = self.tell_untold().await {
            wait(&error).await;
        }
        while let Some(is_failed) = self.next().await {
            while let Err(error) = self.tell(is_failed).await {
                wait(&error).await;
            }
        }
    }

    /// The next change that was seen: whether the cloud has failed by it. One that came back while nobody watched is found to be well.
    async fn next(&mut self) -> Option<bool> {
        loop {
            tokio::select! {
                biased;
                notice = self.notices.recv() => match notice {
                    Ok(Notice::CloudFailed) => return Some(true),
                    Ok(Notice::CloudRestored) => return Some(false),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                },
                Ok(()) = self.is_well.changed() => if *self.is_well.borrow_and_update() {
                    return Some(false);
                },
            }
        }
    }

    async fn tell(&self, is_failed: bool) -> Result<()> {
        self.announcements.begin(is_failed).await?;
        self.tell_untold().await
    }

    async fn tell_untold(&self) -> Result<()> {
        let Some(announcement) = self.announcements.untold().await? else { return Ok(()) };
        self.bus.publish_all(vec![self.message(announcement)]).await?;
        self.announcements.told(announcement).await
    }

    fn message(&self, announcement: Announcement) -> NewMessage {
        let notice = if announcement.is_failed { Notice::CloudFailed } else { Notice::CloudRestored };
        let payload = json!({"text": notice.text(), "endpoint": self.endpoint, "instance": self.instance, "at": announcement.at});
        NewMessage::new(notice.topic().unwrap_or(notice.event_kind()), payload).with_dedup_key(announcement.id.to_string())
    }
}

async fn wait(error: &crate::Error) {
    tracing::warn!(%error, "a change of the cloud's standing is not on the bus yet");
    tokio::time::sleep(AGAIN_AFTER).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use crate::events::EventLog;
    use crate::store::{Store, StoreConfig};
    use crate::sync::bus::{BusConfig, OutboxBus, Subscription};

    fn messages(bus: &OutboxBus, announcements: &Announcements) -> FailoverMessages {
        let (_, notices) = tokio::sync::broadcast::channel(1);
        let (_, is_well) = watch::channel(false);
        let (bus, announcements) = (Arc::new(bus.clone()) as _, announcements.clone());
        FailoverMessages {
            bus,
            announcements,
            endpoint: "https://cloud.example".to_owned(),
            instance: Id::new(),
            notices,
            is_well,
        }
    }

    async fn waiting(bus: &OutboxBus, topic: &str) -> usize {
        let subscription = Subscription::new(Id::new().to_string(), topic);
        bus.receive(&subscription, 10, Duration::from_millis(50)).await.expect("an answer").len()
    }

    #[tokio::test]
    async fn a_message_that_a_crash_cut_off_is_published_once_whichever_side_of_it_was_reached() {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let clock = SystemClock::shared();
        let bus = OutboxBus::start(store.clone(), Arc::clone(&clock), EventLog::start(store.clone()), BusConfig::default());
        let bus = bus.expect("a bus");
        let announcements = Announcements::new(store, clock, &"https://cloud.example".parse().expect("a URL"));
        // It died before the message was published.
        let begun = announcements.begin(true).await.expect("it is kept").expect("a change");
        let next = messages(&bus, &announcements);
        next.tell_untold().await.expect("published");
        assert_eq!(waiting(&bus, "FAILOVER_TO_LOCAL").await, 1);
        // It died before that was noted.
        let again = announcements.begin(false).await.expect("it is kept").expect("a change");
        next.bus.publish_all(vec![next.message(again)]).await.expect("published");
        messages(&bus, &announcements).tell_untold().await.expect("published before");
        next.tell(false).await.expect("nothing has changed");
        assert_eq!((waiting(&bus, "FAILOVER_RESTORED").await, announcements.untold().await.expect("an answer")), (1, None));
        assert_ne!(begun.id, again.id);
        bus.stop().await;
    }
}
