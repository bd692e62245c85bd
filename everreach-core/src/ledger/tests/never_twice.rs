//! Random sequences of two workers, crashes and repeats against a model of the outside world.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{LEASE, answer};
use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::ledger::{
    AttemptEnd, AttemptId, Begin, Begun, CallState, Claim, ForwardedClaim, IdempotencyKey, Ledger, Verdict, fingerprint,
};
use crate::store::{Store, StoreConfig};
use crate::{Id, Outcome};

#[derive(Debug, Clone)]
enum Step {
    Begin {
        worker: usize,
    },
    /// A claim, however old, tries to send. `lands` says whether the world will see it.
    Dispatch {
        claim: usize,
        lands: bool,
    },
    /// A claim, however old, forwards the call to the other worker.
    Forward {
        claim: usize,
    },
    /// A forwarded call arrives: at once, late, again, or never.
    Arrive {
        forwarded: usize,
    },
    /// A worker learns what became of its try, or not, and goes on to the next.
    EndAttempt {
        claim: usize,
        knows: bool,
    },
    /// A worker reports the answer.
    Finish {
        claim: usize,
        knows: bool,
    },
    Renew {
        claim: usize,
    },
    /// Time passes: up to two leases.
    Pass {
        seconds: u64,
    },
    Recover {
        worker: usize,
    },
    /// A person looks at the world and settles the call.
    Resolve,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let claim = || 0_usize..4;
    let step = prop_oneof![
        4 => (0_usize..2).prop_map(|worker| Step::Begin { worker }),
        5 => (claim(), any::<bool>()).prop_map(|(claim, lands)| Step::Dispatch { claim, lands }),
        5 => (0_usize..2).prop_map(|claim| Step::Forward { claim }),
        6 => (0_usize..2).prop_map(|forwarded| Step::Arrive { forwarded }),
        2 => (claim(), any::<bool>()).prop_map(|(claim, knows)| Step::EndAttempt { claim, knows }),
        2 => (claim(), any::<bool>()).prop_map(|(claim, knows)| Step::Finish { claim, knows }),
        1 => claim().prop_map(|claim| Step::Renew { claim }),
        3 => (1_u64..120).prop_map(|seconds| Step::Pass { seconds }),
        1 => (0_usize..2).prop_map(|worker| Step::Recover { worker }),
        1 => Just(Step::Resolve),
    ];
    proptest::collection::vec(step, 1..40)
}

/// A claim that a worker believes in, and its open try with whether the world saw it.
struct Held {
    worker: usize,
    claim: Claim,
    open: Option<Try>,
}

#[derive(Clone, Copy)]
struct Try {
    id: AttemptId,
    /// Whether the world saw it.
    lands: bool,
    /// Whether it went to the other worker, whose doing it is what the world sees.
    forwards: bool,
}

impl Try {
    /// What an honest worker reports.
    const fn outcome(self, knows: bool, has_landed: bool) -> Outcome {
        match (knows, self.lands || (self.forwards && has_landed)) {
            (true, true) => Outcome::Executed,
            (true, false) => Outcome::NotExecuted,
            (false, _) => Outcome::Unknown,
        }
    }
}

struct World {
    workers: [Ledger; 2],
    clock: Arc<ManualClock>,
    key: IdempotencyKey,
    held: Vec<Held>,
    /// Calls on their way to a worker, newest first.
    forwarded: Vec<(usize, ForwardedClaim, AttemptId)>,
    /// How often a row was handed over.
    handed_over: u32,
    landed: u32,
    /// Sent and not proven un-run.
    unproven: HashSet<AttemptId>,
}

impl World {
    async fn step(&mut self, step: &Step) {
        match *step {
            Step::Begin { worker } => self.begin(worker, None).await,
            Step::Forward { claim } => self.forward(claim).await,
            Step::Arrive { forwarded } => self.arrive(forwarded).await,
            Step::Dispatch { claim, lands } => self.dispatch(claim, lands).await,
            Step::EndAttempt { claim, knows } => self.end_attempt(claim, knows).await,
            Step::Finish { claim, knows } => self.finish(claim, knows).await,
            Step::Renew { claim } => {
                if let Some(held) = self.held.get(claim) {
                    let _may_be_lost = self.workers[held.worker].renew(&held.claim, LEASE).await;
                }
            }
            Step::Pass { seconds } => self.clock.advance(Duration::from_secs(seconds)),
            Step::Recover { worker } => {
                self.workers[worker].recover().await.expect("it recovers");
            }
            Step::Resolve => {
                let verdict = if self.landed > 0 { Verdict::Happened } else { Verdict::DidNotHappen };
                if self.workers[0].resolve(&self.key, verdict).await.is_ok() && verdict == Verdict::DidNotHappen {
                    self.unproven.clear();
                }
            }
        }
    }

    async fn forward(&mut self, claim: usize) {
        let Some(held) = self.held.get_mut(claim) else { return };
        if let Ok(id) = self.workers[held.worker].mark_dispatched(&held.claim, 1, "cloud").await {
            held.open = Some(Try { id, lands: false, forwards: true });
            self.unproven.insert(id);
            self.forwarded.insert(0, (1 - held.worker, held.claim.forwarded_by(id), id));
        }
    }

