//! The demo's topics, their route table and the sample calls.

use everreach_core::routing::{LocalExecutorBuilder, Params, RouteRequest};
use everreach_core::{ActionName, Error, ErrorKind, Result};
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

/// Adds the demo topics to this process.
pub(in super::super) fn add_topics(registry: LocalExecutorBuilder) -> LocalExecutorBuilder {
    TOPICS.iter().fold(registry, |registry, (name, description, compute)| {
        registry.handler(name, description, move |params, _| async move { run(*compute, &params) })
    })
}

fn run(compute: Compute, params: &Params) -> Result<Value> {
    match params.get("text").and_then(Value::as_str) {
        Some(text) => Ok(compute(text)),
        None => Err(Error::new(ErrorKind::InvalidParams, "params.text must be a text, such as {\"text\": \"hello\"}")),
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
    use everreach_core::routing::{Call, Execution, Executor as _, LocalExecutor};

    use super::*;

    async fn run_topic(action: &str, params: Value) -> Execution {
        let request = call(action.parse().expect("a name"), params);
        let registry = add_topics(LocalExecutor::builder()).build().expect("names that are free");
        registry.execute(&Call::new(request.action, request.params)).await
    }

    #[tokio::test]
    async fn topics_compute_from_the_text_they_are_given() {
        let done = run_topic("demo.word_count", json!({"text": "one two"})).await;
        assert_eq!(done.result.expect("figures")["words"], 2);
        let refused = run_topic("demo.slug", json!({"text": 1})).await;
        assert_eq!(refused.result.expect_err("no text").kind(), ErrorKind::InvalidParams);
    }

    #[test]
    fn every_topic_has_a_row_and_there_are_ten_sample_calls() {
        let table: Value = serde_json::from_str(ROUTE_TABLE).expect("JSON");
        assert!(TOPICS.iter().all(|(name, _, _)| table["routes"][*name]["effect"] == "compute"));
        assert_eq!(sample_calls().expect("calls").len(), 10);
    }
}
