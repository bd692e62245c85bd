//! Rows that say a slot is being run, and nobody runs it.

use serde_json::json;

use super::handle::Schedule;
use super::holdings::Progress;
use super::run::{Run, complain};
use super::store::{self, RunningRow};
use super::{Origin, slot_text};
use crate::{Event, Result, events};

const VANISHED: &str = "whoever ran it vanished before its end; it is not fired again by itself";

impl Schedule {
    /// Marks the slots whose runners vanished, and starts those that this process fired and could not start, because the answer of the
    /// database was lost. Says how many were marked.
    pub(super) async fn recover(&self) -> Result<usize> {
        let (inner, now) = (&self.inner, self.inner.clock.now());
        let mut connection = inner.store.read().await?;
        if store::count_running(&mut connection.db()).await? == 0 {
            return Ok(0);
        }
        let mine = store::running_by(&mut connection.db(), &inner.runner).await?;
        drop(connection);
        let mut lost = Vec::new();
        for row in mine {
            let is_lost = match inner.holdings.progress(&row.job, row.slot) {
                Some(Progress::AtWork) => false,
                Some(Progress::CutOff) => true,
                None => !self.take_up(&row).await?,
            };
            if is_lost {
                lost.push(row);
            }
        }
        let (me, ids) = (inner.runner.clone(), lost.iter().map(|row| row.id).collect::<Vec<_>>());
        let abandoned = inner.store.write(move |mut db| {
            Box::pin(async move {
                let abandoned = store::abandon(&mut db, &me, &ids, VANISHED, now).await?;
                for (job, slot) in &abandoned {
                    let event = Event::new(now, "cron.abandoned", job.as_str()).with_data(json!({ "slot": slot }));
                    events::append(&mut db, &event).await?;
                }
                Ok(abandoned)
            })
        });
        let abandoned = abandoned.await?;
        for row in &lost {
            inner.holdings.forget(&row.job, row.slot);
        }
        for (job, slot) in &abandoned {
            let slot = slot_text(*slot);
            let alert =
                format!("The run of {job} for {slot} was cut off. What it had done is in: everreach cron history --job {job}");
            complain(inner.notifier.notify(&alert).await, "an alert could not be sent");
        }
        Ok(abandoned.len())
    }

    /// Starts a slot that this process fired and never started; says whether it is in hand or settled.
    async fn take_up(&self, row: &RunningRow) -> Result<bool> {
        let inner = &self.inner;
        let Some(job) = inner.jobs.get(&row.job) else { return Ok(false) };
        let is_forced = row.origin.as_deref() == Some(Origin::Forced.as_str());
        let authority = inner.authority(job).filter(|_| !is_forced);
        if authority.is_none() && !is_forced {
            return Ok(false);
        }
        let Some(hold) = inner.holdings.hold(&row.job, row.slot) else { return Ok(true) };
        // The row was read before it was held: a run may have ended between the two.
        let (id, runner, ttl, now) = (row.id, inner.runner.clone(), inner.config.lease, inner.clock.now());
        let renewed =
            inner.store.write(move |mut db| Box::pin(async move { store::lease(&mut db, id, &runner, ttl, now).await }));
        if renewed.await? {
            tracing::warn!(job = %row.job, slot = %row.slot, "a slot that was fired had not been started: it is started now");
            self.start(Run { id, slot: row.slot, job: job.clone(), hold, authority });
        }
        Ok(true)
    }
}
