//! One service as a process would be: it listens, it may die with its connections, and it may start again at its port.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, to_bytes};
use everreach_core::{Error, ErrorKind, Result};
use http::{HeaderValue, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::exchange::{Asked, Reply};
use super::line::{Line, Scissors};
use super::routes;
use super::station::Station;

const LARGEST_BODY: usize = 1 << 20;

/// One life of a service.
#[derive(Debug, Clone, Default)]
struct Life {
    /// No further connection is taken.
    stopping: CancellationToken,
    /// The port is free.
    stopped: CancellationToken,
    /// It is over: work ends, connections too.
    over: CancellationToken,
    /// It ended with a crash, so its connections are reset.
    crashed: Arc<AtomicBool>,
}

/// One service, alive or not.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) station: Arc<Station>,
    port: u16,
    life: Mutex<Life>,
}

impl Process {
    /// Takes the port, 0 for any, and starts to answer.
    pub(super) async fn launch(station: Arc<Station>, port: u16) -> Result<Self> {
        let listener = listen(&station, port).await?;
        let port = listener.local_addr().map_or(port, |address| address.port());
        let process = Self { station, port, life: Mutex::default() };
        process.begin(listener);
        Ok(process)
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    fn life(&self) -> Life {
        self.life.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(&self, listener: TcpListener) {
        let life = Life::default();
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life.clone();
        self.station.listens_on(self.port);
        self.station.memory().restart(self.station.service, self.station.now());
        tokio::spawn(accept(listener, Arc::clone(&self.station), life));
    }

    /// Ends it; its port is free afterwards. Nothing happens when it is over already.
    pub(super) async fn stop(&self) {
        let life = self.life();
        life.stopping.cancel();
        life.stopped.cancelled().await;
        life.over.cancel();
    }

    /// Starts it again when it is over.
    pub(super) async fn start(&self) -> Result<()> {
        if self.life().stopped.is_cancelled() {
            self.begin(listen(&self.station, self.port).await?);
        }
        Ok(())
    }

    pub(super) async fn restart(&self) -> Result<()> {
        self.stop().await;
        self.start().await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let life = self.life();
        life.stopping.cancel();
        life.over.cancel();
    }
}

async fn listen(station: &Station, port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|source| {
        let kind = if source.kind() == io::ErrorKind::AddrInUse { ErrorKind::Conflict } else { ErrorKind::Config };
        let profile = station.service.profile();
        Error::new(
            kind,
            format!(
                "{} cannot have port {port}: stop what listens there, or take others with --port-base N or --ephemeral",
                profile.name
            ),
        )
        .with_operation("demo safari-services")
        .with("address", address)
        .with("cause", &source)
        .with("setting", format!("{} tells everreach where the service is", profile.url_setting))
        .with_source(source)
    })
}

async fn accept(listener: TcpListener, station: Arc<Station>, life: Life) {
    loop {
        let stream = tokio::select! {
            biased;
            () = life.stopping.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match stream {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, Arc::clone(&station), life.clone()));
            }
            // One connection's trouble, or no descriptor left: the others go on.
            Err(error) => {
                tracing::debug!(%error, "a connection could not be taken");
                tokio::task::yield_now().await;
            }
        }
    }
    drop(listener);
    life.stopped.cancel();
}

async fn converse(stream: TcpStream, station: Arc<Station>, life: Life) {
    let _small_answers_are_only_later = stream.set_nodelay(true);
    let scissors = Scissors::default();
    let line = TokioIo::new(Line::new(stream, scissors.clone()));
    let is_last = Arc::new(AtomicBool::new(false));
    let service = service_fn(|request| reply(request, &station, &life, &scissors, &is_last));
    let mut connection = pin!(http1::Builder::new().serve_connection(line, service));
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        }
        () = life.over.cancelled() => {
            if life.crashed.load(Ordering::SeqCst) {
                scissors.cut();
            }
        }
    }
    if is_last.load(Ordering::SeqCst) {
        life.over.cancel();
    }
}

async fn reply(
    request: http::Request<Incoming>,
    station: &Arc<Station>,
    life: &Life,
    scissors: &Scissors,
    is_last: &AtomicBool,
) -> std::result::Result<Response<Body>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(Body::new(body), LARGEST_BODY).await.map_err(io::Error::other)?;
    let asked = Asked::new(parts.method, parts.uri.path(), parts.headers, &body);
    // A task of its own: the work goes on after the caller hangs up.
    let (work, over) = (routes::answer(Arc::clone(station), asked), life.over.clone());
    let task = tokio::spawn(async move {
        tokio::select! {
            reply = work => reply,
            () = over.cancelled() => Reply::Reset,
        }
    });
    let mut reply = task.await.map_err(io::Error::other)?;
    let mut is_closing = false;
    if let Reply::Last(last) = reply {
        life.stopping.cancel();
        life.stopped.cancelled().await;
        life.crashed.store(true, Ordering::SeqCst);
        is_last.store(true, Ordering::SeqCst);
        (reply, is_closing) = (*last, true);
    }
    let mut response = match reply {
        Reply::Json(status, body) => response(status, "application/json; charset=utf-8", body.to_string()),
        Reply::Page(status, page) => response(status, "text/html; charset=utf-8", page),
        Reply::Later(seconds, status, body) => {
            let mut response = response(status, "application/json; charset=utf-8", body.to_string());
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            response
        }
        Reply::Empty => return Err(io::ErrorKind::ConnectionAborted.into()),
        Reply::Silence => match std::future::pending::<Infallible>().await {},
        Reply::Reset | Reply::Last(_) => {
            scissors.cut();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    };
    if is_closing {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn response(status: u16, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
