//! What every implementation of [`SwarmCoordinator`] must do, as checks that can be run on any of them. [`check`] runs every one.
//!
//! ```
//! use everreach_core::swarm::{MemorySwarmCoordinator, SwarmCoordinator};
//! use everreach_core::testing::swarm_coordinator;
//! use std::sync::Arc;
//! # #[tokio::main]
//! # async fn main() -> everreach_core::Result<()> {
//! swarm_coordinator::check(&|config, clock| {
//!     Box::pin(async move { Ok(Arc::new(MemorySwarmCoordinator::new(config, clock)?) as Arc<dyn SwarmCoordinator>) })
//! })
//! .await
//! # }
//! ```

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use super::law;
use crate::clock::ManualClock;
use crate::swarm::{ContactLease, LeaseRequest, SwarmConfig, SwarmCoordinator};
use crate::{ErrorKind, Result, Retry, SharedClock, Timestamp};

/// Makes a coordinator without leases.
pub type MakeCoordinator =
    dyn Fn(SwarmConfig, SharedClock) -> BoxFuture<'static, Result<Arc<dyn SwarmCoordinator>>> + Send + Sync;

const BREAKS: &str = "the swarm coordinator breaks its law";
const TICK: Duration = Duration::from_micros(1);
/// When the suite begins; any time would do.
const BEGIN: Timestamp = Timestamp::UNIX_EPOCH;

/// Runs every check, each over a coordinator of its own.
///
/// # Errors
/// The first law that does not hold, with what was seen; or whatever `make` fails with.
pub async fn check(make: &MakeCoordinator) -> Result<()> {
    a_lease_says_who_whom_and_how_long(make).await?;
    a_leased_contact_is_refused(make).await?;
    contacts_do_not_get_in_each_others_way(make).await?;
    a_lease_ends_when_its_time_is_up(make).await?;
    a_renewal_starts_the_time_anew(make).await?;
    a_release_frees_the_contact(make).await?;
    tokens_strictly_increase(make).await?;
    a_stale_token_is_refused_and_changes_nothing(make).await?;
    racing_agents_get_one_lease(make).await?;
    empty_ids_are_refused(make).await
}

/// A coordinator on a clock that can be moved, and the law that is looked at.
struct Bench {
    coordinator: Arc<dyn SwarmCoordinator>,
    clock: Arc<ManualClock>,
    lease: Duration,
    law: &'static str,
}

impl Bench {
    async fn new(make: &MakeCoordinator, law: &'static str) -> Result<Self> {
        let clock = Arc::new(ManualClock::at(BEGIN));
        let shared: SharedClock = Arc::<ManualClock>::clone(&clock);
        let config = SwarmConfig::default();
        let lease = config.lease;
        Ok(Self { coordinator: make(config, shared).await?, clock, lease, law })
    }

    fn hold(&self, held: bool, seen: &dyn Debug) -> Result<()> {
        law::hold(held, BREAKS, self.law, seen)
    }

    async fn acquire(&self, contact: &str, agent: &str) -> Result<ContactLease> {
        law::granted(self.coordinator.acquire(LeaseRequest::new(contact, agent)).await, BREAKS, self.law)
    }

    /// The contact must be leased; answers what the refusal says about trying again.
    async fn taken(&self, contact: &str, agent: &str) -> Result<Retry> {
        let answer = self.coordinator.acquire(LeaseRequest::new(contact, agent)).await;
        Ok(law::refused(answer, ErrorKind::Conflict, BREAKS, self.law)?.retry())
    }

    async fn renew(&self, lease: &ContactLease) -> Result<ContactLease> {
        law::granted(self.coordinator.renew(lease).await, BREAKS, self.law)
    }

    async fn release(&self, lease: &ContactLease) -> Result<()> {
        law::granted(self.coordinator.release(lease).await, BREAKS, self.law)
    }

    async fn stale(&self, lease: &ContactLease) -> Result<()> {
        law::refused(self.coordinator.renew(lease).await, ErrorKind::Conflict, BREAKS, self.law)?;
        law::refused(self.coordinator.release(lease).await, ErrorKind::Conflict, BREAKS, self.law)?;
        Ok(())
    }

    async fn current(&self, contact: &str) -> Result<Option<ContactLease>> {
        law::granted(self.coordinator.current(contact).await, BREAKS, self.law)
    }
}

async fn a_lease_says_who_whom_and_how_long(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "a lease names contact, agent and its time, and is the one in force").await?;
    bench.hold(bench.current("a").await?.is_none(), &"a lease that nobody was granted")?;
    let lease = bench.acquire("a", "one").await?;
    let held = (lease.contact_id.as_str(), lease.agent_id.as_str()) == ("a", "one") && lease.lasts == bench.lease;
    bench.hold(held && lease.expires_at == BEGIN + bench.lease, &lease)?;
    let current = bench.current("a").await?;
    bench.hold(current.as_ref() == Some(&lease), &(lease, current))
}

async fn a_leased_contact_is_refused(make: &MakeCoordinator) -> Result<()> {
    let law =
        "a leased contact is refused with conflict to everybody, the holder included, and the refusal says how long it lasts";
    let bench = Bench::new(make, law).await?;
    bench.acquire("a", "one").await?;
    let part = bench.lease / 3;
    bench.clock.advance(part);
    for agent in ["two", "one"] {
        let retry = bench.taken("a", agent).await?;
        bench.hold(retry == Retry::Later(bench.lease - part), &retry)?;
    }
    Ok(())
}

