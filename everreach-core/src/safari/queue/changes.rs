//! What people change.

use crate::Result;
use crate::safari::decision::{DmGroupApproval, Halt};
use crate::safari::queue::{Denied, Resolution, SafariQueue, counters, finish, groups, history, people};
use crate::safari::{LimitedAction, Platform};
use crate::{Id, Timestamp};

/// How many failed commands are tried again at once.
const RETRIES: u32 = 1_000;

impl SafariQueue {
    /// Takes a command back that waits, or that a worker has claimed and not sent yet; doing it twice changes nothing.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when it is being sent
    /// or over, or the store's.
    pub async fn cancel(&self, id: Id) -> Result<()> {
        let now = self.clock.now();
        self.store.write(move |mut db| Box::pin(async move { finish::cancel(&mut db, id, now).await })).await?;
        self.events.announce();
        Ok(())
    }

    /// Takes back every command of a campaign that waits; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn cancel_campaign(&self, campaign: &str) -> Result<usize> {
        let (campaign, now) = (campaign.to_owned(), self.clock.now());
        let cancelled = self.store.write(move |mut db| {
            Box::pin(async move {
                let ids = history::ids_of(&mut db, &campaign).await?;
                for id in &ids {
                    finish::cancel(&mut db, *id, now).await?;
                }
                Ok(ids.len())
            })
        });
        let cancelled = cancelled.await?;
        self.events.announce();
        Ok(cancelled)
    }

    /// Tries failed commands again, with all their repeats; returns which. Without ids: those that certainly were not done, a thousand at
    /// most. One whose outcome is unknown only when its id is given.
    ///
    /// # Errors
    /// For ids that are given: [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), and
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when one has not failed or is not ours; then none of them is changed. Or
    /// the store's.
    pub async fn retry_failed(&self, ids: Option<Vec<Id>>) -> Result<Vec<Id>> {
        let now = self.clock.now();
        let retried =
            self.store.write(move |mut db| Box::pin(async move { finish::retry(&mut db, ids, RETRIES, now).await })).await?;
        if !retried.is_empty() {
            self.told();
        }
        Ok(retried)
    }

    /// Records what a person found out about a command whose outcome is unknown.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when its outcome is not
    /// unknown, or the store's.
    pub async fn resolve(&self, id: Id, resolution: Resolution) -> Result<()> {
        let now = self.clock.now();
        self.store.write(move |mut db| Box::pin(async move { finish::resolve(&mut db, id, resolution, now).await })).await?;
        self.told();
        Ok(())
    }

    /// A person agrees to the messages of a campaign or batch; returns how many commands that lets go.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound), [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when it was decided
    /// before, or the store's.
    pub async fn approve(&self, group: &str) -> Result<u64> {
        self.decide(group, DmGroupApproval::Approved).await
    }

    /// A person refuses them: what waits is cancelled, and what comes later is refused. Returns how many commands that were.
    ///
    /// # Errors
    /// As [`approve`](Self::approve).
    pub async fn deny_group(&self, group: &str) -> Result<u64> {
        self.decide(group, DmGroupApproval::Denied).await
    }

    async fn decide(&self, group: &str, approval: DmGroupApproval) -> Result<u64> {
        let (group, now) = (group.to_owned(), self.clock.now());
        let rows = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    // Silence until now was a no already.
                    groups::expire(&mut db, now).await?;
                    groups::decide(&mut db, &group, approval, now).await
                })
            })
            .await?;
        self.told();
        Ok(rows)
    }

    /// Never writes to somebody again, as after an opt-out, and takes back what waits for them. Returns how many commands that were.
    ///
    /// # Errors
    /// The store's.
    pub async fn deny(&self, who: Denied, reason: &str) -> Result<u64> {
        let (reason, now) = (reason.to_owned(), self.clock.now());
        let cancelled =
            self.store.write(move |mut db| Box::pin(async move { people::deny(&mut db, &who, &reason, now).await })).await?;
        self.events.announce();
        Ok(cancelled)
    }

    /// Takes somebody off the deny list; says whether they were on it.
    ///
    /// # Errors
    /// The store's.
    pub async fn allow(&self, who: Denied) -> Result<bool> {
        let now = self.clock.now();
        let was_on_it = self.store.write(move |mut db| Box::pin(async move { people::allow(&mut db, &who, now).await })).await?;
        self.told();
        Ok(was_on_it)
    }

    /// Stops an account, or one kind of action on it. [`finish`](Self::finish) does so by itself when an outcome asks for it.
    ///
    /// # Errors
    /// The store's.
    pub async fn halt(&self, halt: Halt) -> Result<()> {
        let now = self.clock.now();
        self.store.write(move |mut db| Box::pin(async move { people::set_halt(&mut db, &halt, now).await })).await?;
        self.events.announce();
        Ok(())
    }

    /// Ends the stops of an account, of one action or of all; returns how many.
    ///
    /// # Errors
    /// The store's.
    pub async fn lift_halts(&self, platform: Platform, action: Option<LimitedAction>) -> Result<u64> {
        let now = self.clock.now();
        let lifted = self
            .store
            .write(move |mut db| Box::pin(async move { people::lift_halts(&mut db, platform, action, now).await }))
            .await?;
        self.told();
        Ok(lifted)
    }

    /// Removes lines of the audit trail and counters older than this; returns how many. Rows of the queue are never removed.
    ///
    /// # Errors
    /// The store's.
    pub async fn prune(&self, before: Timestamp) -> Result<u64> {
        let removed = self.store.write(move |mut db| {
            Box::pin(async move { Ok(history::prune_attempts(&mut db, before).await? + counters::prune(&mut db, before).await?) })
        });
        removed.await
    }
}
