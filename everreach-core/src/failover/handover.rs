//! What runs under the leadership, as far as handing it over has to know.

use async_trait::async_trait;
use serde_json::Value;

/// Something that works while this process leads: the schedule, the queue.
///
/// # Law
/// It begins nothing without an [`Authority`](crate::lease::Authority), so that all that is left to wait for is what was begun before.
///
/// ```
/// use async_trait::async_trait;
/// use everreach_core::failover::Handover;
/// use serde_json::{Value, json};
/// use tokio_util::task::TaskTracker;
/// struct Jobs(TaskTracker);
/// #[async_trait]
/// impl Handover for Jobs {
///     async fn drained(&self) {
///         while !self.0.is_empty() {
///             tokio::time::sleep(std::time::Duration::from_millis(50)).await;
///         }
///     }
///     async fn note(&self) -> Option<Value> {
///         Some(json!({"daily_routine": "2026-11-20T06:00:00Z"}))
///     }
/// }
/// ```
#[async_trait]
pub trait Handover: Send + Sync + 'static {
    /// Waits until nothing runs any more that was begun under the leadership.
    async fn drained(&self);

    /// What whoever leads next is to know, such as the last slot of each job.
    async fn note(&self) -> Option<Value> {
        None
    }

    /// This process leads from now on; what the one before left, when it left in good order.
    async fn begin(&self, _note: Option<Value>) {}
}

const _OBJECT_SAFE: Option<&dyn Handover> = None;
