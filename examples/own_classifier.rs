//! A classifier of your own: it decides which side runs what the route table leaves open.
//! Run it with `cargo run --example own_classifier`.

use std::sync::Arc;

use everreach_core::prelude::*;
use everreach_core::routing::{ActionClass, Classification};
use everreach_core::testing::{ScriptedExecutor, classifier};
use everreach_core::{Mode, Side};

/// Whatever has to do with video needs this machine's graphics card; everything else is a call to somebody.
struct ByTopic;

impl Classifier for ByTopic {
    fn classify(&self, action: &ActionName) -> Classification {
        if action.topic().contains("video") {
            Classification::new(ActionClass::Compute, "video needs the graphics card")
        } else {
            Classification::new(ActionClass::Api, "everything else calls somebody")
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    classifier::check(&ByTopic)?;

    // The table says what the actions do and cost, and leaves open where they run.
    let folder = tempfile::tempdir()?;
    let table = folder.path().join("route_table.json");
    let row = r#"{"preferred_env": "auto", "class": "api", "effect": "read", "essential": false, "cost_usd": 0}"#;
    std::fs::write(&table, format!(r#"{{"studio.cut_video": {row}, "studio.publish_notes": {row}}}"#))?;
    let mut config = RuntimeConfig::default();
    config.data_dir = folder.path().to_path_buf();
    config.store.url = "sqlite::memory:".to_owned();
    config.routing.mode = Mode::Hybrid;
    config.routing.table = Some(table);

    let (here, there) = (ScriptedExecutor::new([Execution::done("here".into())]), ScriptedExecutor::new([]));
    there.push(Execution::done("there".into()));
    let runtime = Runtime::builder(config)
        .with_executor(Arc::new(here))
        .with_cloud(Arc::new(there))
        .with_classifier(Arc::new(ByTopic))
        .build()
        .await?;

    for (action, side, answer) in [("studio.cut_video", Side::Local, "here"), ("studio.publish_notes", Side::Cloud, "there")] {
        let request = RouteRequest::new(action.parse()?, Params::new());
        let explained = runtime.explain(&request).await?;
        assert_eq!(explained.decision.env, Some(side), "{explained:?}");
        let envelope = runtime.route(request).await;
        assert_eq!(envelope.result, Some(answer.into()), "{envelope:?}");
        #[allow(clippy::print_stdout, reason = "an example shows something")]
        {
            println!("{action} runs {side} because of its {}", explained.decision.reason.as_str());
        }
    }
    runtime.shutdown(std::time::Duration::from_secs(5)).await;
    Ok(())
}
