//! Recording what became of a command, until it is recorded.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Ended, SafariWorker, store};
use crate::safari::alert::Alert;
use crate::safari::decision::Settlement;
use crate::safari::gate::Work;
use crate::safari::queue::{Claimed, Ends, Finish};
use crate::safari::wire::research_rows;
use crate::safari::{DispatchOutcome, DispatchVerdict};
use crate::{ErrorKind, Id, Result};

/// How often the record is tried again while the database is away: about ten minutes in all. After that the lease tells the rest.
const TRIES: u32 = 120;
const BETWEEN: Duration = Duration::from_secs(5);
const HOUR: Duration = Duration::from_secs(3_600);
const LOOK_FOR_PROGRESS: Duration = Duration::from_secs(600);
/// How many tries in an hour say that something is wrong when none of them did anything.
const ENOUGH_TRIES: u64 = 10;

impl SafariWorker {
    pub(super) async fn record(&self, claimed: Claimed, outcome: DispatchOutcome, settlement: Settlement) -> Result<Ended> {
        let rest = self.config.conditions.pacing.rest(claimed.time_limit());
        let alert = self.alert_of(&claimed, &outcome);
        self.keep_found(&claimed, &outcome).await;
        let charges = claimed.dispatchable().charges();
        let finish = Finish::new(claimed, outcome, settlement).with_rest(rest);
        if !self.finish(finish).await? {
            return Ok(Ended::Lost);
        }
        if let Some(alert) = alert {
            self.raise(alert).await;
        }
        if !charges.is_empty() {
            self.note_full_limits(&charges).await;
        }
        Ok(Ended::from(settlement))
    }

    /// Keeps what a search found. It comes before the record, so that a crash in between makes the search again; the row's own result
    /// holds the answer too, so that a failure here loses nothing.
    async fn keep_found(&self, claimed: &Claimed, outcome: &DispatchOutcome) {
        let Work::Research(search) = claimed.dispatchable().work() else { return };
        let Some(answer) = outcome.answer.as_ref().filter(|_| outcome.verdict == DispatchVerdict::Sent) else { return };
        let (found, now) = (research_rows(search, answer), self.parts.clock.now());
        let asked_at = claimed.command().created_at;
        let written = self
            .parts
            .store
            .write(move |mut db| Box::pin(async move { store::write_found(&mut db, &found, asked_at, now).await }));
        if let Err(error) = written.await {
            tracing::warn!(%error, command = %claimed.command().id, "what a search found is not kept in crm_market_research");
        }
    }

    /// Says whether the claim still held.
    async fn finish(&self, finish: Finish) -> Result<bool> {
        let lost = self.until_recorded(&Ends::from(vec![finish])).await?;
        if let Some(id) = lost.first() {
            tracing::warn!(command = %id, "somebody else has the command by now: nothing is written over");
        }
        Ok(lost.is_empty())
    }

    /// Returns those whose claims were lost.
    pub(super) async fn until_recorded(&self, ends: &Ends) -> Result<Vec<Id>> {
        let mut tried = 0;
        loop {
            match self.parts.queue.write_ends(ends).await {
                Err(error) if error.kind() == ErrorKind::StoreUnavailable && tried < TRIES => {
                    tracing::warn!(%error, "what became of commands cannot be recorded yet");
                    tried += 1;
                    tokio::time::sleep(BETWEEN).await;
                }
                outcome => return outcome,
            }
        }
    }

    pub(super) fn alert_of(&self, claimed: &Claimed, outcome: &DispatchOutcome) -> Option<Alert> {
        (outcome.verdict == DispatchVerdict::Unknown).then(|| Alert::OutcomeUnknown {
            command: claimed.command().id,
            attempt: claimed.number(),
            what: match (claimed.dispatchable().contact(), claimed.dispatchable().platform()) {
                (Some(contact), _) => format!("{} to {contact}", claimed.dispatchable().verb()),
                (None, Some(platform)) => format!("{} on {platform}", claimed.dispatchable().verb()),
                (None, None) => claimed.dispatchable().verb().to_string(),
            },
            detail: outcome.detail.clone().into_owned(),
        })
    }

    /// The row is what counts; an alert that cannot be written is only logged.
    pub(super) async fn raise(&self, alert: Alert) {
        if let Err(error) = self.parts.alerts.raise(alert).await {
            tracing::warn!(%error, "an alert could not be written");
        }
    }

    /// Tells of limits that this command has used up.
    async fn note_full_limits(&self, charges: &[(crate::safari::Platform, crate::safari::LimitedAction, u32)]) {
        let mut known = self.config.conditions.clone();
        known.service_limits = self.services().limits();
        let conditions = match self.parts.queue.conditions(&known).await {
            Ok(conditions) => conditions,
            Err(error) => {
                tracing::warn!(%error, "usage could not be read");
                return;
            }
        };
        for (platform, action, _) in charges {
            let used = conditions.used(*platform, *action).today;
            if let Some(limit) = conditions.limit(*platform, *action).per_day.filter(|limit| used >= *limit) {
                self.raise(Alert::LimitHit { platform: platform.account(), action: *action, used, limit }).await;
            }
        }
        let used = conditions.combined_used().today;
        if let Some(limit) = conditions.limits.combined().per_day.filter(|limit| used >= *limit) {
            self.raise(Alert::CombinedLimitHit { used, limit }).await;
        }
    }

    /// Tells when much was tried for an hour and nothing was done.
    pub(super) async fn watch_progress(&self) -> Result<()> {
        let (now, at) = (self.parts.clock.now(), self.parts.clock.monotonic());
        {
            let mut last = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| at.saturating_sub(last) < LOOK_FOR_PROGRESS) {
                return Ok(());
            }
            *last = Some(at);
        }
        let mut connection = self.parts.store.read().await?;
        let tries = store::tries_since(&mut connection.db(), now - HOUR).await?;
        if tries.done > 0 || tries.ended < ENOUGH_TRIES {
            return Ok(());
        }
        let waiting = store::waiting(&mut connection.db()).await?;
        drop(connection);
        self.parts.alerts.raise(Alert::NoProgress { tries: tries.ended, waiting }).await?;
        Ok(())
    }
}
