//! Safari's queue on the command line.

mod campaign;
mod changing;
mod enqueue;
mod looking;
mod running;

use everreach_core::Id;
use everreach_core::runtime::{Runtime, RuntimeConfig};
use everreach_core::safari::{DispatchOutcome, Service};
use everreach_core::store::StoreConfig;
use serde_json::Value;

use super::program::Place;
use crate::support::safari::tried;

const NOBODY: &str = "01990f6e-7f3a-7cc0-b2d4-5a1f0c9e8d7b";

/// A place where no service answers, whatever runs on this machine, and where no time of day is the wrong one.
fn place() -> Place {
    let place = Place::new().with("SAFARI_ACTIVE_HOURS", "0-24").with("SAFARI_MIN_DELAY_MS", "0");
    Service::ALL.iter().fold(place, |place, service| place.with(service.profile().url_setting, "http://127.0.0.1:9"))
}

/// Leaves a message that was tried once, with this outcome, in the database that the program opens here.
async fn leave(place: &Place, handle: &str, outcome: DispatchOutcome) -> Id {
    let mut config = RuntimeConfig::default();
    config.data_dir = place.path().join("data");
    std::fs::create_dir_all(&config.data_dir).expect("a folder");
    config.store = StoreConfig::new(format!("sqlite:{}", config.data_dir.join("everreach.db").display()));
    let runtime = Runtime::builder(config).build().await.expect("a runtime");
    let id = tried(runtime.safari().queue(), handle, outcome).await;
    runtime.shutdown(std::time::Duration::from_secs(20)).await;
    id
}

/// Writes a command and returns its id.
fn enqueue(place: &Place, arguments: &[&str]) -> String {
    let written = place.run(&[&["--json", "safari", "enqueue"], arguments].concat()).json(0);
    written["id"].as_str().expect("an id").to_owned()
}

/// The fields of an object, in order.
fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}