async fn contacts_do_not_get_in_each_others_way(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "leases of different contacts do not get in each other's way").await?;
    let (a, b) = (bench.acquire("a", "one").await?, bench.acquire("b", "one").await?);
    bench.release(&a).await?;
    bench.taken("b", "two").await?;
    bench.renew(&b).await.map(drop)
}

async fn a_lease_ends_when_its_time_is_up(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "a lease is in force until its time is up, and not a moment longer").await?;
    let lease = bench.acquire("a", "one").await?;
    bench.clock.advance(bench.lease - TICK);
    bench.taken("a", "two").await?;
    bench.clock.advance(TICK);
    bench.stale(&lease).await?;
    let current = bench.current("a").await?;
    bench.hold(current.is_none(), &current)?;
    bench.acquire("a", "two").await.map(drop)
}

async fn a_renewal_starts_the_time_anew(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "a renewal keeps the token and lasts the whole time from when it was asked for").await?;
    let lease = bench.acquire("a", "one").await?;
    let part = bench.lease / 3;
    bench.clock.advance(part);
    let renewed = bench.renew(&lease).await?;
    bench.hold(renewed.token == lease.token && renewed.expires_at == BEGIN + part + bench.lease, &(&lease, &renewed))?;
    bench.clock.advance(bench.lease - TICK);
    bench.taken("a", "two").await?;
    // The lease as it was first granted is the same lease.
    bench.renew(&lease).await?;
    bench.clock.advance(bench.lease);
    bench.acquire("a", "two").await.map(drop)
}

async fn a_release_frees_the_contact(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "a release frees the contact at once, and ends the lease for good").await?;
    let lease = bench.acquire("a", "one").await?;
    bench.release(&lease).await?;
    bench.stale(&lease).await?;
    bench.acquire("a", "two").await?;
    bench.stale(&lease).await
}

async fn tokens_strictly_increase(make: &MakeCoordinator) -> Result<()> {
    let bench =
        Bench::new(make, "each lease of a contact has a greater token than all before, after releases and lapses").await?;
    let mut tokens = Vec::new();
    for round in 0..12 {
        let lease = bench.acquire("a", "one").await?;
        tokens.push(lease.token);
        if round % 3 == 0 {
            bench.clock.advance(bench.lease);
        } else {
            bench.release(&bench.renew(&lease).await?).await?;
        }
    }
    bench.hold(tokens.is_sorted_by(|one, next| one < next), &tokens)
}

async fn a_stale_token_is_refused_and_changes_nothing(make: &MakeCoordinator) -> Result<()> {
    let law = "a lease that lapsed is neither renewed nor released once somebody else has the contact, and they keep theirs";
    let bench = Bench::new(make, law).await?;
    let paused = bench.acquire("a", "one").await?;
    bench.clock.advance(bench.lease);
    let next = bench.acquire("a", "two").await?;
    bench.stale(&paused).await?;
    let current = bench.current("a").await?;
    bench.hold(current.as_ref() == Some(&next), &(&next, current))?;
    bench.taken("a", "three").await?;
    bench.renew(&next).await.map(drop)
}

async fn racing_agents_get_one_lease(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "of 32 agents at once exactly one gets the contact, the others a conflict").await?;
    let race = (0..32).map(|number| {
        let coordinator = Arc::clone(&bench.coordinator);
        tokio::spawn(async move { coordinator.acquire(LeaseRequest::new("a", format!("agent-{number}"))).await })
    });
    let answers: Vec<_> = join_all(race).await;
    let granted = answers.iter().flatten().filter(|answer| answer.is_ok()).count();
    let refused = answers.iter().flatten().flat_map(|answer| answer.as_ref().err());
    let conflicts = refused.filter(|error| error.kind() == ErrorKind::Conflict).count();
    bench.hold((granted, conflicts) == (1, 31), &answers)
}

async fn empty_ids_are_refused(make: &MakeCoordinator) -> Result<()> {
    let bench = Bench::new(make, "an empty contact or agent is refused with invalid_input").await?;
    for (contact, agent) in [("", "one"), ("a", " ")] {
        let answer = bench.coordinator.acquire(LeaseRequest::new(contact, agent)).await;
        law::refused(answer, ErrorKind::InvalidInput, BREAKS, bench.law)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::swarm::MemorySwarmCoordinator;

    /// Takes whoever asks for the holder: it does not look at tokens.
    struct Blind(MemorySwarmCoordinator);

    #[async_trait]
    impl SwarmCoordinator for Blind {
        async fn acquire(&self, request: LeaseRequest) -> Result<ContactLease> {
            self.0.acquire(request).await
        }

        async fn renew(&self, lease: &ContactLease) -> Result<ContactLease> {
            self.0.renew(&self.current(&lease.contact_id).await?.unwrap_or_else(|| lease.clone())).await
        }

        async fn release(&self, lease: &ContactLease) -> Result<()> {
            self.0.release(&self.current(&lease.contact_id).await?.unwrap_or_else(|| lease.clone())).await
        }

        async fn current(&self, contact_id: &str) -> Result<Option<ContactLease>> {
            self.0.current(contact_id).await
        }
    }

    #[tokio::test]
    async fn a_coordinator_that_does_not_look_at_tokens_is_found() {
        let make = |config, clock| Ok(Arc::new(Blind(MemorySwarmCoordinator::new(config, clock)?)) as Arc<dyn SwarmCoordinator>);
        let error = check(&move |config, clock| Box::pin(async move { make(config, clock) })).await.expect_err("it is blind");
        assert_eq!(error.message(), BREAKS);
        assert!(error.to_string().contains("ends the lease for good"), "{error}");
    }
}
