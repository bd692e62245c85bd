//! The listener: binding, limits on connections, and a shutdown that finishes what is in flight.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use everreach_core::{Error, ErrorKind, Result};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::auth::Access;
use crate::metrics;
use crate::state::AppState;

/// How long to wait before accepting again when the machine has no file descriptor left.
const BREATHER: Duration = Duration::from_millis(100);
const UPKEEP_PERIOD: Duration = Duration::from_secs(5);

/// How much a server takes on.
///
/// ```
/// use everreach_server::listen::Limits;
/// assert_eq!(Limits::default().grace.as_secs(), 10);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at once; further ones wait in the kernel.
    pub connections: NonZeroUsize,
    /// How long the head of a request may take to arrive; an idle connection is closed after this too.
    pub head_timeout: Duration,
    /// How long requests in flight may go on after the shutdown began.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let connections = NonZeroUsize::new(1_024).unwrap_or(NonZeroUsize::MIN);
        Self { connections, head_timeout: Duration::from_secs(30), grace: Duration::from_secs(10) }
    }
}

/// Binds the address. Port 0 takes any free one; ask the listener which.
///
/// # Errors
/// [`ErrorKind::Config`] for an address that other machines reach while no key exists, or that this process may not bind;
/// [`ErrorKind::Conflict`] when another program has the port.
pub async fn bind(address: SocketAddr, access: &Access) -> Result<TcpListener> {
    if !address.ip().is_loopback() && !access.has_key() {
        return Err(Error::new(
            ErrorKind::Config,
            "an address that other machines reach needs a key: run `everreach keys create`, set EVERREACH_ADMIN_KEY, or listen on 127.0.0.1",
        )
        .with_operation("listen")
        .with("address", address));
    }
    TcpListener::bind(address).await.map_err(|source| {
        let (kind, fix) = match source.kind() {
            std::io::ErrorKind::AddrInUse => (
                ErrorKind::Conflict,
                "another program has the port: stop it, or choose another one with `--port N` (0 for any free one) or EVERREACH_LISTEN",
            ),
            std::io::ErrorKind::PermissionDenied => (ErrorKind::Config, "this user may not listen there: choose a port above 1023"),
            _ => (ErrorKind::Config, "the address cannot be listened on: EVERREACH_LISTEN is an address of this machine and a port"),
        };
        Error::new(kind, fix).with_operation("listen").with("address", address).with_source(source)
    })
}

/// Serves `router` until `until` is over, then stops accepting, lets what is in flight finish and shuts the runtime down.
///
/// A client that goes away does not cancel a journaled call: the runtime runs those in tasks of their own.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    state: &AppState,
    limits: Limits,
    until: impl Future<Output = ()> + Send,
) {
    let closing = state.closing().clone();
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(&listener, &router, &limits, &closing, &mut connections) => {}
        () = keep_metrics() => {}
        () = until => {}
        () = closing.cancelled() => {}
    }
    closing.cancel();
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, finish).await.is_err() {
        tracing::warn!(open = connections.len(), "connections cut: their requests took longer than the grace period");
        connections.shutdown().await;
    }
    state.runtime().shutdown(limits.grace).await;
}

async fn accept(
    listener: &TcpListener,
    router: &Router,
    limits: &Limits,
    closing: &CancellationToken,
    connections: &mut JoinSet<()>,
) {
    let room = Arc::new(Semaphore::new(limits.connections.get()));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
    // The semaphore is never closed, so the loop has no end of its own.
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        let stream = loop {
            match listener.accept().await {
                Ok((stream, _)) => break stream,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, "connections cannot be accepted; trying again");
                    tokio::time::sleep(BREATHER).await;
                }
            }
        };
        while connections.try_join_next().is_some() {}
        let connection = converse(builder.clone(), stream, router.clone(), closing.clone());
        connections.spawn(async move {
            connection.await;
            drop(permit);
        });
    }
}

fn is_of_one_connection(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset)
}

async fn converse(builder: http1::Builder, stream: TcpStream, router: Router, closing: CancellationToken) {
    let _without_it_small_answers_are_only_later = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| router.clone().oneshot(request.map(axum::body::Body::new)));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn keep_metrics() {
    loop {
        tokio::time::sleep(UPKEEP_PERIOD).await;
        metrics::upkeep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::tests::no_keys;

    #[tokio::test]
    async fn an_address_beyond_loopback_is_refused_without_a_key_and_the_refusal_says_how() {
        let address = "0.0.0.0:0".parse().expect("an address");
        let error = bind(address, &Access::network(no_keys().await)).await.expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("everreach keys create"), "{error}");
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_to_choose_another() {
        let access = Access::loopback(no_keys().await);
        let first = bind("127.0.0.1:0".parse().expect("an address"), &access).await.expect("a free port");
        let address = first.local_addr().expect("it is bound");
        let error = bind(address, &access).await.expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains(&address.to_string()) && error.to_string().contains("--port"), "{error}");
    }
}
