//! A handler that is called for each message.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Delivery, Subscription, SyncBus};
use crate::{Error, ErrorKind, Result};

/// What is called with each message.
pub type Handler = Arc<dyn Fn(Delivery) -> BoxFuture<'static, Result<()>> + Send + Sync>;

const BATCH: u32 = 200;
const WAIT: Duration = Duration::from_secs(30);
/// How long a handled message may wait for its acknowledgement while more are handled.
const ACK_WITHIN: Duration = Duration::from_millis(100);
/// How often it is said that a handler, or the batch, is still being worked on.
const EXTEND_EVERY: Duration = Duration::from_secs(3);
/// After a failure of the bus itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Reads for a subscription until it is stopped: one message after the other, each acknowledged when its handler answered `Ok`.
///
/// A message whose handler fails or panics is delivered again after a while, and parked after too many deliveries. After a crash up
/// to 0.1 s of handled messages can come again.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::sync::bus::{BusConfig, NewMessage, OutboxBus, Subscriber, Subscription};
/// use std::sync::Arc;
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let bus = OutboxBus::start(store.clone(), SystemClock::shared(), EventLog::start(store), BusConfig::default())?;
/// let (heard, mut hear) = tokio::sync::mpsc::channel(8);
/// let handler = Arc::new(move |delivery: everreach_core::sync::bus::Delivery| {
///     let heard = heard.clone();
///     let hand_over = async move { Ok(heard.send(delivery.message.payload).await.unwrap_or_default()) };
///     Box::pin(hand_over) as futures_util::future::BoxFuture<'static, _>
/// });
/// let subscriber = Subscriber::start(Arc::new(bus.clone()), Subscription::new("dashboard", "crm.updated"), handler);
/// bus.publish(NewMessage::new("crm.updated", 7.into())).await?;
/// assert_eq!(hear.recv().await, Some(7.into()));
/// subscriber.stop().await;
/// bus.stop().await;
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug)]
pub struct Subscriber {
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Subscriber {
    /// Begins to read.
    #[must_use = "it reads until it is stopped or dropped"]
    pub fn start(bus: Arc<dyn SyncBus>, subscription: Subscription, handler: Handler) -> Self {
        let stopping = CancellationToken::new();
        let task = tokio::spawn(read(bus, subscription, handler, stopping.clone()));
        Self { stopping, task }
    }

    /// Takes no further message; [`stop`](Self::stop) also waits for the one that is being handled.
    pub fn cancel(&self) {
        self.stopping.cancel();
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Ends after the message that is being handled, and leaves the subscription to other processes.
    pub async fn stop(mut self) {
        self.stopping.cancel();
        let _ended = (&mut self.task).await;
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.stopping.cancel();
    }
}

async fn read(bus: Arc<dyn SyncBus>, subscription: Subscription, handler: Handler, stopping: CancellationToken) {
    while !stopping.is_cancelled() {
        let received = tokio::select! {
            received = bus.receive(&subscription, BATCH, WAIT) => received,
            () = stopping.cancelled() => break,
        };
        let handled = match received {
            Ok(deliveries) if deliveries.is_empty() => {
                // A bus that does not wait must not keep a processor busy.
                tokio::task::yield_now().await;
                Ok(())
            }
            Ok(deliveries) => handle(&*bus, deliveries, &handler, &stopping).await,
            Err(error) => Err(error),
        };
        if let Err(error) = handled {
            tracing::warn!(%error, subscription = subscription.name, topic = subscription.topic, "the bus failed, trying again");
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stopping.cancelled() => {}
            }
        }
    }
    if let Err(error) = bus.release(&subscription).await {
        tracing::debug!(%error, "the subscription is given up when its time is over");
    }
}

/// Handles a batch in order. What was handled is acknowledged also when a later one fails or it is stopped.
async fn handle(bus: &dyn SyncBus, deliveries: Vec<Delivery>, handler: &Handler, stopping: &CancellationToken) -> Result<()> {
    let mut handled: Option<Delivery> = None;
    let (mut since_ack, mut since_extended) = (Instant::now(), Instant::now());
    for delivery in deliveries {
        if stopping.is_cancelled() {
            break;
        }
        // An acknowledgement does not lengthen the lease, and a batch may take longer than it lasts.
        if since_extended.elapsed() >= EXTEND_EVERY {
            bus.extend(&delivery).await?;
            since_extended = Instant::now();
        }
        if let Err(error) = call(bus, &delivery, handler).await {
            bus.fail(&delivery, &error.to_string()).await?;
            return Ok(());
        }
        if delivery.place.is_none() || since_ack.elapsed() >= ACK_WITHIN {
            bus.ack(&delivery).await?;
            (handled, since_ack) = (None, Instant::now());
        } else {
            handled = Some(delivery);
        }
    }
    match handled {
        Some(last) => bus.ack(&last).await,
        None => Ok(()),
    }
}

async fn call(bus: &dyn SyncBus, delivery: &Delivery, handler: &Handler) -> Result<()> {
    let mut work = Box::pin(AssertUnwindSafe(async { handler(delivery.clone()).await }).catch_unwind());
    loop {
        tokio::select! {
            biased;
            ended = &mut work => {
                return ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::HandlerError, "the handler panicked")));
            }
            () = tokio::time::sleep(EXTEND_EVERY) => {
                if let Err(error) = bus.extend(delivery).await {
                    tracing::warn!(%error, id = delivery.message.id, "the subscription may go to another process");
                }
            }
        }
    }
}

#[cfg(all(test, feature = "mock"))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Timestamp;
    use crate::sync::bus::{Message, MockSyncBus};

    const PACE: Duration = Duration::from_millis(200);

    fn batch() -> Vec<Delivery> {
        let delivery = |seq: i64| {
            let message = Message::new(seq.to_string(), "crm.updated", seq.into(), Timestamp::UNIX_EPOCH);
            Delivery::new(message, "dashboard", 1, Some(seq))
        };
        (1..=200).map(delivery).collect()
    }

    /// How many messages of one batch a handler gets that takes this pace, when the subscription is lost at this extension.
    async fn handled(lost_at: usize) -> (usize, usize) {
        let (handled, extended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut bus = MockSyncBus::new();
        bus.expect_ack().returning(|_| Ok(()));
        let count = Arc::clone(&extended);
        bus.expect_extend().returning(move |_| {
            let count = count.fetch_add(1, Ordering::Relaxed) + 1;
            if count < lost_at { Ok(()) } else { Err(Error::new(ErrorKind::Conflict, "another process has it")) }
        });
        let count = Arc::clone(&handled);
        let handler: Handler = Arc::new(move |_| {
            let count = Arc::clone(&count);
            Box::pin(async move {
                tokio::time::sleep(PACE).await;
                count.fetch_add(1, Ordering::Relaxed);
                Ok(())
            })
        });
        let ended = handle(&bus, batch(), &handler, &CancellationToken::new()).await;
        assert_eq!(ended.is_err(), lost_at != usize::MAX);
        (handled.load(Ordering::Relaxed), extended.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_takes_long_keeps_the_subscription() {
        let (handled, extended) = handled(usize::MAX).await;
        assert_eq!(handled, 200);
        let times = PACE * 200;
        assert!(extended as u64 >= times.as_secs() / 4, "40 s of work and {extended} extensions");
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_more_is_handled_once_the_subscription_is_lost() {
        let (handled, extended) = handled(2).await;
        assert!((30..=32).contains(&handled) && extended == 2, "{handled} {extended}");
    }
}