    async fn arrive(&mut self, forwarded: usize) {
        let Some((worker, claim, attempt)) = self.forwarded.get(forwarded).copied() else { return };
        self.begin(worker, Some((claim, attempt))).await;
    }

    async fn begin(&mut self, worker: usize, arrived: Option<(ForwardedClaim, AttemptId)>) {
        let action: crate::ActionName = "dm.send".parse().expect("a name");
        let print = fingerprint(&action, &serde_json::Map::new());
        let begin = Begin::new(self.key.clone(), action, print, Id::new()).with_lease(LEASE);
        let begin = begin.with_forwarded(arrived.map(|(claim, _)| claim));
        match self.workers[worker].begin(begin).await {
            Ok(Begun::Started(claim)) => {
                if let Some((_, attempt)) = arrived.filter(|_| claim.was_handed_over()) {
                    // All that left was the call, and here it is.
                    assert!(self.unproven.remove(&attempt), "handed over by a try that was over");
                    self.handed_over += 1;
                }
                assert_eq!(self.unproven.len(), 0, "started although a try may have run");
                // The newest claim comes first; the oldest is forgotten, as by a worker that died.
                self.held.insert(0, Held { worker, claim, open: None });
                self.held.truncate(4);
            }
            Ok(Begun::Replay(envelope)) => assert_eq!((envelope.outcome, self.landed), (Outcome::Executed, 1)),
            Ok(Begun::Held(_)) => assert_eq!(self.unproven.len(), 1, "held although nothing may have run"),
            Ok(Begun::Waiting(_)) => panic!("nobody asked a person"),
            Err(error) => assert_eq!(error.kind(), crate::ErrorKind::IdempotencyConflict, "{error:?}"),
        }
    }

    async fn dispatch(&mut self, claim: usize, lands: bool) {
        let Some(held) = self.held.get_mut(claim) else { return };
        if let Ok(id) = self.workers[held.worker].mark_dispatched(&held.claim, 1, "local").await {
            held.open = Some(Try { id, lands, forwards: false });
            self.landed += u32::from(lands);
            self.unproven.insert(id);
        }
    }

    async fn end_attempt(&mut self, claim: usize, knows: bool) {
        let Some(held) = self.held.get_mut(claim) else { return };
        let Some(open) = held.open else { return };
        let (id, outcome) = (open.id, open.outcome(knows, self.landed > 0));
        if self.workers[held.worker].finish_attempt(&held.claim, AttemptEnd::new(id, outcome)).await.is_ok()
            && outcome == Outcome::NotExecuted
        {
            held.open = None;
            self.unproven.remove(&id);
        }
    }

    async fn finish(&mut self, claim: usize, knows: bool) {
        let Some(held) = self.held.get_mut(claim) else { return };
        let (end, outcome) = match held.open {
            Some(open) => {
                let outcome = open.outcome(knows, self.landed > 0);
                (Some(AttemptEnd::new(open.id, outcome)), outcome)
            }
            None => (None, Outcome::NotExecuted),
        };
        let finished = self.workers[held.worker].finish(&held.claim, end, &answer(&held.claim, outcome)).await;
        if finished.is_ok()
            && outcome == Outcome::NotExecuted
            && let Some(Try { id, .. }) = held.open.take()
        {
            self.unproven.remove(&id);
        }
    }

    async fn check(&self) -> Result<(), TestCaseError> {
        proptest::prop_assert!(self.unproven.len() <= 1, "two tries of one key may have run");
        proptest::prop_assert!(self.landed <= 1, "the world saw one key twice");
        let state = self.workers[0].get(&self.key).await.expect("a look").map(|call| call.state);
        if self.landed > 0 {
            proptest::prop_assert_ne!(state, Some(CallState::NotExecuted), "what the world saw is called un-run");
        }
        Ok(())
    }
}

#[test]
fn no_sequence_of_crashes_repeats_and_late_answers_sends_twice() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (store, log) = runtime.block_on(async {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await.expect("a store");
        let log = EventLog::start(store.clone());
        (store, log)
    });
    let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
    let worker = |name: &str| Ledger::new(store.clone(), Arc::clone(&clock) as _, log.clone(), name.to_owned());
    let handed_over = std::cell::Cell::new(0);
    let config = Config { cases: 256, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let (workers, clock, key) = ([worker("one"), worker("other")], Arc::clone(&clock), IdempotencyKey::fresh());
                let mut world = World {
                    workers,
                    clock,
                    key,
                    held: Vec::new(),
                    forwarded: Vec::new(),
                    handed_over: 0,
                    landed: 0,
                    unproven: HashSet::new(),
                };
                for step in &steps {
                    world.step(step).await;
                    world.check().await?;
                }
                handed_over.set(handed_over.get() + world.handed_over);
                Ok(())
            })
        })
        .expect("never twice");
    assert!(handed_over.get() > 10, "the run shows little: {} rows were handed over", handed_over.get());
}
