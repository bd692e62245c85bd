//! The dispatcher: carries one command to its service and says honestly what became of it.

use async_trait::async_trait;

use super::gate::Dispatchable;
use super::limits::Limit;
use super::{DispatchOutcome, Service, ServiceHealth};
use crate::Result;

/// Carries commands to the services.
///
/// # Law
/// - [`SafariDispatcher::dispatch`] is one try: it never repeats by itself, never asks a second service or a second instance of
///   the same one, and sends nothing but what stands in the [`Dispatchable`], which only the gate can make.
/// - The outcome is honest. *Refused* only when the action certainly was not submitted; *sent* only when the service said so and
///   saw it; *sent, unverified* when it said so and saw nothing; everything else, a timeout, a reset or an empty reply after the
///   first byte left included, is *unknown*. A 4xx, and a 200 with `success: false`, is never *sent*.
/// - It never passes a service's own time limit off as its own: it waits for at least the time that [`wire`](super::wire) names,
///   since the work goes on after a client hangs up. Dropping its future abandons the try: the outcome is then unknown.
/// - [`SafariDispatcher::health`] and [`SafariDispatcher::limits`] change nothing, and answer within the profile's times however
///   the service behaves.
///
/// ```
/// use async_trait::async_trait;
/// use everreach_core::safari::gate::Dispatchable;
/// use everreach_core::safari::{DispatchOutcome, HealthStatus, SafariDispatcher, Service, ServiceHealth};
///
/// struct DryRun;
///
/// #[async_trait]
/// impl SafariDispatcher for DryRun {
///     async fn health(&self, service: Service) -> ServiceHealth {
///         let never = "2026-11-20T12:00:00Z".parse().expect("a time");
///         ServiceHealth::new(service, HealthStatus::Healthy, "not asked", never)
///     }
///
///     async fn dispatch(&self, _command: &Dispatchable) -> DispatchOutcome {
///         DispatchOutcome::sent("nothing left this machine")
///     }
/// }
///
/// let dispatcher: std::sync::Arc<dyn SafariDispatcher> = std::sync::Arc::new(DryRun);
/// # drop(dispatcher);
/// ```
///
/// In tests, with the feature `mock`:
///
/// ```
/// # #[cfg(feature = "mock")] {
/// use everreach_core::safari::{DispatchOutcome, MockSafariDispatcher, SafariDispatcher};
/// let mut dispatcher = MockSafariDispatcher::new();
/// dispatcher.expect_dispatch().times(0..=1).returning(|_| DispatchOutcome::sent("seen"));
/// let dispatcher: std::sync::Arc<dyn SafariDispatcher> = std::sync::Arc::new(dispatcher);
/// # drop(dispatcher);
/// # }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SafariDispatcher: Send + Sync + 'static {
    /// How one service is, now.
    async fn health(&self, service: Service) -> ServiceHealth;

    /// Carries one command out, once.
    async fn dispatch(&self, command: &Dispatchable) -> DispatchOutcome;

    /// The limits that a service says it keeps; `None` when it says none.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn limits(&self, _service: Service) -> Result<Option<Limit>> {
        Ok(None)
    }
}

const _OBJECT_SAFE: Option<&dyn SafariDispatcher> = None;
