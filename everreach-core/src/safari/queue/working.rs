//! What a worker asks of the queue for many commands at once.

use std::collections::HashSet;
use std::sync::Arc;

use crate::safari::decision::Conditions;
use crate::safari::queue::{Claimed, Ends, Lease, Probe, SafariQueue, Wanted, claim, finish};
use crate::{Id, Result};

impl SafariQueue {
    /// What there is to do.
    pub(in crate::safari) async fn probe(&self) -> Result<Probe> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        claim::probe(&mut connection.db(), now).await
    }

    /// Claims of what was found, after putting in order what is not.
    pub(in crate::safari) async fn claim_found(
        &self,
        found: Probe,
        worker: &str,
        wanted: Wanted,
        conditions: &Conditions,
    ) -> Result<Vec<Claimed>> {
        let found = self.put_in_order(found, conditions).await?;
        let mut claimed = Vec::new();
        if conditions.is_stopped || wanted.is_nothing() {
            return Ok(claimed);
        }
        if found.browser && wanted.browser > 0 {
            claimed.extend(self.claim_browser(worker, conditions).await?);
            if !claimed.is_empty() {
                self.events.announce();
            }
        }
        let left = wanted.all.saturating_sub(u32::try_from(claimed.len()).unwrap_or(u32::MAX)).min(wanted.free);
        if found.free && left > 0 {
            claimed.extend(self.claim_free(worker, left, conditions).await?);
        }
        Ok(claimed)
    }

    /// Claims what needs neither Safari nor a limit, as it stands: nothing is put in order first.
    pub(in crate::safari) async fn claim_free(&self, worker: &str, wanted: u32, conditions: &Conditions) -> Result<Vec<Claimed>> {
        if conditions.is_stopped || wanted == 0 {
            return Ok(Vec::new());
        }
        let (now, lease_until) = self.times();
        let (worker, conditions) = (Arc::<str>::from(worker), conditions.clone());
        let claimed = self.store.write(move |mut db| {
            Box::pin(async move { claim::claim_free(&mut db, &worker, wanted, &conditions, now, lease_until).await })
        });
        let claimed = claimed.await?;
        if !claimed.is_empty() {
            self.events.announce();
        }
        Ok(claimed)
    }

    /// Lets others claim what was claimed and not started.
    pub(in crate::safari) async fn give_back(&self, worker: &str, leases: Vec<Lease>) -> Result<()> {
        let (worker, now) = (worker.to_owned(), self.clock.now());
        let returned =
            self.store.write(move |mut db| Box::pin(async move { claim::give_back(&mut db, &worker, &leases, now).await }));
        returned.await?;
        self.told();
        Ok(())
    }

    /// Lengthens many leases; returns the commands whose claims were lost.
    pub(in crate::safari) async fn renew_many(&self, worker: &str, leases: Vec<Lease>) -> Result<HashSet<Id>> {
        if leases.is_empty() {
            return Ok(HashSet::new());
        }
        let (worker, (_, until)) = (worker.to_owned(), self.times());
        self.store.write(move |mut db| Box::pin(async move { claim::renew_many(&mut db, &worker, &leases, until).await })).await
    }

    /// Records ends in one transaction; returns those whose claims were lost. After a failure of the store it can be done again.
    pub(in crate::safari) async fn write_ends(&self, ends: &Ends) -> Result<Vec<Id>> {
        let (now, ends) = (self.clock.now(), ends.clone());
        let frees_browser = ends.all().iter().any(|end| end.browser.is_some());
        let lost = self.store.write(move |mut db| {
            Box::pin(async move {
                let settled = finish::apply(&mut db, &ends.all(), now).await?;
                Ok(ends.ids().filter(|id| !settled.contains(id)).collect::<Vec<_>>())
            })
        });
        let lost = lost.await?;
        if frees_browser {
            self.told();
        } else {
            self.events.announce();
        }
        Ok(lost)
    }
}
