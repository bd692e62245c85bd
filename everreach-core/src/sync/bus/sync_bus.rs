//! What a bus does.

use std::time::Duration;

use async_trait::async_trait;

use super::{BusStatus, Delivery, Failure, NewMessage, ParkedMessage, Published, Subscription};
use crate::Result;

/// Carries messages from publishers to subscriptions.
///
/// # Law
/// A message whose publication was answered with `Ok` is delivered to every subscription of its topic until it is acknowledged or
/// parked, also after a crash of either side. A subscription gets the messages of one publisher in the order of their publication;
/// while one of them waits to be delivered again, those after it wait too. Of the processes that read for one subscription, one at a
/// time is given messages.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SyncBus: Send + Sync + 'static {
    /// Publishes messages, all of them or none, and answers in their order.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a message that cannot be published; or the store's.
    async fn publish_all(&self, messages: Vec<NewMessage>) -> Result<Vec<Published>>;

    /// Makes a subscription known: it gets what is published from now on, whenever it reads. [`receive`](Self::receive) does this too.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a name that cannot be one; or the store's.
    async fn subscribe(&self, subscription: &Subscription) -> Result<()>;

    /// Forgets a subscription: nothing is kept for it any more. Says whether there was one.
    ///
    /// # Errors
    /// The store's.
    async fn unsubscribe(&self, name: &str, topic: &str) -> Result<bool>;

    /// The next messages for a subscription, in order, at most `max`; waits for the first one. In a process one task at a time asks. Nothing when none came in time or
    /// another process reads for it. A message that may have been delivered before comes alone.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) for a name that cannot be one; or the store's.
    async fn receive(&self, subscription: &Subscription, max: u32, wait: Duration) -> Result<Vec<Delivery>>;

    /// This message and those before it are handled.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) when another process reads for the subscription by now: it will get the message
    /// again. Or the store's.
    async fn ack(&self, delivery: &Delivery) -> Result<()>;

    /// This message could not be handled; those before it are. It is delivered again later, or parked after too many deliveries.
    ///
    /// # Errors
    /// As for [`ack`](Self::ack).
    async fn fail(&self, delivery: &Delivery, error: &str) -> Result<Failure>;

    /// Keeps the subscription for this process while a handler takes its time: to be said every few seconds.
    ///
    /// # Errors
    /// As for [`ack`](Self::ack).
    async fn extend(&self, delivery: &Delivery) -> Result<()>;

    /// Leaves the subscription to other processes at once. What was delivered and not acknowledged is delivered again.
    ///
    /// # Errors
    /// The store's. The others get it a little later then.
    async fn release(&self, subscription: &Subscription) -> Result<()>;

    /// The messages that were given up, oldest first.
    ///
    /// # Errors
    /// The store's.
    async fn parked(&self, limit: u32) -> Result<Vec<ParkedMessage>>;

    /// Delivers a parked message once more, out of order; says whether there was one.
    ///
    /// # Errors
    /// The store's.
    async fn replay(&self, subscription: &str, id: &str) -> Result<bool>;

    /// How the bus is: Redis, the subscriptions, what waits.
    ///
    /// # Errors
    /// The store's.
    async fn status(&self) -> Result<BusStatus>;
}

impl dyn SyncBus {
    /// Publishes one message.
    ///
    /// # Errors
    /// As for [`publish_all`](SyncBus::publish_all).
    ///
    /// ```
    /// use everreach_core::sync::bus::{NewMessage, SyncBus};
    /// async fn tell(bus: &dyn SyncBus) -> everreach_core::Result<String> {
    ///     Ok(bus.publish(NewMessage::new("crm.updated", serde_json::json!({"contact": 7}))).await?.id)
    /// }
    /// ```
    pub async fn publish(&self, message: NewMessage) -> Result<Published> {
        let published = self.publish_all(vec![message]).await?;
        published.into_iter().next().ok_or_else(|| {
            crate::Error::new(crate::ErrorKind::Internal, "the bus answered for no message: an answer for each is wanted")
        })
    }
}
