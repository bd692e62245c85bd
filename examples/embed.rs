//! The core in a program of your own: one handler of yours, one call through the router.
//! Run it with `cargo run --example embed`.

use everreach_core::prelude::*;
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = RuntimeConfig::default();
    config.store.url = "sqlite::memory:".to_owned();
    let runtime = Runtime::builder(config)
        .with_handlers(|registry| {
            registry.handler("feedback.analysis", "the mean of some figures", |params, _| async move {
                let figures: Vec<f64> = params["figures"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
                let (sum, count) = figures.iter().fold((0.0, 0.0), |(sum, count), figure| (sum + figure, count + 1.0));
                Ok(json!({"mean": sum / f64::max(count, 1.0)}))
            })
        })
        .build()
        .await?;

    let params: Params = [("figures".to_owned(), json!([3, 5, 10]))].into_iter().collect();
    let envelope = runtime.route(RouteRequest::new("feedback.analysis".parse()?, params)).await;
    assert_eq!(envelope.result, Some(json!({"mean": 6.0})));
    #[allow(clippy::print_stdout, reason = "an example shows something")]
    {
        println!("{}", serde_json::to_string_pretty(&envelope)?);
    }
    runtime.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
