//! What a program wrote.

use std::collections::VecDeque;

use tokio::io::{AsyncRead, AsyncReadExt};

/// How much of the beginning is kept, and how much of the end.
const KEPT: usize = 256 * 1024;

/// What a program wrote: all of it up to a bound, else its beginning and its end.
#[derive(Debug, Default)]
pub(super) struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Output {
    fn push(&mut self, mut bytes: &[u8]) {
        let room = KEPT.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        bytes = &bytes[room..];
        self.tail.extend(bytes);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.left_out += surplus as u64;
        drop(self.tail.drain(..surplus));
    }

    /// As text; what is no UTF-8 is replaced.
    pub(super) fn text(&self) -> String {
        let mut bytes = self.head.clone();
        if self.left_out > 0 {
            bytes.extend_from_slice(format!("\n[… {} bytes left out …]\n", self.left_out).as_bytes());
        }
        bytes.extend(&self.tail);
        String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
    }

    /// Whether something is missing.
    pub(super) const fn is_cut(&self) -> bool {
        self.left_out > 0
    }
}

/// Reads to the end, also what is not kept: a program must not stand still because nobody listens.
pub(super) async fn read_all(mut from: impl AsyncRead + Unpin, into: &std::sync::Mutex<Output>) {
    let mut piece = [0; 8 * 1024];
    // A pipe that fails is a pipe that ended.
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        into.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(&piece[..count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_whole_and_of_the_rest_both_ends() {
        let mut output = Output::default();
        output.push(b"begin");
        assert_eq!((output.text().as_str(), output.is_cut()), ("begin", false));
        for _ in 0..100 {
            output.push(&vec![b'x'; KEPT / 10]);
        }
        output.push(b"end");
        let text = output.text();
        assert!(text.starts_with("begin") && text.ends_with("end") && output.is_cut());
        assert!(text.contains("bytes left out") && text.len() < 2 * KEPT + 100);
    }
}
