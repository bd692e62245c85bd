//! What every [`SafariDispatcher`] must keep, as checks that can be run on any of them.

use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, timeout};

use crate::safari::gate::Dispatchable;
use crate::safari::{DispatchOutcome, DispatchVerdict, SafariDispatcher, Service, health_all};
use crate::{Error, ErrorKind, Result, SystemClock};

/// How long the health of all nine may take.
const HEALTH: Duration = Duration::from_secs(5);
/// How long a service's own limits may take, with some room for a busy machine.
const LIMITS: Duration = Duration::from_secs(6);

/// Tells how often something has been submitted so far.
type Submissions = Box<dyn Fn() -> usize + Send + Sync>;
/// Waits until something has been submitted.
type Arrival = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// The law of [`SafariDispatcher`] as a suite. Tell it how the dispatcher under test behaves for which commands; each one it is
/// told of adds checks. With a count of what was submitted, every outcome is held against what happened.
///
/// ```
/// use async_trait::async_trait;
/// use everreach_core::safari::gate::{Dispatchable, check};
/// use everreach_core::safari::{Command, DispatchOutcome, HealthStatus, Platform, SafariDispatcher, Service, ServiceHealth};
/// use everreach_core::testing::SafariDispatcherConformance;
///
/// struct DryRun;
///
/// #[async_trait]
/// impl SafariDispatcher for DryRun {
///     async fn health(&self, service: Service) -> ServiceHealth {
///         ServiceHealth::new(service, HealthStatus::Healthy, "up", "2026-11-20T12:00:00Z".parse().expect("a time"))
///     }
///
///     async fn dispatch(&self, _command: &Dispatchable) -> DispatchOutcome {
///         DispatchOutcome::sent("nothing left this machine")
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dm = check(&Command::dm(Platform::Twitter, "bob", "hello", "2026-11-20T12:00:00Z".parse()?))?;
/// SafariDispatcherConformance::new(dm).check(&DryRun).await?;
/// # Ok(()) }
/// ```
#[non_exhaustive]
pub struct SafariDispatcherConformance {
    working: Dispatchable,
    refused: Option<Dispatchable>,
    doubtful: Option<Dispatchable>,
    hanging: Option<(Dispatchable, Arrival)>,
    submissions: Option<Submissions>,
}

impl std::fmt::Debug for SafariDispatcherConformance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts = self.submissions.is_some();
        f.debug_struct("SafariDispatcherConformance")
            .field("working", &self.working)
            .field("counts", &counts)
            .finish_non_exhaustive()
    }
}

impl SafariDispatcherConformance {
    /// The suite for a dispatcher that carries this outward command out, as often as it is asked.
    #[must_use]
    pub const fn new(working: Dispatchable) -> Self {
        Self { working, refused: None, doubtful: None, hanging: None, submissions: None }
    }

    /// Names a command that is refused before anything is submitted.
    #[must_use]
    pub fn with_refused(mut self, command: Dispatchable) -> Self {
        self.refused = Some(command);
        self
    }

    /// Names an outward command that is submitted, and then the connection breaks.
    #[must_use]
    pub fn with_doubtful(mut self, command: Dispatchable) -> Self {
        self.doubtful = Some(command);
        self
    }

    /// Names an outward command whose service never answers, and what ends once it has been submitted.
    #[must_use]
    pub fn with_hanging(
        mut self,
        command: Dispatchable,
        arrival: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        self.hanging = Some((command, Box::new(arrival)));
        self
    }

    /// Tells how often something has been submitted so far, by any of these commands.
    #[must_use]
    pub fn with_submissions(mut self, count: impl Fn() -> usize + Send + Sync + 'static) -> Self {
        self.submissions = Some(Box::new(count));
        self
    }

