//! `safari run-once` and `safari daemon`: working through the queue.

use std::time::Duration;

use clap::Args;
use everreach_core::runtime::Runtime;
use everreach_core::sync::state::Exchange;
use serde_json::{Value, json};

use crate::commands::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::serving::Signals;

const CLOSING: &str = "closing: what runs is finished first; a second signal ends at once";

/// Arguments of `safari run-once`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct RunOnceArgs {
    /// So many commands at most; all when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: Option<u32>,
}

/// Arguments of `safari daemon`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct DaemonArgs {
    /// How often to look for rows that nobody announced, in seconds
    #[arg(long, default_value = "30", value_name = "S", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub interval: u32,
    /// So many commands at most in each interval, one after the other; as many
    /// as may go when left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub max: Option<u32>,
}

pub(super) async fn once(arguments: &RunOnceArgs, context: &Context) -> Outcome {
    let mut signals = Signals::listen()?;
    let body = arguments.max.map_or_else(|| json!({}), |max| json!({ "max": max }));
    let api = context.api().await?;
    let mut asked = std::pin::pin!(api.post("/api/safari/run-once", &body));
    let answer = tokio::select! {
        answer = &mut asked => answer,
        () = signals.next() => {
            // A server goes on by itself; here, a message that has left is waited for.
            if context.global.server.is_some() {
                return Err(Failure::Quiet(Exit::Interrupted));
            }
            context.output.note(CLOSING);
            tokio::select! {
                (answer, ()) = async { tokio::join!(asked, api.finish_safari()) } => answer,
                () = signals.next() => return Err(Failure::Quiet(Exit::Interrupted)),
            }
        }
    };
    context.output.data(&answer?.accepted()?, summary)
}

pub(super) async fn daemon(arguments: &DaemonArgs, context: &Context) -> Outcome {
    if context.global.server.is_some() {
        let message = "the daemon works on the database of this machine: leave --server out, or start the server with --safari";
        return Err(Failure::usage(message));
    }
    let mut signals = Signals::listen()?;
    let mut config = context.settings.resolve()?.runtime;
    // Its task is the queue: the server beside it keeps the two sides in step.
    config.state.exchange = Exchange::OnRequest;
    let runtime = Runtime::builder(config).build().await?;
    let (interval, max) = (Duration::from_secs(arguments.interval.into()), arguments.max);
    let ready = json!({ "state": "running", "interval_s": arguments.interval, "max": max });
    let ended = async {
        context.output.data(&ready, |ready| format!("working through the queue, looking every {} s\n", ready["interval_s"]))?;
        run(&runtime, interval, max, &mut signals, context).await
    };
    let ended = ended.await;
    runtime.shutdown(Duration::from_secs(1)).await;
    context.output.data(&ended?, summary)
}

async fn run(
    runtime: &Runtime,
    interval: Duration,
    max: Option<u32>,
    signals: &mut Signals,
    context: &Context,
) -> Outcome<Value> {
    let safari = runtime.safari();
    safari.check_may_run()?;
    let mut run = std::pin::pin!(safari.run(interval, max));
    tokio::select! {
        summary = &mut run => return Ok(json!(summary)),
        () = signals.next() => context.output.note(CLOSING),
    }
    tokio::select! {
        (summary, ()) = async { tokio::join!(run, safari.finish()) } => Ok(json!(summary)),
        () = signals.next() => Err(Failure::Quiet(Exit::Interrupted)),
    }
}

fn summary(summary: &Value) -> String {
    let parts = ["completed", "failed", "unknown", "rescheduled"].map(|name| format!("{} {name}", summary[name]));
    format!("executed {}: {}\n", summary["executed"], parts.join(", "))
}
