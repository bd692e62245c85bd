//! Writing down what became of commands that reach nobody, many at a time.

use super::lane_task::Carried;
use super::{Ended, RunSummary, SafariWorker};
use crate::safari::decision::settle;
use crate::safari::queue::{Ends, Finish};
use crate::{Id, Result};

impl SafariWorker {
    /// One transaction for all. What cannot be written is left to its lease.
    pub(super) async fn write_ends(&self, carried: Vec<Carried>) -> RunSummary {
        let now = self.parts.clock.now();
        let (mut finishes, mut ended, mut alerts) = (Vec::with_capacity(carried.len()), Vec::new(), Vec::new());
        for (claimed, outcome) in carried {
            let Some(outcome) = outcome else {
                tracing::error!(command = %claimed.command().id, "carrying a command out broke off: its lease will lapse");
                continue;
            };
            let settlement = settle(&outcome, claimed.command().retry_count, &self.config.schedule, now, rand::random());
            alerts.extend(self.alert_of(&claimed, &outcome).map(|alert| (claimed.command().id, alert)));
            ended.push((claimed.command().id, Ended::from(settlement)));
            let rest = self.config.conditions.pacing.rest(claimed.time_limit());
            finishes.push(Finish::new(claimed, outcome, settlement).with_rest(rest));
        }
        let written = match self.finish_together(finishes).await {
            Ok(lost) => lost,
            Err(error) => {
                tracing::warn!(%error, count = ended.len(), "what became of commands is not recorded: their leases will lapse");
                return RunSummary::default();
            }
        };
        let mut summary = RunSummary::default();
        let is_written = |id: &Id| !written.contains(id);
        ended.iter().filter(|(id, _)| is_written(id)).for_each(|(_, ended)| summary.add(*ended));
        for (_, alert) in alerts.into_iter().filter(|(id, _)| is_written(id)) {
            self.raise(alert).await;
        }
        summary
    }

    /// Returns those whose claims were lost. One that cannot be written does not keep the others from it.
    async fn finish_together(&self, finishes: Vec<Finish>) -> Result<Vec<Id>> {
        let ends = Ends::from(finishes);
        match self.until_recorded(&ends).await {
            Err(error) if ends.len() > 1 => {
                tracing::warn!(%error, count = ends.len(), "ends could not be written together; they are written one by one");
                let mut lost = Vec::new();
                for end in ends.singly() {
                    match self.until_recorded(&end).await {
                        Ok(none_or_it) => lost.extend(none_or_it),
                        Err(error) => {
                            tracing::warn!(%error, "what became of a command is not recorded: its lease will lapse");
                            lost.extend(end.ids());
                        }
                    }
                }
                Ok(lost)
            }
            outcome => outcome,
        }
    }
}
