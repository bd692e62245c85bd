//! Carrying a decision out: the chosen side, then perhaps the other one, then perhaps the cache.

use super::Orchestrator;
use super::flight::Flight;
use crate::routing::{Decision, Execution, Target};
use crate::{Error, ErrorKind, Mode, Outcome, Side, Source};

impl Orchestrator {
    /// Runs the decision to its end and writes the answer into the flight's envelope.
    pub(super) async fn carry_out(&self, flight: &mut Flight, decision: &Decision) {
        let side = match decision.target {
            Target::Run(side) => side,
            Target::Queue => return Box::pin(self.queue(flight)).await,
            Target::Refuse(kind) => {
                let error = self.refusal(kind);
                if kind == ErrorKind::Offline {
                    return Box::pin(self.answer_offline(flight, error)).await;
                }
                return flight.envelope.fail(&error);
            }
        };
        let first = self.run_on(flight, side).await;
        if let Some(other) = self.takes_over(flight, decision, side, &first) {
            return Box::pin(self.move_to(flight, other, first)).await;
        }
        if decision.is_fallback {
            let offline = Error::new(ErrorKind::Offline, "the cloud cannot be reached");
            let skipped = Execution::failed(Outcome::NotExecuted, offline);
            return Box::pin(self.answer_moved(flight, Source::LocalFallback, first, skipped)).await;
        }
        self.answer(flight, if side == Side::Cloud { Source::Cloud } else { Source::Local }, first).await;
    }

    /// The side that runs the call now, when the first one failed in a way that allows it.
    fn takes_over(&self, flight: &Flight, decision: &Decision, side: Side, first: &Execution) -> Option<Side> {
        let error = first.result.as_ref().err().filter(|error| may_move(flight, first.outcome, error))?;
        let is_hybrid = self.parts.config.mode == Mode::Hybrid && !self.parts.config.is_cloud_terminal;
        if error.kind() == ErrorKind::CostCapExceeded && side == Side::Cloud && is_hybrid {
            // Another call was faster to the cap than this one's decision: hybrid runs everything here then, whatever the row says.
            return Some(Side::Local);
        }
        decision.fallback
    }

    async fn move_to(&self, flight: &mut Flight, other: Side, first: Execution) {
        let source = match &first.result {
            Err(error) => {
                self.parts.events.record(flight.moved_event(self.parts.clock.now(), other, error));
                match (other, error.kind()) {
                    (Side::Cloud, _) => Source::Cloud,
                    (_, ErrorKind::CostCapExceeded) => {
                        flight.envelope.cost_guard_triggered = true;
                        Source::Local
                    }
                    _ => Source::LocalFallback,
                }
            }
            Ok(_) => Source::LocalFallback,
        };
        let second = self.run_on(flight, other).await;
        self.answer_moved(flight, source, second, first).await;
    }

    fn refusal(&self, kind: ErrorKind) -> Error {
        match kind {
            ErrorKind::Stopped => {
                let reason = self.parts.stop.current().reason.unwrap_or_else(|| "none given".to_owned());
                Error::new(kind, "the stop switch is set: `everreach resume` clears it").with("reason", reason)
            }
            ErrorKind::CostCapExceeded => {
                Error::new(kind, "the monthly cap is reached: only essential calls still go to the cloud")
            }
            ErrorKind::RequiresLocal => Error::new(
                kind,
                "only the local machine can do this: call it there, or, where both use one database, set EVERREACH_SHARED_DATABASE=1 on both",
            ),
            ErrorKind::Offline => Error::new(kind, "the cloud cannot be reached and this call may not run elsewhere"),
            other => Error::new(other, "the call is refused"),
        }
    }
}

/// Whether the other side may run it now: provably not run, or harmless to repeat; and not refused for a reason that would be
/// the same there.
fn may_move(flight: &Flight, outcome: Outcome, error: &Error) -> bool {
    let is_safe = match outcome {
        Outcome::NotExecuted => true,
        Outcome::Unknown => flight.route.effect.is_repeatable(),
        _ => false,
    };
    let is_final = matches!(
        error.kind(),
        ErrorKind::InvalidParams
            | ErrorKind::Forbidden
            | ErrorKind::IdempotencyConflict
            | ErrorKind::IdempotencyMismatch
            | ErrorKind::Stopped
            | ErrorKind::ApprovalRequired
            | ErrorKind::Conflict
            | ErrorKind::Store
            | ErrorKind::StoreUnavailable
    );
    is_safe && !is_final
}
