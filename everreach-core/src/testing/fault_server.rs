//! An HTTP/1.1 server that fails on purpose and writes down what it got.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::fault_connection::serve;
use crate::{Error, ErrorKind, Result};

/// What a scripted answer consists of.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FaultResponse {
    /// The status code.
    pub status: u16,
    /// Headers beside `Content-Length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl FaultResponse {
    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type".into(), "application/json".into())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    /// A page, as a captive portal or a proxy would show it.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let headers = vec![("Content-Type".into(), "text/html".into())];
        Self { status, headers, body: b"<!doctype html><title>Welcome</title><p>Please sign in.".to_vec() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The bytes that go over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Scripted\r\nContent-Length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// What the server does with one request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Fault {
    /// Answers and keeps the connection open.
    Answer(FaultResponse),
    /// Answers and closes the connection.
    AnswerAndClose(FaultResponse),
    /// Reads the whole request, then resets the connection without a byte of an answer.
    ResetBeforeAnswer,
    /// Sends this many bytes of the answer, then resets.
    ResetAfter(FaultResponse, usize),
    /// Sends this many bytes of the answer, then closes in good order.
    CloseAfter(FaultResponse, usize),
    /// Reads this many bytes of the request, then resets.
    ResetWithinRequest(usize),
    /// Reads the whole request and never answers.
    Hang,
    /// Answers one byte at a time, with this pause after each.
    Drip(FaultResponse, Duration),
}

/// What the server got for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// Which connection it came over, counted from 0.
    pub connection: usize,
    /// All bytes that were read.
    pub bytes: Vec<u8>,
    /// Whether the request was read to its end, so that a server could have acted on it.
    pub complete: bool,
}

impl ReceivedRequest {
    /// A header's value, if the head has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        let head = text.split("\r\n\r\n").next()?;
        head.split("\r\n").skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    /// Method and path.
    #[must_use]
    pub fn target(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.split(" HTTP/").next().unwrap_or_default().to_owned()
    }

    /// The body, if the head came to its end.
    #[must_use]
    pub fn body(&self) -> Option<&[u8]> {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        self.bytes.get(end + 4..)
    }
}

#[derive(Debug)]
pub(super) struct Shared {
    script: Mutex<VecDeque<Fault>>,
    received: watch::Sender<Vec<ReceivedRequest>>,
}

impl Shared {
    pub(super) fn next_fault(&self) -> Fault {
        let ended = || Fault::AnswerAndClose(FaultResponse::html(500));
        self.script.lock().unwrap_or_else(PoisonError::into_inner).pop_front().unwrap_or_else(ended)
    }

    pub(super) fn record(&self, request: ReceivedRequest) {
        self.received.send_modify(|received| received.push(request));
    }
}

/// A server on a port of its own on 127.0.0.1 that plays faults in order, one per request; past the script's end it answers 500.
/// It stops when it is dropped.
///
/// ```
/// use everreach_core::testing::{Fault, FaultResponse, FaultServer};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let server = FaultServer::start([Fault::Answer(FaultResponse::json(200, &serde_json::json!({"status": "ok"})))]).await?;
/// let client = everreach_core::http::client(&Default::default())?;
/// let answer = everreach_core::failover::probe(&client, server.url(), std::time::Duration::from_secs(5)).await?;
/// assert_eq!(answer.fields["status"], "ok");
/// assert_eq!(server.complete_requests(), 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct FaultServer {
    url: Url,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl FaultServer {
    /// Starts a server with this script.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(script: impl IntoIterator<Item = Fault>) -> Result<Self> {
        let (listener, url) = listen().await?;
        let script = Mutex::new(script.into_iter().collect());
        let shared = Arc::new(Shared { script, received: watch::Sender::default() });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { url, shared, accepting })
    }

    /// An address at which connections are refused: a port that was free a moment ago.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn refusing_url() -> Result<Url> {
        Ok(listen().await?.1)
    }

    /// Where it listens.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Adds one more fault at the script's end.
    pub fn push(&self, fault: Fault) {
        self.shared.script.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// What it got so far. A request is here before its answer is sent, also one that was cut.
    #[must_use]
    pub fn received(&self) -> Vec<ReceivedRequest> {
        self.shared.received.borrow().clone()
    }

    /// Waits until it got this many requests, whole or cut.
    pub async fn wait_for_requests(&self, count: usize) -> Vec<ReceivedRequest> {
        let mut received = self.shared.received.subscribe();
        // The sender lives as long as `self`, so the wait ends only with what it waits for.
        let seen = received.wait_for(|requests| requests.len() >= count).await;
        seen.map(|requests| requests.clone()).unwrap_or_default()
    }

    /// How many requests were read to their end.
    #[must_use]
    pub fn complete_requests(&self) -> usize {
        self.shared.received.borrow().iter().filter(|request| request.complete).count()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn listen() -> Result<(TcpListener, Url)> {
    let failed = |source: std::io::Error| Error::new(ErrorKind::Internal, "no port on 127.0.0.1 can be had").with_source(source);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let url = Url::parse(&format!("http://127.0.0.1:{port}"));
    let url = url.map_err(|source| Error::new(ErrorKind::Internal, "the server's address is no URL").with_source(source))?;
    Ok((listener, url))
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // The set ends its connections when this task is aborted.
    let mut connections = JoinSet::new();
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(serve(stream, number, shared.clone()));
        number += 1;
        while connections.try_join_next().is_some() {}
    }
}
