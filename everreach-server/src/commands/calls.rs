//! `calls`: what became of journaled calls, and a person's word on those that are held.

use clap::{Args, Subcommand};
use everreach_core::ledger::{CallState, IdempotencyKey, Verdict};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::Context;
use crate::exit::Outcome;
use crate::output::{columns, pretty};

/// The verbs of `calls`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum CallsCommand {
    /// List the calls in one state, latest change first
    #[command(after_help = "Examples:\n  everreach calls list\n  everreach calls list --state running --limit 10")]
    List {
        /// Which: running, waiting, executed, not_executed, unknown (held) or
        /// queued
        #[arg(long, default_value = "unknown")]
        state: CallState,
        /// How many at most, up to 200
        #[arg(long, default_value = "50", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=200))]
        limit: u8,
    },
    /// Show one call, its answer and its tries
    #[command(after_help = "Examples:\n  everreach calls show order-4711\n  everreach calls show order-4711 --json")]
    Show {
        /// The idempotency key of the call
        key: IdempotencyKey,
    },
    /// Say whether a held call happened
    #[command(
        after_help = "Examples:\n  everreach calls resolve order-4711 --happened\n  everreach calls resolve order-4711 --did-not-happen"
    )]
    Resolve {
        /// The idempotency key that `calls list` shows
        key: IdempotencyKey,
        /// What became of it.
        #[command(flatten)]
        finding: Finding,
    },
}

/// What a person found out about a held call: one of the two.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
#[non_exhaustive]
pub struct Finding {
    /// It happened: repeats get the stored answer
    #[arg(long)]
    pub happened: bool,
    /// It did not: the same key may be used again
    #[arg(long)]
    pub did_not_happen: bool,
}

impl Finding {
    const fn verdict(&self) -> Verdict {
        if self.happened { Verdict::Happened } else { Verdict::DidNotHappen }
    }
}

pub(super) async fn run(command: &CallsCommand, context: &Context) -> Outcome {
    let api = context.api().await?;
    match command {
        CallsCommand::List { state, limit } => {
            let calls = api.get(&format!("/api/calls?state={state}&limit={limit}")).await?.accepted()?["calls"].take();
            let rows = calls.as_array().map(Vec::as_slice).unwrap_or_default();
            context.output.data(&calls, |_| {
                if rows.is_empty() {
                    String::new()
                } else {
                    columns(rows, &["idempotency_key", "action", "state", "created_at", "updated_at"])
                }
            })?;
            if rows.is_empty() {
                context.output.note(&format!("no call is {state}"));
            } else if *state == CallState::Unknown {
                context.output.note("held until a person says what became of them: `everreach calls resolve --help`");
            }
            Ok(())
        }
        CallsCommand::Show { key } => {
            let call = api.get(&path(key)).await?.accepted()?;
            context.output.data(&call, pretty)
        }
        CallsCommand::Resolve { key, finding } => {
            let verdict = finding.verdict();
            let call = api.post(&format!("{}/resolve", path(key)), &json!({ "verdict": verdict })).await?.accepted()?;
            context.output.data(&call, |_| match verdict {
                Verdict::Happened => format!("{key} happened: repeats get the stored answer\n"),
                _ => format!("{key} did not happen: the same key may be used again\n"),
            })
        }
    }
}

/// A key may hold characters that mean something in a path, such as `/` and `?`.
fn path(key: &IdempotencyKey) -> String {
    byte_serialize(key.as_str().as_bytes()).fold("/api/calls/".to_owned(), |path, part| path + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_one_part_of_the_path_whatever_it_is_made_of() {
        let of = |key: &str| path(&key.parse().expect("a key"));
        assert_eq!(of("order-1"), "/api/calls/order-1");
        assert_eq!(of("a/b?c#d%e+f"), "/api/calls/a%2Fb%3Fc%23d%25e%2Bf");
    }
}
