//! `batch`: JSON lines in, JSON lines out, in order, a few at a time.

use std::num::NonZeroUsize;

use clap::Args;
use everreach_core::{ActionName, Error, ErrorKind, Outcome as CallOutcome, Result, Side};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Context, input};
use crate::client::Api;
use crate::exit::{Exit, Failure, Outcome};

/// Arguments of `batch`.
#[derive(Debug, Args)]
#[non_exhaustive]
pub struct BatchArgs {
    /// One JSON object a line, {"action": …, "params": …}; - for stdin
    pub file: String,
    /// How many run at the same time
    #[arg(long, value_name = "N", default_value = "3")]
    pub max_concurrent: NonZeroUsize,
}

/// One line of the input: what `/dispatch` takes.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    action: ActionName,
    #[serde(default)]
    params: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    force_env: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
}

pub(super) async fn run(arguments: &BatchArgs, context: &Context) -> Outcome {
    // Every line is read before the first action runs: half a batch because of a typing error helps nobody.
    let items = items(&arguments.file, &input::text_of(&arguments.file)?)?;
    let api = context.api().await?;
    let progress = progress(context, items.len());
    let mut failed = 0_usize;
    let count = items.len();
    let mut answers = stream::iter(items).map(|item| dispatch(api, item)).buffered(arguments.max_concurrent.get());
    while let Some(answer) = answers.try_next().await? {
        failed += usize::from(answer["ok"] != true);
        progress.suspend(|| context.output.line(&answer.to_string()))?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    if failed == 0 {
        return Ok(());
    }
    context.output.note(&format!("{failed} of {count} failed"));
    Err(Failure::Quiet(Exit::Failed))
}

/// One call. A refusal by the API takes the place of the envelope, so that the lines stay in step.
async fn dispatch(api: &Api, item: Item) -> Outcome<Value> {
    let answer = match api.post("/dispatch", &json!(item)).await {
        Ok(answer) => answer.accepted(),
        Err(error) => Err(error.into()),
    };
    match answer {
        Err(Failure::Quiet(exit)) => Err(Failure::Quiet(exit)),
        Ok(envelope) => Ok(envelope),
        Err(failure) => {
            let problem = failure.problem().unwrap_or_default();
            let is_known = matches!(&failure, Failure::Problem(_));
            let outcome = if is_known { CallOutcome::NotExecuted } else { CallOutcome::Unknown };
            Ok(json!({
                "ok": false, "action": item.action, "result": null, "error": problem["code"], "detail": problem["detail"],
                "outcome": outcome, "idempotency_key": item.idempotency_key,
            }))
        }
    }
}

fn items(file: &str, text: &str) -> Result<Vec<Item>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).map_err(|error| {
                let message =
                    "a line is not an action; nothing was run. Wanted: {\"action\": \"service.topic\", \"params\": {…}}";
                Error::new(ErrorKind::InvalidInput, message)
                    .with("at", format!("{}:{}:{}", if file == "-" { "stdin" } else { file }, index + 1, error.column()))
                    .with("cause", error)
            })
        })
        .collect()
}

fn progress(context: &Context, count: usize) -> ProgressBar {
    if !context.output.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_passed_over_and_a_bad_line_names_its_number() {
        let items_of = |text| items("actions.jsonl", text);
        assert_eq!(items_of("{\"action\": \"a.b\"}\n\n{\"action\": \"c.d\", \"params\": {}}\n").expect("two").len(), 2);
        for (text, at) in [
            ("{\"action\": \"a.b\"}\n\nnonsense\n", "actions.jsonl:3"),
            ("{\"action\": \"Not A Name\"}", "actions.jsonl:1"),
            ("{\"action\": \"a.b\", \"parms\": {}}", "parms"),
            ("{\"action\": \"a.b\", \"params\": [1]}", "actions.jsonl:1"),
        ] {
            let error = items_of(text).expect_err("a bad line").to_string();
            assert!(error.contains(at), "{at} in {error}");
        }
    }
}
