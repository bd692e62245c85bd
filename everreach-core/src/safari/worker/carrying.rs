//! One claimed command, from the second look to its end.

use std::time::Duration;

use super::{Ended, SafariWorker};
use crate::safari::decision::{NextStep, Settlement, settle};
use crate::safari::gate::Dispatchable;
use crate::safari::queue::Claimed;
use crate::safari::{DispatchOutcome, Reason, Repeat};
use crate::{ErrorKind, Result, Timestamp};

/// When a command that somebody objected to after its claim is looked at again, where no time can be told.
const SOON: Duration = Duration::from_secs(15);

/// What the second look says.
enum Look {
    Goes(Box<Dispatchable>),
    Objection(DispatchOutcome, Settlement),
}

impl SafariWorker {
    /// Carries one command out. An error means that its end is not recorded.
    pub(super) async fn carry_out(&self, claimed: Claimed) -> Result<Ended> {
        let dispatchable = match self.look(&claimed).await? {
            Look::Goes(dispatchable) => dispatchable,
            Look::Objection(outcome, settlement) => return self.record(claimed, outcome, settlement).await,
        };
        match self.parts.queue.mark_dispatched(&claimed).await {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Conflict => {
                tracing::info!(command = %claimed.command().id, "the claim was lost before anything was sent");
                return Ok(Ended::Lost);
            }
            // The mark may be on disk or not; nothing was sent in any case, and the row is told so once it can be written.
            Err(error) => {
                let (outcome, settlement) = put_back(&claimed, error.to_string(), self.parts.clock.now() + SOON);
                return self.record(claimed, outcome, settlement).await;
            }
        }
        // Writing the mark may have waited for the database; meanwhile somebody may have stopped everything, or denied the person, and
        // the hour in which it was counted may be over.
        if dispatchable.verb().is_outward() {
            match self.look(&claimed).await {
                Ok(Look::Goes(_)) => {}
                Ok(Look::Objection(outcome, settlement)) => return self.record(claimed, outcome, settlement).await,
                Err(error) => {
                    let (outcome, settlement) = put_back(&claimed, error.to_string(), self.parts.clock.now() + SOON);
                    return self.record(claimed, outcome, settlement).await;
                }
            }
        } else if self.parts.stop.is_stopped() {
            let (outcome, settlement) = self.stopped(&claimed);
            return self.record(claimed, outcome, settlement).await;
        }
        let outcome = self.dispatch(&claimed, &dispatchable).await;
        if outcome.reason == Reason::ServiceUnreachable || outcome.reason == Reason::WrongService {
            self.services().forget(dispatchable.service());
        }
        let (retries, now) = (claimed.command().retry_count, self.parts.clock.now());
        let settlement = settle(&outcome, retries, &self.config.schedule, now, rand::random());
        self.record(claimed, outcome, settlement).await
    }

    async fn look(&self, claimed: &Claimed) -> Result<Look> {
        let conditions = self.conditions().await?;
        let step = self.parts.queue.look_again(claimed, &conditions).await?;
        if self.parts.stop.check_now().await?.stopped {
            let (outcome, settlement) = self.stopped(claimed);
            return Ok(Look::Objection(outcome, settlement));
        }
        Ok(match step {
            NextStep::Dispatch(dispatchable) => Look::Goes(Box::new(dispatchable.on_attempt(claimed.number()))),
            NextStep::Wait { until, detail, .. } => {
                let at = until.unwrap_or(self.parts.clock.now() + SOON);
                let (outcome, settlement) = put_back(claimed, detail, at);
                Look::Objection(outcome, settlement)
            }
            NextStep::Refuse { detail, .. } => {
                Look::Objection(DispatchOutcome::refused(Repeat::Never, Reason::NotStarted, detail), Settlement::Failed)
            }
        })
    }

    fn stopped(&self, claimed: &Claimed) -> (DispatchOutcome, Settlement) {
        put_back(claimed, "the stop switch was set before it was sent".to_owned(), self.parts.clock.now())
    }

    /// One try, with the lease renewed meanwhile. Losing the lease does not end it: what came of it is still worth knowing.
    async fn dispatch(&self, claimed: &Claimed, dispatchable: &Dispatchable) -> DispatchOutcome {
        let mut trying = self.parts.dispatcher.dispatch(dispatchable);
        let (lease, mut is_ours) = (self.parts.queue.config().lease, true);
        loop {
            tokio::select! {
                biased;
                outcome = &mut trying => return outcome,
                () = tokio::time::sleep(lease / 3), if is_ours => {}
            }
            match self.parts.queue.renew(claimed).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tracing::warn!(command = %claimed.command().id, "the lease was lost while the command runs");
                    is_ours = false;
                }
                Err(error) => tracing::warn!(%error, command = %claimed.command().id, "the lease could not be renewed"),
            }
        }
    }
}

/// Nothing was sent, and no repeat is used up.
fn put_back(claimed: &Claimed, detail: String, at: Timestamp) -> (DispatchOutcome, Settlement) {
    let again = Settlement::Again { at, retry_count: claimed.command().retry_count };
    (DispatchOutcome::refused(Repeat::Free, Reason::NotStarted, detail), again)
}
