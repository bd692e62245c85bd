//! The right to act, while a run is under way and while it is written.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::process::{Process, at, name};
use crate::lease::{Acquired, Apart, Authority, Leadership, LeaseTiming, Leases, Standing, holds, still_holds};
use crate::schedule::run::Run;
use crate::testing::ManualClock;
use crate::{Clock as _, ErrorKind, Side};

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_was_replaced_starts_no_further_step() {
    let jobs = json!({ "mine": { "schedule": "0 * * * *", "chain": ["system.heartbeat", "system.heartbeat"] } });
    let process = Process::start(Side::Cloud, "20T06:00", &jobs).await;
    let leases = Leases::new(process.runtime.store().clone(), Arc::clone(&process.clock) as _, LeaseTiming::default());
    let Acquired::Held { lease, .. } = leases.acquire("leader", "one").await.expect("an answer") else { panic!("it is free") };
    process.stands.set(Standing::Leads(lease.clone()));
    let (inner, job) = (&process.schedule().inner, process.schedule().jobs().get(&name("mine")).expect("a job").clone());
    let hold = inner.holdings.hold(&job.name, at("20T06:00")).expect("nobody has it in hand");
    let authority = Some(Authority::Lease(lease.clone()));
    let run = Run { id: crate::Id::new(), slot: at("20T06:00"), job: job.clone(), hold, authority };
    let step = || run.step(inner, 0, &job.chain[0], Duration::ZERO);
    assert!(step().await.ok, "it leads");

    process.stands.set(Standing::Follows);
    assert!(step().await.ok, "it drains: the lease is still its own");
    assert!(leases.release(&lease, None).await.expect("an answer"));
    let Acquired::Held { .. } = leases.acquire("leader", "two").await.expect("an answer") else { panic!("it is free") };
    let refused = step().await;
    assert_eq!((refused.ok, refused.error), (false, Some(ErrorKind::Conflict)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_ends_while_something_is_written_keeps_nothing_of_it() {
    let clock = Arc::new(ManualClock::at(at("20T06:00")));
    let (setter, leadership) = Leadership::followed(Arc::clone(&clock) as _);
    let until = clock.monotonic() + Duration::from_secs(20);
    setter.set(Standing::Apart(Apart { seen_until: None, from: clock.now(), until: Some(until) }));
    let authority = leadership.authority().expect("it was granted");
    let process = Process::start(Side::Cloud, "20T06:00", &json!({})).await;
    clock.advance(Duration::from_secs(19));
    let (checked, slow) = (authority.clone(), Arc::clone(&clock));
    let written = process.runtime.store().write(move |mut db| {
        Box::pin(async move {
            assert!(holds(&mut db, &checked).await?, "a second is left");
            slow.advance(Duration::from_secs(1));
            still_holds(&mut db, &checked).await
        })
    });
    assert_eq!(written.await.expect_err("it ended").kind(), ErrorKind::Conflict);
    let over = process.runtime.store().write(move |mut db| Box::pin(async move { holds(&mut db, &authority).await }));
    assert!(!over.await.expect("an answer"));
    assert_eq!(leadership.authority(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_is_closed_fires_nothing_more_while_the_process_waits_for_its_end() {
    let jobs = json!({ "mine": { "schedule": "0 * * * *", "fires_on": "local", "chain": ["system.heartbeat"] } });
    let process = Process::start(Side::Local, "20T05:30", &jobs).await;
    process.schedule().round().await.expect("a round");
    process.advance_to("20T06:00");
    process.schedule().close();
    tokio::time::timeout(Duration::from_secs(20), process.schedule().run()).await.expect("it ends by itself");
    assert_eq!(process.log("mine").await, Vec::<String>::new());
}
