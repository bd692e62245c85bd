//! From settings to a server: who may come in, which names are answered, where it listens.

use std::net::SocketAddr;

use axum::Router;
use everreach_core::runtime::Runtime;
use everreach_core::{Error, ErrorKind, Result};
use rand::RngExt as _;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::app::app;
use crate::auth::Access;
use crate::exit::{Exit, Failure, Outcome};
use crate::host::AllowedHosts;
use crate::listen;
use crate::settings::{Role, ServerSettings};
use crate::state::AppState;

/// Bytes of randomness in a key that lives for one run.
const KEY_BYTES: usize = 24;

/// A server that listens already and answers once it is run.
#[derive(Debug)]
pub(crate) struct Server {
    listener: TcpListener,
    state: AppState,
    address: SocketAddr,
    signals: Signals,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When it is taken, or lies beyond loopback while there is no key.
    pub(crate) async fn bind(runtime: &Runtime, settings: &ServerSettings, one_run: Option<&SecretString>) -> Result<Self> {
        let access = access(runtime, settings, one_run);
        let listener = listen::bind(settings.listen, &access).await.map_err(|error| match settings.role {
            Role::CloudTerminal if !access.has_key() => error.with("on the cloud terminal", "EVERREACH_CLOUD_KEY serves too"),
            _ => error,
        })?;
        let address = listener
            .local_addr()
            .map_err(|source| Error::new(ErrorKind::Internal, "the listener has no address").with_source(source))?;
        let hosts = AllowedHosts::new(address, &settings.allowed_hosts)?;
        let signals = Signals::listen()?;
        let state = AppState::new(runtime.clone(), access, hosts).with_replicas(settings.replicas);
        Ok(Self { listener, state, address, signals })
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until a signal comes, then lets what is under way finish; a second signal ends that too.
    pub(crate) async fn run(mut self) -> Outcome {
        let closing = CancellationToken::new();
        let router = app(self.state.clone());
        let (safari, schedule) = (self.state.runtime().safari().clone(), self.state.runtime().schedule().clone());
        // Requests are still answered while a message that has left is waited for.
        let until = async {
            closing.cancelled().await;
            safari.finish().await;
        };
        let served = listen::serve(self.listener, router, &self.state, listen::Limits::default(), until);
        tokio::pin!(served);
        tokio::select! {
            () = &mut served => return Ok(()),
            () = self.signals.next() => {}
        }
        tracing::info!("closing: calls under way finish first; a second signal ends at once");
        closing.cancel();
        schedule.close();
        tokio::select! {
            () = served => Ok(()),
            () = self.signals.next() => Err(Failure::Quiet(Exit::Interrupted)),
        }
    }
}

/// The routes of a runtime for callers in this process.
pub(crate) fn router(runtime: &Runtime, settings: &ServerSettings, one_run: Option<&SecretString>) -> Result<Router> {
    let hosts = AllowedHosts::new(settings.listen, &settings.allowed_hosts)?;
    Ok(app(AppState::new(runtime.clone(), access(runtime, settings, one_run), hosts)))
}

/// A key for one run of the program.
pub(crate) fn fresh_key() -> SecretString {
    let bytes: [u8; KEY_BYTES] = rand::rng().random();
    SecretString::from(format!("er_run_{}", hex::encode(bytes)))
}

fn access(runtime: &Runtime, settings: &ServerSettings, one_run: Option<&SecretString>) -> Access {
    let ring = runtime.key_ring().clone();
    let access = if settings.is_loopback_only() { Access::loopback(ring) } else { Access::network(ring) };
    let access = settings.admin_key.iter().chain(&settings.cloud_key).fold(access, Access::with_key);
    let access = settings.worker_secret.iter().fold(access, Access::with_worker_secret);
    one_run.into_iter().fold(access, Access::with_one_run_key)
}

/// Ctrl-C and requests to end, listened for before anybody hears that the server is ready.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self> {
        let on = |kind| {
            signal(kind).map_err(|source| Error::new(ErrorKind::Internal, "signals cannot be listened for").with_source(source))
        };
        Ok(Self { interrupt: on(SignalKind::interrupt())?, terminate: on(SignalKind::terminate())? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
