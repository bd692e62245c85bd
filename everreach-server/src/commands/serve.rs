//! `serve`: the server.

use std::collections::HashSet;
use std::net::SocketAddr;

use clap::Args;
use everreach_core::Mode;
use everreach_core::failover::Duty;
use everreach_core::runtime::Runtime;
use serde_json::json;

use super::Context;
use crate::exit::{Failure, Outcome};
use crate::serving::Server;
use crate::settings::{Layers, Role, table};

/// How often the queue is looked at for rows that nobody announced.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(30);

/// Arguments of `serve`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct ServeArgs {
    /// Where actions run (EVERREACH_ENV)
    #[arg(long, value_name = "cloud|local|hybrid")]
    pub env: Option<Mode>,
    /// Where to listen (EVERREACH_LISTEN)
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// What this process is (EVERREACH_ROLE)
    #[arg(long, value_name = "terminal|cloud-terminal")]
    pub role: Option<Role>,
    /// Work through Safari's queue too, as `everreach safari daemon` does
    #[arg(long)]
    pub safari: bool,
}

impl ServeArgs {
    /// What the flags set.
    #[must_use]
    pub fn settings(&self, mut layers: Layers) -> Layers {
        if let Some(mode) = self.env {
            layers = layers.with_flag("--env", &table::ENV, mode.as_str());
        }
        if let Some(listen) = self.listen {
            layers = layers.with_flag("--listen", &table::LISTEN, listen.to_string());
        }
        if let Some(role) = self.role {
            layers = layers.with_flag("--role", &table::ROLE, role.as_str());
        }
        layers
    }
}

pub(super) async fn run(arguments: &ServeArgs, context: &Context) -> Outcome {
    let mut resolved = context.settings.resolve()?;
    resolved.runtime.failover.duty = Duty::TakePart;
    let mode = resolved.runtime.routing.mode;
    if arguments.safari && resolved.runtime.routing.is_cloud_terminal {
        return Err(Failure::usage("a cloud terminal does not work through Safari's queue: leave --safari out"));
    }
    let runtime = Runtime::builder(resolved.runtime).build().await?;
    let server = match Server::bind(&runtime, &resolved.server, None).await {
        Ok(server) => server,
        Err(error) => {
            runtime.shutdown(std::time::Duration::ZERO).await;
            return Err(error.into());
        }
    };
    let ready = json!({
        "url": format!("http://{}", server.address()),
        "env": mode,
        "role": resolved.server.role.as_str(),
        "version": env!("CARGO_PKG_VERSION"),
    });
    context.output.data(&ready, |ready| {
        let word = |name: &str| ready[name].as_str().unwrap_or_default();
        format!("EverReach {} listens on {} ({}, {})\n", word("version"), word("url"), word("env"), word("role"))
    })?;
    runtime.start_pulling();
    if arguments.safari {
        work_in_background(&runtime);
    }
    if resolved.server.fires_jobs {
        fire_in_background(&runtime);
    }
    server.run().await
}

/// Fires jobs until the server closes.
fn fire_in_background(runtime: &Runtime) {
    let runtime = runtime.clone();
    drop(tokio::spawn(async move {
        let schedule = runtime.schedule();
        tokio::join!(schedule.run(), tell_of_unknown_actions(&runtime));
    }));
}

/// What a job names and nobody here answers is told at the start, not at six in the morning.
async fn tell_of_unknown_actions(runtime: &Runtime) {
    let known: HashSet<_> = runtime.services().await.into_iter().map(|entry| entry.route.action.clone()).collect();
    for (job, action) in runtime.schedule().jobs().unknown_actions(|action| known.contains(action)) {
        tracing::warn!(%job, %action, "a job has a step that nobody here answers: it fails until somebody does");
    }
}

/// Works through Safari's queue until the server closes, which waits for what runs.
pub(super) fn work_in_background(runtime: &Runtime) {
    let safari = runtime.safari().clone();
    drop(tokio::spawn(async move { safari.run(LOOK_EVERY, None).await }));
}
