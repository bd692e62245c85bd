//! The coordinator in memory: the same rules for tests, and for a swarm within one process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::decision::{Held, admit, in_force};
use super::{ContactLease, FencingToken, LeaseRequest, SwarmConfig, SwarmCoordinator};
use crate::{Result, SharedClock};

/// How many leases may be kept before the lapsed ones among them are looked for.
const SWEEP_FROM: usize = 64;

/// Leases contacts within one process. Everything is forgotten when it ends and tokens begin at 1 again, so nothing that outlives the
/// process may compare them. Steps of the wall clock move no lease.
///
/// ```
/// use everreach_core::swarm::{LeaseRequest, MemorySwarmCoordinator, SwarmConfig, SwarmCoordinator};
/// use everreach_core::{ErrorKind, SystemClock};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> everreach_core::Result<()> {
/// let coordinator = MemorySwarmCoordinator::new(SwarmConfig::default(), SystemClock::shared())?;
/// let lease = coordinator.acquire(LeaseRequest::new("contact-7", "dm-1a2b3c4d")).await?;
/// let other = coordinator.acquire(LeaseRequest::new("contact-7", "dm-5e6f7a8b")).await;
/// assert_eq!(other.expect_err("one agent at a time").kind(), ErrorKind::Conflict);
/// coordinator.release(&lease).await?;
/// let next = coordinator.acquire(LeaseRequest::new("contact-7", "dm-5e6f7a8b")).await?;
/// assert!(next.token > lease.token);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct MemorySwarmCoordinator {
    config: SwarmConfig,
    clock: SharedClock,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    last_token: u64,
    leases: HashMap<String, Held>,
    sweep_at: usize,
}

impl MemorySwarmCoordinator {
    /// A coordinator without leases.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the configuration makes no sense.
    pub fn new(config: SwarmConfig, clock: SharedClock) -> Result<Self> {
        config.validate()?;
        let book = Mutex::new(Book { last_token: 0, leases: HashMap::new(), sweep_at: SWEEP_FROM });
        Ok(Self { config, clock, book })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SwarmCoordinator for MemorySwarmCoordinator {
    async fn acquire(&self, request: LeaseRequest) -> Result<ContactLease> {
        let mut book = self.book();
        // Read under the lock, so that a later lease never has an earlier time.
        let now = self.clock.monotonic();
        admit(&request, book.leases.get(&request.contact_id), now)?;
        if book.leases.len() >= book.sweep_at {
            book.leases.retain(|_, held| held.is_in_force(now));
            book.sweep_at = SWEEP_FROM.max(book.leases.len() * 2);
        }
        book.last_token += 1;
        let lease = ContactLease::new(&request, FencingToken::new(book.last_token), self.config.lease, self.clock.now());
        book.leases.insert(request.contact_id, Held { lease: lease.clone(), until: now + self.config.lease });
        Ok(lease)
    }

    async fn renew(&self, lease: &ContactLease) -> Result<ContactLease> {
        let mut book = self.book();
        let now = self.clock.monotonic();
        let held = in_force(lease, book.leases.get_mut(&lease.contact_id), now, "renew a lease")?;
        held.until = now + self.config.lease;
        held.lease.expires_at = self.clock.now() + self.config.lease;
        Ok(held.lease.clone())
    }

    async fn release(&self, lease: &ContactLease) -> Result<()> {
        let mut book = self.book();
        let now = self.clock.monotonic();
        in_force(lease, book.leases.get_mut(&lease.contact_id), now, "release a lease")?;
        book.leases.remove(&lease.contact_id);
        Ok(())
    }

    async fn current(&self, contact_id: &str) -> Result<Option<ContactLease>> {
        let now = self.clock.monotonic();
        Ok(self.book().leases.get(contact_id).filter(|held| held.is_in_force(now)).map(|held| held.lease.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::testing::{ManualClock, swarm_coordinator};

    fn bench() -> (MemorySwarmCoordinator, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
        (MemorySwarmCoordinator::new(SwarmConfig::default(), shared).expect("a coordinator"), clock)
    }

    #[tokio::test]
    async fn the_coordinator_in_memory_keeps_the_law() {
        let make = |config, clock| Ok(Arc::new(MemorySwarmCoordinator::new(config, clock)?) as Arc<dyn SwarmCoordinator>);
        swarm_coordinator::check(&move |config, clock| Box::pin(async move { make(config, clock) })).await.expect("the law");
    }

    #[tokio::test]
    async fn steps_of_the_wall_clock_move_no_lease() {
        let (coordinator, clock) = bench();
        coordinator.acquire(LeaseRequest::new("contact-7", "dm-1")).await.expect("it is free");
        clock.step_to("2026-11-21T12:00:00Z".parse().expect("a time"));
        coordinator.acquire(LeaseRequest::new("contact-7", "dm-2")).await.expect_err("no minute has passed");
        clock.step_to("2026-11-19T12:00:00Z".parse().expect("a time"));
        clock.advance(Duration::from_secs(60));
        coordinator.acquire(LeaseRequest::new("contact-7", "dm-2")).await.expect("a minute has passed");
    }

    #[tokio::test]
    async fn what_has_lapsed_does_not_pile_up() {
        let (coordinator, clock) = bench();
        for number in 0..1_000 {
            coordinator.acquire(LeaseRequest::new(format!("contact-{number}"), "dm-1")).await.expect("it is free");
            clock.advance(Duration::from_secs(20));
        }
        assert!(coordinator.book().leases.len() <= SWEEP_FROM);
        assert_eq!(coordinator.book().last_token, 1_000);
    }
}
