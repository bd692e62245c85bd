//! Waiting for an answer that is a few microseconds away without going to sleep.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls before it gives in and sleeps: some tens of microseconds.
const POLLS: u32 = 300;

/// A future that is polled again at once for a little while.
///
/// SQLite runs in a thread of its own, and a statement there takes less time than putting this one to sleep and waking it up. Other
/// tasks of the same worker still get their turn between two polls.
#[derive(Debug)]
pub(super) struct Hot<F> {
    inner: F,
    left: u32,
}

impl<F: Future + Unpin> Hot<F> {
    pub(super) const fn new(inner: F) -> Self {
        Self { inner, left: POLLS }
    }
}

impl<F: Future + Unpin> Future for Hot<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = Pin::new(&mut self.inner).poll(context);
        if polled.is_pending() && self.left > 0 {
            self.left -= 1;
            context.waker().wake_by_ref();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_answers_what_is_inside_also_when_that_takes_long() {
        let slow = Box::pin(async {
            for _ in 0..3 * POLLS {
                tokio::task::yield_now().await;
            }
            7
        });
        assert_eq!(Hot::new(slow).await, 7);
        let never = tokio::time::timeout(std::time::Duration::ZERO, std::future::pending::<()>());
        assert!(Hot::new(Box::pin(never)).await.is_err());
    }
}
