//! `dev`: everything in one process, on loopback, for development.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tempfile::TempDir;

use super::demo::{ROUTE_TABLE, add_topics, sample_calls};
use super::{Context, serve};
use crate::exit::Outcome;
use crate::output::fields;
use crate::serving::{self, Server};
use crate::settings::{Layers, Resolved, ServerSettings, table};

/// How many ports are tried, from the wanted one on.
const PORTS_TRIED: u16 = 20;

/// How many sample calls run at the same time.
const SAMPLES_AT_ONCE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);

/// Arguments of `dev`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct DevArgs {
    /// Add a small service that computes real answers, and route ten calls
    #[arg(long)]
    pub demo: bool,
    /// Listen on this port, or the next free one; 0 for any
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Keep nothing: the data directory is removed at the end
    #[arg(long)]
    pub ephemeral: bool,
    /// Work through Safari's queue too, as `everreach safari daemon` does
    #[arg(long)]
    pub safari: bool,
}

impl DevArgs {
    /// What the flags set.
    #[must_use]
    pub fn settings(&self, layers: Layers) -> Layers {
        match self.port {
            Some(port) => layers.with_flag("--port", &table::LISTEN, SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string()),
            None => layers,
        }
    }
}

pub(super) async fn run(arguments: &DevArgs, context: &Context) -> Outcome {
    let mut resolved = context.settings.resolve()?;
    // Held until the end: dropping it removes the folder.
    let _folder = if arguments.ephemeral { Some(move_to_temporary(&mut resolved.runtime)?) } else { None };
    if !resolved.server.is_loopback_only() {
        resolved.server.listen.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let mut builder = Runtime::builder(prepare_demo(arguments, &resolved)?);
    if arguments.demo {
        builder = builder.with_handlers(add_topics);
    }
    let runtime = builder.build().await?;
    runtime.start_pulling();
    let key = serving::fresh_key();
    let server = match bind_near(&runtime, &resolved.server, &key, context).await {
        Ok(server) => server,
        Err(error) => {
            runtime.shutdown(std::time::Duration::ZERO).await;
            return Err(error.into());
        }
    };
    announce(arguments, &server, &resolved.runtime, &key, context)?;
    if arguments.safari {
        serve::work_in_background(&runtime);
    }
    if arguments.demo {
        let calls = sample_calls()?;
        // A task of its own: the ready line does not wait for it.
        let _samples = tokio::spawn(async move { runtime.batch(calls, SAMPLES_AT_ONCE, Arc::new(|_| {})).await });
    }
    server.run().await
}

/// A folder of its own for the data and the database.
fn move_to_temporary(config: &mut RuntimeConfig) -> Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("everreach-").tempdir().map_err(|source| {
        Error::new(ErrorKind::Config, "no temporary folder can be made; leave --ephemeral out").with_source(source)
    })?;
    config.data_dir = folder.path().to_owned();
    config.store.url = format!("sqlite://{}", folder.path().join("everreach.db").display());
    Ok(folder)
}

/// Puts the demo's rows beside the data, unless the operator has a table of their own.
fn prepare_demo(arguments: &DevArgs, resolved: &Resolved) -> Result<RuntimeConfig> {
    let mut config = resolved.runtime.clone();
    if arguments.demo && config.routing.table.is_none() {
        let path = config.data_dir.join("demo_route_table.json");
        write(&config.data_dir, &path).map_err(|source| {
            Error::new(ErrorKind::Config, "the data directory cannot be written; set EVERREACH_DATA_DIR to one that can")
                .with("file", path.display())
                .with("cause", &source)
                .with_source(source)
        })?;
        config.routing.table = Some(path);
    }
    Ok(config)
}

fn write(folder: &Path, path: &PathBuf) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(path, ROUTE_TABLE)
}

/// Takes the wanted port or, when it is taken, the next free one.
async fn bind_near(runtime: &Runtime, settings: &ServerSettings, key: &SecretString, context: &Context) -> Result<Server> {
    let wanted = settings.listen.port();
    let mut settings = settings.clone();
    loop {
        match Server::bind(runtime, &settings, Some(key)).await {
            Ok(server) => {
                let taken = server.address().port();
                if wanted != 0 && taken != wanted {
                    context.output.note(&format!("port {wanted} is taken; using {taken}"));
                }
                return Ok(server);
            }
            Err(error) if is_taken(&error) && wanted != 0 && settings.listen.port() < wanted.saturating_add(PORTS_TRIED) => {
                settings.listen.set_port(settings.listen.port().saturating_add(1));
            }
            Err(error) => return Err(error),
        }
    }
}

fn is_taken(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| source.kind() == std::io::ErrorKind::AddrInUse)
}

fn announce(arguments: &DevArgs, server: &Server, config: &RuntimeConfig, key: &SecretString, context: &Context) -> Outcome {
    let url = format!("http://{}", server.address());
    let data = std::path::absolute(&config.data_dir).unwrap_or_else(|_| config.data_dir.clone()).display().to_string();
    let ready = json!({
        "url": url,
        "data": data,
        "version": env!("CARGO_PKG_VERSION"),
        "key": key.expose_secret(),
        "mode": "development mode: loopback only",
    });
    let action = if arguments.demo { "demo.statistics --params '{\"text\": \"Tea is good.\"}'" } else { "system.heartbeat" };
    context.output.data(&ready, |_| {
        let lines = fields(&[
            ("url", url.clone()),
            ("data", data.clone()),
            ("key", format!("{}  (this run only)", key.expose_secret())),
            ("next", format!("everreach --server {url} route {action}")),
        ]);
        format!("EverReach {} is ready. development mode: loopback only\n{lines}", env!("CARGO_PKG_VERSION"))
    })
}
