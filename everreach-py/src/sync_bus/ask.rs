//! What can be asked of a bus, by name.

use std::time::Duration;

use everreach_core::routing::Params;
use everreach_core::runtime::Runtime;
use everreach_core::sync::bus::{Delivery, Failure, Subscription};
use everreach_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::unwritten;

/// One question or order, as its arguments came.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Ask {
    Receive { topic: String, name: String, max: i64, timeout: f64 },
    Ack { delivery: Delivery },
    Fail { delivery: Delivery, error: String },
    Parked { limit: i64 },
    Replay { name: String, id: String },
    Unsubscribe { topic: String, name: String },
    Status {},
}

impl Ask {
    /// What is asked by this name with these arguments.
    pub(super) fn read(what: &str, arguments: Params) -> Result<Self> {
        serde_json::from_value(json!({ what: arguments }))
            .map_err(|wrong| Error::new(ErrorKind::InvalidInput, format!("an argument has the wrong type: {wrong}")))
    }

    pub(super) async fn answer(self, runtime: Runtime) -> Result<Value> {
        let bus = runtime.bus();
        match self {
            Self::Receive { topic, name, max, timeout } => {
                let (max, wait) = (at_most("max", max)?, seconds(timeout)?);
                written(&bus.receive(&Subscription::new(name, topic), max, wait).await?)
            }
            Self::Ack { delivery } => bus.ack(&delivery).await.map(|()| Value::Null),
            Self::Fail { delivery, error } => match bus.fail(&delivery, &error).await? {
                Failure::RetryAt(at) => written(&at),
                _ => Ok(Value::Null),
            },
            Self::Parked { limit } => written(&bus.parked(at_most("limit", limit)?).await?),
            Self::Replay { name, id } => Ok(bus.replay(&name, &id).await?.into()),
            Self::Unsubscribe { topic, name } => Ok(bus.unsubscribe(&name, &topic).await?.into()),
            Self::Status {} => written(&bus.status().await?),
        }
    }
}

fn written(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value).map_err(unwritten)
}

fn at_most(field: &'static str, count: i64) -> Result<u32> {
    u32::try_from(count).ok().filter(|count| *count > 0).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "a number of at least 1 is wanted").with("field", field).with("seen", count)
    })
}

fn seconds(timeout: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(timeout).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "a time limit is a number of seconds, zero or more")
            .with("field", "timeout")
            .with("seen", timeout)
    })
}
