//! Taking, renewing and giving back.

use serde_json::Value;

use super::{Lease, LeaseState, LeaseTiming, store};
use crate::store::Store;
use crate::{Error, ErrorKind, Result, SharedClock};

/// A cheap-to-clone handle on the leases of a database.
///
/// On PostgreSQL the database's own clock says when a lease has run out, so that machines with different clocks agree.
///
/// ```
/// # use everreach_core::{SystemClock, store::{Store, StoreConfig}};
/// use everreach_core::lease::{Acquired, LeaseTiming, Leases};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// let leases = Leases::new(store, SystemClock::shared(), LeaseTiming::default());
/// let Acquired::Held { lease, .. } = leases.acquire("cron", "mac-1").await? else { panic!("nobody else has it") };
/// assert!(matches!(leases.acquire("cron", "cloud-1").await?, Acquired::ByOther(_)));
/// let lease = leases.renew(&lease).await?.expect("it is still ours");
/// assert!(leases.release(&lease, None).await?);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Debug, Clone)]
pub struct Leases {
    store: Store,
    clock: SharedClock,
    timing: LeaseTiming,
}

/// What came of asking for a lease.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "one has it or somebody else does")]
pub enum Acquired {
    /// It is ours.
    Held {
        /// The lease.
        lease: Lease,
        /// What the holder before left; none when it vanished without giving it back.
        note: Option<Value>,
    },
    /// Somebody else has it.
    ByOther(LeaseState),
}

impl Leases {
    /// The leases of this database.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, timing: LeaseTiming) -> Self {
        Self { store, clock, timing }
    }

    /// How long they last.
    #[must_use]
    pub const fn timing(&self) -> &LeaseTiming {
        &self.timing
    }

    /// Takes the resource if nobody has it. `holder` must be unlike that of any other process, and of earlier runs of this one: a
    /// process that starts again waits until its own old lease has run out.
    ///
    /// # Errors
    /// The store's. Whether it was taken is not known then; it runs out by itself.
    pub async fn acquire(&self, resource: &str, holder: &str) -> Result<Acquired> {
        let act_until = self.clock.monotonic() + self.timing.act_for;
        let (now, ttl) = (self.clock.now(), self.timing.ttl);
        let (name, who) = (resource.to_owned(), holder.to_owned());
        let taken = self.store.write(move |mut db| Box::pin(async move { store::acquire(&mut db, &name, &who, ttl, now).await }));
        if let Some((epoch, note)) = taken.await? {
            let lease = Lease { resource: resource.to_owned(), holder: holder.to_owned(), epoch, act_until };
            return Ok(Acquired::Held { lease, note });
        }
        let state = self.look(resource).await?.ok_or_else(|| {
            Error::new(ErrorKind::Store, "the row of a lease vanished: rows of everreach_leases are never removed")
                .with_operation("acquire a lease")
                .with("resource", resource)
        })?;
        Ok(Acquired::ByOther(state))
    }

    /// Lengthens it; `None` when somebody else has taken it since.
    ///
    /// # Errors
    /// The store's. The lease that is held goes on until its own end.
    pub async fn renew(&self, lease: &Lease) -> Result<Option<Lease>> {
        let act_until = self.clock.monotonic() + self.timing.act_for;
        let (now, ttl, mine) = (self.clock.now(), self.timing.ttl, lease.clone());
        let renewed =
            self.store.write(move |mut db| Box::pin(async move { store::renew(&mut db, &mine, ttl, now).await })).await?;
        Ok(renewed.then(|| Lease { act_until, ..lease.clone() }))
    }

    /// Gives it back, with a note for the next holder; says whether it was still ours.
    ///
    /// # Errors
    /// The store's. It runs out by itself then.
    pub async fn release(&self, lease: &Lease, note: Option<Value>) -> Result<bool> {
        let (now, mine) = (self.clock.now(), lease.clone());
        self.store.write(move |mut db| Box::pin(async move { store::release(&mut db, &mine, note, now).await })).await
    }

    /// Gives back what `holder` may have taken by an [`acquire`](Self::acquire) whose answer was not waited for.
    ///
    /// # Errors
    /// The store's. It runs out by itself then.
    #[cfg(feature = "redis")]
    pub(crate) async fn release_unheard(&self, resource: &str, holder: &str) -> Result<()> {
        let (now, resource, holder) = (self.clock.now(), resource.to_owned(), holder.to_owned());
        let releasing =
            self.store.write(move |mut db| Box::pin(async move { store::release_any(&mut db, &resource, &holder, now).await }));
        releasing.await
    }

    /// Who has it; nothing when nobody ever had.
    ///
    /// # Errors
    /// The store's.
    pub async fn look(&self, resource: &str) -> Result<Option<LeaseState>> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        store::look(&mut connection.db(), resource, now).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::Timestamp;
    use crate::clock::ManualClock;
    use crate::store::StoreConfig;

    #[tokio::test]
    async fn a_lease_of_a_clock_that_was_ahead_is_over_when_the_clock_is_right_again() {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let timing = LeaseTiming::default();
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let leases = |ahead: Duration| Leases::new(store.clone(), Arc::new(ManualClock::at(now + ahead)), timing);
        let (here, day) = (leases(Duration::ZERO), leases(Duration::from_secs(86_400)));
        let Acquired::Held { .. } = day.acquire("cron", "dead").await.expect("asked") else { panic!("nobody has it") };
        let Acquired::Held { lease, .. } = here.acquire("cron", "mac").await.expect("asked") else { panic!("a day ahead") };
        assert_eq!(lease.epoch(), 2);
        // Renewed while somebody else waited for the database.
        leases(Duration::from_secs(30)).renew(&lease).await.expect("asked").expect("it is ours");
        assert!(matches!(here.acquire("cron", "other").await.expect("asked"), Acquired::ByOther(_)));
    }
}
