//! Sending them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{AlertOutbox, store};
use crate::notify::Notifier;
use crate::{Result, Retry};

/// How many are sent in one go.
const AT_ONCE: u32 = 20;
/// How long one that is being sent is left alone by other processes.
const LEASE: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_secs(15);
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

impl AlertOutbox {
    /// Sends what is due; returns how many were taken. One that was not is tried again: after the time that the messenger asks for, or
    /// after 15 s, then twice as long each time, up to an hour. A crash right after sending makes a message come twice, never not at all.
    ///
    /// # Errors
    /// The store's.
    pub async fn send_due(&self, notifier: &dyn Notifier) -> Result<u32> {
        let mut sent = 0;
        loop {
            let now = self.clock.now();
            let due = self
                .store
                .write(move |mut db| Box::pin(async move { store::take_due(&mut db, AT_ONCE, now, now + LEASE).await }));
            let due = due.await?;
            if due.is_empty() {
                return Ok(sent);
            }
            for waiting in due {
                let told = notifier.notify(&waiting.message).await;
                let now = self.clock.now();
                let (next_at, error) = match &told {
                    Ok(()) => (None, None),
                    Err(error) => {
                        tracing::warn!(%error, edge = waiting.edge, "an alert could not be sent; it is tried again");
                        (Some(now + wait(waiting.tries, error.retry())), Some(error.to_string()))
                    }
                };
                sent += u32::from(told.is_ok());
                self.store
                    .write(move |mut db| {
                        Box::pin(async move { store::settle(&mut db, &waiting, next_at, error.as_deref(), now).await })
                    })
                    .await?;
            }
        }
    }

    /// Sends what is due as soon as it is written, and looks every `interval` for what others wrote, until `stopping`.
    pub async fn run(&self, notifier: &dyn Notifier, interval: Duration, stopping: CancellationToken) {
        while !stopping.is_cancelled() {
            if let Err(error) = self.send_due(notifier).await {
                tracing::warn!(%error, "alerts cannot be read");
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                () = self.raised.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }
}

fn wait(tries: u32, retry: Retry) -> Duration {
    match retry {
        Retry::Later(asked) if !asked.is_zero() => asked.min(LONGEST_WAIT),
        _ => FIRST_WAIT.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX)).min(LONGEST_WAIT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_an_hour_unless_the_messenger_says_how_long() {
        let waits = [0, 1, 4, 9, 40].map(|tries| wait(tries, Retry::Unknown).as_secs());
        assert_eq!(waits, [15, 30, 240, 3_600, 3_600]);
        assert_eq!(wait(5, Retry::Later(Duration::from_secs(7))).as_secs(), 7);
    }
}
