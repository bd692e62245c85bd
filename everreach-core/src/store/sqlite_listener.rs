//! Hearing of commits that other processes make on the same SQLite file.

use std::time::Duration;

use super::wal_watch::WalWatch;
use super::writer::Observer;

/// After a write by another process it is looked so often whether it was a commit: the write comes first, then the disk takes its
/// time, then the commit can be seen. Each pause is as long as all before it together.
const LOOKS: [Duration; 14] = {
    let mut looks = [Duration::ZERO; 14];
    let mut number = 1;
    while number < looks.len() {
        looks[number] = Duration::from_micros(100 << (number - 1));
        number += 1;
    }
    looks
};
/// After a write while this process wrote too, it is looked this late, out of the way of its own next write.
const LATE: usize = 5;
/// Shorter pauses are not left to the runtime, which counts in milliseconds.
const SHORT: Duration = Duration::from_millis(2);

/// Watches the write-ahead log. What this process commits is not heard.
#[derive(Debug)]
pub(super) struct SqliteListener {
    watch: WalWatch,
    writer: Observer,
    version: Option<i64>,
    /// The next look.
    next: Option<usize>,
}

impl SqliteListener {
    pub(super) const fn new(watch: WalWatch, writer: Observer) -> Self {
        Self { watch, writer, version: None, next: None }
    }

    /// Waits for the next commit of another process; `false` once the store is closed. Beginning to listen counts as one, since
    /// something may have been missed before.
    pub(super) async fn heard(&mut self) -> bool {
        if self.version.is_none() {
            self.version = self.writer.version().await;
            return self.version.is_some();
        }
        loop {
            tokio::select! {
                () = self.writer.closed() => return false,
                written = self.watch.written() => {
                    if let Err(error) = written {
                        tracing::warn!(%error, "the write-ahead log cannot be watched: what others write is found by looking");
                        return false;
                    }
                    let first = if self.writer.has_written() { LATE } else { 0 };
                    self.next = Some(self.next.map_or(first, |look| look.min(first)));
                }
                () = pause(self.next), if self.next.is_some() => {
                    self.next = self.next.map(|look| look + 1).filter(|look| *look < LOOKS.len());
                    let Some(version) = self.writer.version().await else { return false };
                    // What it has written by now was told before.
                    let _own = self.writer.has_written();
                    if self.version.replace(version) != Some(version) {
                        return true;
                    }
                }
            }
        }
    }
}

/// The pause before that look.
async fn pause(look: Option<usize>) {
    let pause = look.and_then(|look| LOOKS.get(look)).copied().unwrap_or_default();
    if pause.is_zero() {
        return;
    }
    if pause >= SHORT {
        return tokio::time::sleep(pause).await;
    }
    let _a_pause_has_no_result = tokio::task::spawn_blocking(move || std::thread::sleep(pause)).await;
}
