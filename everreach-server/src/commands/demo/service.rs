//! The demo service as an executor, its route table and its sample calls.

use async_trait::async_trait;
use everreach_core::routing::{Call, Execution, Executor, Params, RouteRequest, ServiceListing};
use everreach_core::{ActionName, Error, ErrorKind, Outcome, Result};
use serde_json::{Value, json};

use super::text;

type Compute = fn(&str) -> Value;

const TOPICS: [(&str, &str, Compute); 3] = [
    ("demo.word_count", "words, characters and lines of params.text", text::word_count),
    ("demo.slug", "params.text as the end of a URL", text::slug),
    ("demo.statistics", "lengths, variety and frequent words of params.text", text::statistics),
];

/// Rows for the topics: they only compute, and cost nothing.
pub(in super::super) const ROUTE_TABLE: &str = include_str!("route_table.json");

/// Runs the demo topics.
#[derive(Debug)]
pub(in super::super) struct DemoService;

#[async_trait]
impl Executor for DemoService {
    async fn execute(&self, call: &Call) -> Execution {
        let Some((_, _, compute)) = TOPICS.iter().find(|(name, _, _)| *name == call.action.as_str()) else {
            let error = Error::new(
                ErrorKind::UnknownAction,
                "the demo knows only its own topics; `everreach dev` without --demo uses a worker",
            )
            .with("action", &call.action);
            return Execution::failed(Outcome::NotExecuted, error)
                .with_suggestions(TOPICS.iter().map(|(name, _, _)| (*name).to_owned()).collect());
        };
        match call.params.get("text").and_then(Value::as_str) {
            Some(text) => Execution::done(compute(text)),
            None => Execution::failed(
                Outcome::NotExecuted,
                Error::new(ErrorKind::InvalidParams, "params.text must be a text, such as {\"text\": \"hello\"}"),
            ),
        }
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        TOPICS.iter().map(|(name, description, _)| Ok(ServiceListing::new(name.parse()?, *description))).collect()
    }
}

/// Ten calls, one of them to a topic that does not exist.
pub(in super::super) fn sample_calls() -> Result<Vec<RouteRequest>> {
    const TEXTS: [&str; 3] = [
        "Ten small habits that keep a one-person business calm.",
        "What we learned from a thousand cold messages: fewer, better, slower.",
        "Tea or coffee? We asked our readers, and they asked back.",
    ];
    let mut calls = Vec::with_capacity(TEXTS.len() * TOPICS.len() + 1);
    for text in TEXTS {
        for (name, _, _) in TOPICS {
            calls.push(call(name.parse()?, json!({"text": text})));
        }
    }
    calls.push(call("demo.word_cuont".parse()?, json!({"text": "a typing error"})));
    Ok(calls)
}

fn call(action: ActionName, params: Value) -> RouteRequest {
    RouteRequest::new(action, if let Value::Object(params) = params { params } else { Params::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn run(action: &str, params: Value) -> Execution {
        let request = call(action.parse().expect("a name"), params);
        DemoService.execute(&Call::new(request.action, request.params)).await
    }

    #[tokio::test]
    async fn topics_compute_from_the_text_they_are_given() {
        let done = run("demo.word_count", json!({"text": "one two"})).await;
        assert_eq!(done.result.expect("figures")["words"], 2);
        let refused = run("demo.slug", json!({"text": 1})).await;
        assert_eq!(refused.result.expect_err("no text").kind(), ErrorKind::InvalidParams);
        let unknown = run("demo.nothing", json!({})).await;
        assert_eq!((unknown.outcome, unknown.suggestions.len()), (Outcome::NotExecuted, TOPICS.len()));
    }

    #[test]
    fn every_topic_has_a_row_and_there_are_ten_sample_calls() {
        let table: Value = serde_json::from_str(ROUTE_TABLE).expect("JSON");
        assert!(TOPICS.iter().all(|(name, _, _)| table["routes"][*name]["effect"] == "compute"));
        assert_eq!(sample_calls().expect("calls").len(), 10);
    }
}