    /// Runs all checks.
    ///
    /// # Errors
    /// The first check that does not hold, with what was seen.
    pub async fn check(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        self.looking_changes_nothing_and_ends_in_time(dispatcher).await?;
        self.a_working_command_is_submitted_once(dispatcher).await?;
        self.a_refused_command_is_not_submitted(dispatcher).await?;
        self.a_doubtful_command_is_unknown_and_submitted_once(dispatcher).await?;
        self.an_abandoned_command_is_not_repeated(dispatcher).await?;
        // Whatever went wrong before, the next command is a try of its own.
        self.a_working_command_is_submitted_once(dispatcher).await
    }

    async fn looking_changes_nothing_and_ends_in_time(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        let before = self.count();
        let begun = Instant::now();
        let healths = health_all(dispatcher, &SystemClock::new()).await;
        hold(begun.elapsed() < HEALTH, "the health of all nine is told within 5 s", &begun.elapsed())?;
        for (service, health) in Service::ALL.into_iter().zip(&healths) {
            hold(health.service == service, "health tells of the service that was asked about", health)?;
            hold(!health.detail.is_empty(), "health says why", health)?;
        }
        for service in Service::ALL {
            let asked = timeout(LIMITS, dispatcher.limits(service)).await;
            hold(asked.is_ok(), "a service's limits are told or refused in time", &service)?;
        }
        hold(self.count() == before, "health and limits submit nothing", &(before, self.count()))
    }

    async fn a_working_command_is_submitted_once(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        for _ in 0..2 {
            let (outcome, submitted) = self.dispatch(dispatcher, &self.working).await;
            let is_done = matches!(outcome.verdict, DispatchVerdict::Sent | DispatchVerdict::SentUnverified);
            hold(is_done, "a working command is sent", &outcome)?;
            hold(submitted.is_none_or(|count| count == 1), "a working command is submitted once", &(outcome, submitted))?;
        }
        Ok(())
    }

    async fn a_refused_command_is_not_submitted(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        let Some(command) = &self.refused else { return Ok(()) };
        let (outcome, submitted) = self.dispatch(dispatcher, command).await;
        hold(matches!(outcome.verdict, DispatchVerdict::Refused(_)), "a refused command is told as refused", &outcome)?;
        hold(!outcome.detail.is_empty(), "a refusal says why", &outcome)?;
        hold(submitted.is_none_or(|count| count == 0), "a refused command is not submitted", &(outcome, submitted))
    }

    async fn a_doubtful_command_is_unknown_and_submitted_once(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        let Some(command) = &self.doubtful else { return Ok(()) };
        let (outcome, submitted) = self.dispatch(dispatcher, command).await;
        hold(outcome.verdict == DispatchVerdict::Unknown, "a command whose answer got lost is unknown", &outcome)?;
        hold(!outcome.detail.is_empty(), "an unknown outcome says why", &outcome)?;
        hold(submitted.is_none_or(|count| count == 1), "it is not repeated", &(outcome, submitted))
    }

    async fn an_abandoned_command_is_not_repeated(&self, dispatcher: &dyn SafariDispatcher) -> Result<()> {
        let Some((command, arrival)) = &self.hanging else { return Ok(()) };
        let before = self.count();
        tokio::select! {
            outcome = dispatcher.dispatch(command) => {
                return hold(false, "a hanging command is waited for at least as long as its service may take", &outcome);
            }
            () = arrival() => {}
        }
        let submitted = self.count().zip(before).map(|(after, before)| after - before);
        hold(submitted.is_none_or(|count| count == 1), "an abandoned command was submitted once", &submitted)
    }

    /// The outcome, and how often something was submitted meanwhile.
    async fn dispatch(&self, dispatcher: &dyn SafariDispatcher, command: &Dispatchable) -> (DispatchOutcome, Option<usize>) {
        let before = self.count();
        let outcome = dispatcher.dispatch(command).await;
        (outcome, self.count().zip(before).map(|(after, before)| after - before))
    }

    fn count(&self) -> Option<usize> {
        self.submissions.as_ref().map(|count| count())
    }
}

fn hold(held: bool, law: &'static str, seen: &dyn std::fmt::Debug) -> Result<()> {
    if held {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Internal, "the dispatcher breaks its law").with("law", law).with("seen", format!("{seen:?}")))
}
