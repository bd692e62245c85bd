//! `failover`: who does the cloud's work, and a person's word about it. The answer is the running server's: only it knows.

use clap::Subcommand;
use serde_json::{Value, json};

use super::Context;
use super::health::own_address;
use crate::client::Api;
use crate::exit::Outcome;
use crate::output::{cell, fields};

/// What to do about the failover.
#[derive(Debug, Clone, Copy, Subcommand)]
#[non_exhaustive]
pub enum FailoverCommand {
    /// Show who does the work, and why
    Status,
    /// Do the cloud's work here: say so only when it is down for certain
    TakeOver,
    /// Hand the work back to the cloud
    StandDown,
}

pub(super) async fn run(command: FailoverCommand, context: &Context) -> Outcome {
    let url = match &context.global.server {
        Some(url) => url.clone(),
        None => own_address(context)?,
    };
    let api = Api::remote(url, &context.settings, context.global.key_file.as_deref())?;
    let answer = match command {
        FailoverCommand::Status => api.get("/api/failover").await?,
        FailoverCommand::TakeOver => api.post("/api/failover/take-over", &json!({})).await?,
        FailoverCommand::StandDown => api.post("/api/failover/stand-down", &json!({})).await?,
    };
    context.output.data(&answer.accepted()?, page)
}

fn page(state: &Value) -> String {
    let cloud = match (state["cloud_failed"] == true, state["offline_mode"] == true) {
        (true, _) => "failed",
        (false, true) => "offline",
        (false, false) => "reachable, as far as is known",
    };
    let mut lines = vec![
        ("place", cell(&state["place"])),
        ("leads", if state["leads"] == true { "yes".to_owned() } else { "no".to_owned() }),
        ("mode", format!("{} ({})", cell(&state["mode"]), cell(&state["mode_from"]))),
    ];
    if state["place"] == "local" {
        lines.extend([
            ("phase", format!("{} since {}", cell(&state["phase"]), cell(&state["since"]))),
            ("cloud", cloud.to_owned()),
            ("own network", cell(&state["own_network"])),
        ]);
    }
    if let Some(lease) = state["lease"].as_object() {
        let holder = match (&lease["is_held"], &lease["holder"]) {
            (Value::Bool(true), holder) if *holder == state["instance"] => "this process".to_owned(),
            (Value::Bool(true), holder) => cell(holder),
            _ => "nobody".to_owned(),
        };
        lines.push(("lease", format!("{holder}, epoch {}", cell(&lease["epoch"]))));
    }
    fields(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_who_leads_and_why() {
        let state = json!({
            "place": "local", "instance": "a", "leads": true, "epoch": 3, "mode": "shared", "mode_from": "found", "phase": "active",
            "since": "2026-11-20T12:00:00Z", "offline_mode": true, "cloud_failed": true, "own_network": "up",
            "lease": {"holder": "a", "epoch": 3, "is_held": true},
        });
        let page = page(&state);
        for line in ["leads        yes", "shared (found)", "active since", "failed", "this process, epoch 3"] {
            assert!(page.contains(line), "{line} is not in {page}");
        }
    }
}
