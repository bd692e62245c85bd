//! What a worker asks before it claims, and again before it sends.

use crate::Result;
use crate::safari::decision::{Conditions, NextStep, Rule, next_step};
use crate::safari::queue::counters::Charge;
use crate::safari::queue::{Claimed, SafariQueue, claim, counters};

impl SafariQueue {
    /// Whether a claim may find something: a row whose turn may have come, one that nobody has looked at, or one whose worker vanished.
    ///
    /// # Errors
    /// The store's.
    pub async fn has_work(&self) -> Result<bool> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        let probe = claim::probe(&mut connection.db(), now).await?;
        Ok(probe.browser || probe.free || probe.new || probe.due || probe.lapsed || probe.approvals)
    }

    /// What is to be done with a claimed command now: its campaign may have been paused since, its account stopped, its recipient put
    /// on the deny list. What the claim itself has taken, its limits, its spacing and Safari, does not count against it; when the hour of
    /// UTC in which it was counted is over, it has to be counted again.
    ///
    /// # Errors
    /// The store's.
    pub async fn look_again(&self, claimed: &Claimed, base: &Conditions) -> Result<NextStep> {
        let (now, elsewhere) = (self.clock.now(), self.elsewhere().await?);
        if !claimed.charges.is_empty() && !counters::is_same_hour(claimed.claimed_at, now) {
            let detail = "it was counted in an hour that is over, and is counted again".to_owned();
            return Ok(NextStep::Wait { until: Some(now), why: Rule::Limit, detail });
        }
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let slot = claim::slot(&mut db).await?;
        let mut conditions = claim::surroundings(&mut db, base, &slot, now).await?;
        conditions.browser_held_until = None;
        for charge in &claimed.charges {
            if let Some(used) = conditions.usage.get_mut(&(charge.account, charge.action)) {
                *used = used.minus(charge.count);
            }
        }
        conditions.combined_usage = conditions.combined_usage.minus(Charge::sends(&claimed.charges));
        conditions.last_sent.clear();
        claim::enrich(&mut db, &mut conditions, &[claimed.command()], &elsewhere, now).await?;
        Ok(next_step(claimed.command(), &conditions, now))
    }
}
