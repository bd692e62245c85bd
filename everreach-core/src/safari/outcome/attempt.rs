//! One try of a command.

use serde::Serialize;

use super::DispatchOutcome;
use crate::safari::Service;
use crate::{Id, Timestamp};

/// One try of a command, for the audit trail.
///
/// `dispatched_at` is the mark written just before the first byte may leave: a try without it certainly reached nobody, one
/// with it and without an outcome may have.
///
/// ```
/// use everreach_core::Id;
/// use everreach_core::safari::{Attempt, Service};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let mut attempt = Attempt::begun(Id::new(), 1, "mac-1", now);
/// assert!(!attempt.may_have_run());
/// attempt.mark_dispatched(Some(Service::TwitterDm), now);
/// assert!(attempt.may_have_run());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// Its id.
    pub id: Id,
    /// The command.
    pub command_id: Id,
    /// Which try it is; the first is 1.
    pub number: u32,
    /// Who tries.
    pub worker_id: String,
    /// The service that is asked; none for the CRM script and for AppleScript.
    pub service: Option<Service>,
    /// When the command was claimed for it.
    pub started_at: Timestamp,
    /// When the request was about to leave.
    pub dispatched_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// What became of it.
    pub outcome: Option<DispatchOutcome>,
}

impl Attempt {
    /// A try that has just been claimed.
    #[must_use]
    pub fn begun(command_id: Id, number: u32, worker_id: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id: Id::new(),
            command_id,
            number,
            worker_id: worker_id.into(),
            service: None,
            started_at: now,
            dispatched_at: None,
            finished_at: None,
            outcome: None,
        }
    }

    /// The request is about to leave. A later mark does not move the first one.
    pub fn mark_dispatched(&mut self, service: Option<Service>, now: Timestamp) {
        self.service = service;
        self.dispatched_at.get_or_insert(now);
    }

    /// It is over.
    ///
    /// ```
    /// # use everreach_core::Id;
    /// # use everreach_core::safari::{Attempt, DispatchOutcome};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let mut attempt = Attempt::begun(Id::new(), 1, "mac-1", now);
    /// attempt.finish(DispatchOutcome::sent("seen in the conversation"), now);
    /// assert_eq!(attempt.finished_at, Some(now));
    /// ```
    pub fn finish(&mut self, outcome: DispatchOutcome, now: Timestamp) {
        self.outcome = Some(outcome);
        self.finished_at = Some(now);
    }

    /// Whether the world may have seen it: the request was about to leave and nobody can say that it did not.
    #[must_use]
    pub fn may_have_run(&self) -> bool {
        self.dispatched_at.is_some() && self.outcome.as_ref().is_none_or(|outcome| outcome.verdict.uses_limit())
    }
}
