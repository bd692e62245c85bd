//! The handlers that read from the bus of a runtime.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use everreach_core::sync::bus::{Subscriber, Subscription};
use everreach_core::{Error, ErrorKind, Result};
use futures_util::future::join_all;

/// Handlers by what they read: one for each name and topic.
#[derive(Default)]
pub(crate) struct Subscriptions {
    reading: Mutex<HashMap<Place, Reading>>,
}

/// What a handler reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) topic: String,
}

struct Reading {
    /// None until it has begun.
    subscriber: Option<Subscriber>,
    /// The thread of the loop on which its coroutines run.
    thread: Option<ThreadId>,
}

impl From<&Subscription> for Place {
    fn from(subscription: &Subscription) -> Self {
        Self { name: subscription.name.clone(), topic: subscription.topic.clone() }
    }
}

impl Subscriptions {
    /// Takes a place for a handler that is about to begin.
    pub(super) fn take(&self, place: &Place, thread: Option<ThreadId>) -> Result<()> {
        let mut reading = self.reading();
        let is_over = |one: &Reading| one.subscriber.as_ref().is_some_and(Subscriber::is_over);
        if reading.get(place).is_some_and(|one| !is_over(one)) {
            let message = "a handler reads for this subscription already: stop that one, or give each a name of its own";
            let error = Error::new(ErrorKind::Conflict, message).with_operation("subscribe");
            return Err(error.with("topic", &place.topic).with("name", &place.name));
        }
        let _before = reading.insert(place.clone(), Reading { subscriber: None, thread });
        Ok(())
    }

    /// The handler reads from now on.
    pub(super) fn begin(&self, place: &Place, subscriber: Subscriber) {
        if let Some(reading) = self.reading().get_mut(place) {
            reading.subscriber = Some(subscriber);
        }
    }

    /// It did not begin.
    pub(super) fn leave(&self, place: &Place) {
        let _reading = self.reading().remove(place);
    }

    /// It takes no further message.
    pub(super) fn cancel(&self, place: &Place) {
        if let Some(subscriber) = self.reading().get(place).and_then(|reading| reading.subscriber.as_ref()) {
            subscriber.cancel();
        }
    }

    /// Whether a coroutine of one of them runs, or may run at any moment, on the loop of this thread.
    pub(crate) fn run_here(&self) -> bool {
        let here = std::thread::current().id();
        let is_over = |reading: &Reading| reading.subscriber.as_ref().is_some_and(Subscriber::is_over);
        self.reading().values().any(|reading| reading.thread == Some(here) && !is_over(reading))
    }

    /// None of them takes a further message; those that are being handled get this long.
    pub(crate) async fn stop(&self, grace: Duration) {
        let reading: Vec<Reading> = self.reading().drain().map(|(_, reading)| reading).collect();
        let subscribers: Vec<Subscriber> = reading.into_iter().filter_map(|reading| reading.subscriber).collect();
        subscribers.iter().for_each(Subscriber::cancel);
        let ended = join_all(subscribers.into_iter().map(Subscriber::stop));
        if tokio::time::timeout(grace, ended).await.is_err() {
            tracing::warn!("a handler of the bus did not end in time: its message comes again");
        }
    }

    fn reading(&self) -> MutexGuard<'_, HashMap<Place, Reading>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
