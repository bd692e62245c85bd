//! `route`: one action, decided, budgeted, run and answered.

use std::time::Duration;

use clap::Args;
use everreach_core::{ActionName, ErrorKind, Side};
use serde_json::{Map, Value, json};

use super::{Context, input};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{cell, fields, pretty};

/// Arguments of `route`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct RouteArgs {
    /// The action, such as dm.stats
    pub action: ActionName,
    /// Its parameters: a JSON object, @FILE, or - for stdin
    #[arg(long, value_name = "JSON|@FILE|-")]
    pub params: Option<String>,
    /// Run it there; changes neither the caps nor the stop switch
    #[arg(long, value_name = "local|cloud")]
    pub force_env: Option<Side>,
    /// Print where it would run and why, without running it
    #[arg(long)]
    pub explain: bool,
    /// The same as --explain: print what a call would do, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it at most once under this key
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// Give up after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "a number of seconds such as 30 or 0.5".to_owned())?;
    let duration = Duration::try_from_secs_f64(number).map_err(|_| "a number of seconds above zero".to_owned())?;
    if duration.is_zero() { Err("a number of seconds above zero".to_owned()) } else { Ok(duration) }
}

impl RouteArgs {
    fn body(&self) -> Outcome<Value> {
        let params = self.params.as_deref().map(input::params).transpose()?;
        let mut body =
            Map::from_iter([("action".to_owned(), json!(self.action)), ("params".to_owned(), json!(params.unwrap_or_default()))]);
        if let Some(side) = self.force_env {
            body.insert("force_env".to_owned(), json!(side));
        }
        if let Some(key) = &self.idempotency_key {
            body.insert("idempotency_key".to_owned(), json!(key));
        }
        if let Some(timeout) = self.timeout {
            body.insert("timeout_ms".to_owned(), json!(u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)));
        }
        Ok(Value::Object(body))
    }
}

pub(super) async fn run(arguments: &RouteArgs, context: &Context) -> Outcome {
    let body = arguments.body()?;
    let api = context.api().await?;
    if arguments.explain || arguments.dry_run {
        let explanation = api.post("/api/explain", &body).await?.accepted()?;
        return context.output.data(&explanation, explained);
    }
    let envelope = api.post("/dispatch", &body).await?.accepted()?;
    context.output.data(&envelope, pretty)?;
    finish(&envelope, context)
}

/// The exit code of an envelope. Its sentence is repeated on stderr for people; programs have it on stdout already.
pub(super) fn finish(envelope: &Value, context: &Context) -> Outcome {
    if envelope["ok"] == true || envelope["outcome"] == "queued" {
        return Ok(());
    }
    let word = |name: &str| envelope[name].as_str().unwrap_or_default();
    context.output.complaint(&format!("{}: {} ({})", word("action"), word("detail"), word("error")));
    let kind = envelope["error"].as_str().and_then(ErrorKind::from_code);
    Err(Failure::Quiet(kind.map_or(Exit::Failed, Exit::of)))
}

/// An explanation for people.
fn explained(explanation: &Value) -> String {
    let decision = &explanation["decision"];
    let mut text = fields(&[
        ("action", cell(&explanation["action"])),
        ("runs", decision["env"].as_str().unwrap_or("nowhere").to_owned()),
        ("because", cell(&decision["reason"])),
        ("effect", cell(&explanation["effect"])),
        ("class", cell(&explanation["class"])),
        ("cost", format!("${}", cell(&explanation["cost_usd"]))),
    ]);
    let rules = decision["rules"].as_array().map(Vec::as_slice).unwrap_or_default();
    text.push_str(&format!("\n{}", crate::output::columns(rules, &["rule", "verdict", "detail"])));
    text.push_str(&format!("\n{}\n", explanation["would"].as_str().unwrap_or_default()));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explanation_names_the_side_the_reason_and_every_rule() {
        let text = explained(&json!({
            "action": "dm.stats", "effect": "read", "class": "api", "cost_usd": 0.002, "would": "run in the cloud",
            "decision": {"env": "cloud", "reason": "table", "rules": [{"rule": "stop", "verdict": "pass", "detail": "not set"}]},
        }));
        for part in ["runs     cloud", "because  table", "cost     $0.002", "stop  pass     not set", "run in the cloud\n"] {
            assert!(text.contains(part), "{part:?} in {text}");
        }
    }

    #[test]
    fn only_seconds_above_zero_are_a_timeout() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "soon", "NaN", "inf"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
