//! Bodies: answers read up to a bound, requests that tell whether they left.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::{Error, ErrorKind, Result};

/// Reads an answer's body, at most `limit` bytes of it.
///
/// It has no time limit of its own; wrap it in the deadline of the whole try, so that a dripping server cannot stretch it.
///
/// # Errors
/// [`ErrorKind::InvalidInput`] when the body is longer than `limit`, [`ErrorKind::Timeout`] or [`ErrorKind::Unreachable`] when
/// it breaks off.
pub async fn read_bounded(mut response: reqwest::Response, limit: usize) -> Result<Vec<u8>> {
    let too_long = || Error::new(ErrorKind::InvalidInput, "the answer is longer than accepted").with("limit_bytes", limit);
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    if announced > limit {
        return Err(too_long());
    }
    // What the other side announces is believed only up to a page or two: memory follows the bytes that came.
    let mut body = Vec::with_capacity(announced.min(64 * 1024));
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if body.len() + chunk.len() > limit {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken(source: reqwest::Error) -> Error {
    let kind = if source.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Unreachable };
    Error::new(kind, "the answer broke off").with_source(source.without_url())
}

/// Tells whether any byte of a request can have left this machine.
#[derive(Debug, Clone, Default)]
pub struct SendWitness(Arc<AtomicBool>);

impl SendWitness {
    /// Whether the request may have left. `false` is a proof: nothing was written, so nothing can have run.
    #[must_use]
    pub fn may_have_left(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A request body and the witness of its departure.
///
/// Over HTTP/1.1 the head goes into the same write as the body's first piece, so a body nobody asked for means that the
/// connection was never used.
///
/// ```
/// let (body, witness) = everreach_core::http::witnessed_body(b"{}".to_vec());
/// assert!(!witness.may_have_left());
/// # drop(body);
/// ```
#[must_use]
pub fn witnessed_body(bytes: Vec<u8>) -> (reqwest::Body, SendWitness) {
    let witness = SendWitness::default();
    let body = WitnessedBody { bytes: Some(Bytes::from(bytes)), witness: witness.clone() };
    (reqwest::Body::wrap(body), witness)
}

struct WitnessedBody {
    bytes: Option<Bytes>,
    witness: SendWitness,
}

impl Body for WitnessedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        self.witness.0.store(true, Ordering::Release);
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    // Not before it was asked for: a body that counts as ended from the start is never asked, and the witness would be wrong.
    fn is_end_stream(&self) -> bool {
        self.bytes.is_none() && self.witness.may_have_left()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
