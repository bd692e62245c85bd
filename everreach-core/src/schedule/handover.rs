//! What the schedule does when the other side takes the jobs back.

use async_trait::async_trait;
use serde_json::{Map, Value, json};

use super::Schedule;
use crate::failover::Handover;

#[async_trait]
impl Handover for Schedule {
    async fn drained(&self) {
        self.finish().await;
    }

    /// The last slot of each job.
    async fn note(&self) -> Option<Value> {
        let jobs = match self.overview().await {
            Ok(jobs) => jobs,
            Err(error) => {
                tracing::warn!(%error, "the last slots cannot be read: they are handed over without a note");
                return None;
            }
        };
        let slot = |job: &super::JobOverview| job.last.as_ref().and_then(|last| last.slot);
        let slots: Map<_, _> = jobs.iter().filter_map(|job| Some((job.job.name.to_string(), json!(slot(job)?)))).collect();
        Some(Value::Object(slots))
    }
}
