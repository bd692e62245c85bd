//! A command that a worker has.

use std::time::Duration;

use crate::safari::Command;
use crate::safari::gate::Dispatchable;
use crate::safari::queue::counters::Charge;
use crate::safari::queue::row::Key;
use crate::{Error, ErrorKind, Id, Timestamp};

/// A command that a worker has, until its lease lapses: its own name for the claim, which no other claim has.
///
/// ```
/// use everreach_core::safari::queue::Claimed;
/// fn show(claimed: &Claimed) -> String {
///     format!("{}: try {} of {}", claimed.worker_id(), claimed.number(), claimed.command().id)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Claimed {
    pub(in crate::safari::queue) key: Key,
    pub(in crate::safari::queue) command: Command,
    pub(in crate::safari::queue) dispatchable: Dispatchable,
    pub(in crate::safari::queue) worker_id: String,
    pub(in crate::safari::queue) number: u32,
    pub(in crate::safari::queue) claimed_at: Timestamp,
    pub(in crate::safari::queue) lease_until: Timestamp,
    pub(in crate::safari::queue) charges: Vec<Charge>,
    /// The fencing number of the browser; none when it needs none.
    pub(in crate::safari::queue) browser: Option<i64>,
}

impl Claimed {
    /// The command, as it stood when it was claimed.
    #[must_use]
    pub const fn command(&self) -> &Command {
        &self.command
    }

    /// What may be sent of it: it has passed the gate.
    #[must_use]
    pub const fn dispatchable(&self) -> &Dispatchable {
        &self.dispatchable
    }

    /// Who has it.
    #[must_use]
    pub fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// Which try this is, from 1 on; also the fencing number of the claim.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// Until when it is held, unless it is renewed.
    #[must_use]
    pub const fn lease_until(&self) -> Timestamp {
        self.lease_until
    }

    /// Whether it has Safari for itself.
    #[must_use]
    pub const fn has_browser(&self) -> bool {
        self.browser.is_some()
    }

    /// How long what it asks for may take at its service: Safari rests as long after an unknown outcome.
    #[must_use]
    pub fn time_limit(&self) -> Duration {
        time_limit(&self.dispatchable)
    }

    pub(in crate::safari::queue) const fn id(&self) -> Id {
        self.command.id
    }

    pub(in crate::safari::queue) fn lost(&self, operation: &'static str) -> Error {
        Error::new(ErrorKind::Conflict, "the claim is lost: its lease lapsed, or somebody else has decided about the command")
            .with_operation(operation)
            .with("command", self.command.id)
            .with("worker", &self.worker_id)
            .with("attempt", self.number)
    }
}

/// What a program may take: the CRM script and AppleScript know no service.
const PROGRAM: Duration = Duration::from_secs(120);

pub(in crate::safari::queue) fn time_limit(dispatchable: &Dispatchable) -> Duration {
    dispatchable.service().map_or(PROGRAM, |service| service.profile().timeout)
}
