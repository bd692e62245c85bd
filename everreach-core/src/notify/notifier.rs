//! The notifier, and the one that only logs.

use async_trait::async_trait;

use crate::Result;

/// Tells the operator something.
///
/// # Law
/// It never blocks the work that caused the notice for longer than ten seconds, and never fails silently.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Notifier: Send + Sync + 'static {
    /// Sends one plain-text message.
    ///
    /// # Errors
    /// When it could not be handed over.
    async fn notify(&self, message: &str) -> Result<()>;
}

const _OBJECT_SAFE: Option<&dyn Notifier> = None;

/// Writes notices into the log: what is used until a messenger is configured.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// use everreach_core::notify::{LogNotifier, Notifier};
/// LogNotifier::default().notify("the monthly soft cap is reached").await.expect("it is only logged");
/// # });
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct LogNotifier;

#[async_trait]
impl Notifier for LogNotifier {
    async fn notify(&self, message: &str) -> Result<()> {
        tracing::warn!(target: "everreach::notice", "{message}");
        Ok(())
    }
}
