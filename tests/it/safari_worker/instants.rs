//! Things that happen between a claim and its send, at every instant there is: whenever the worker looks at its clock.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use everreach_core::safari::queue::Denied;
use everreach_core::safari::{Command, CommandStatus, Contact, DispatchOutcome, Platform};
use everreach_core::store::Store;
use everreach_core::testing::{ManualClock, ScriptedDispatcher};
use everreach_core::{Clock, Timestamp};

use super::world::{World, both};
use crate::support::store::{execute, number};

type Happening = Box<dyn FnOnce() + Send>;
/// When each message left, and to whom.
type Sends = Arc<Mutex<Vec<(Timestamp, String)>>>;

/// A clock that lets something happen when it is read for the so-and-so-many-th time.
struct Eventful {
    clock: Arc<ManualClock>,
    planned: Mutex<Option<(u32, Happening)>>,
}

impl fmt::Debug for Eventful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Eventful").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Eventful {
    fn following(clock: &Arc<ManualClock>) -> Arc<Self> {
        Arc::new(Self { clock: Arc::clone(clock), planned: Mutex::default() })
    }

    /// Before the reading that follows so many others.
    fn plan(&self, after: u32, happening: impl FnOnce() + Send + 'static) {
        *self.planned.lock().expect("no panic") = Some((after, Box::new(happening)));
    }

    /// Calls it off; says whether it was still to come.
    fn call_off(&self) -> bool {
        self.planned.lock().expect("no panic").take().is_some()
    }

    fn reading(&self) {
        let happening = {
            let mut planned = self.planned.lock().expect("no panic");
            match planned.as_mut() {
                Some((0, _)) => planned.take().map(|(_, happening)| happening),
                Some((left, _)) => {
                    *left -= 1;
                    None
                }
                None => None,
            }
        };
        if let Some(happening) = happening {
            happening();
        }
    }
}

impl Clock for Eventful {
    fn now(&self) -> Timestamp {
        self.reading();
        self.clock.now()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A world with its eventful clock.
fn eventful(store: Store, start: Timestamp) -> (World, Arc<Eventful>, Sends) {
    let clock = Arc::new(ManualClock::at(start));
    let sends = Sends::default();
    let (noted, seen_at) = (Arc::clone(&sends), Arc::clone(&clock));
    let dispatcher = ScriptedDispatcher::answering(move |command| {
        let to = command.contact().expect("a message").to_string();
        noted.lock().expect("no panic").push((seen_at.now(), to));
        DispatchOutcome::sent("seen")
    });
    let eventful = Eventful::following(&clock);
    (World::reading(store, Arc::new(dispatcher), clock, eventful.clone()), eventful, sends)
}

const LIMIT: i64 = 2;
const USED: &str =
    "SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM safari_rate_limits WHERE period = 'day' AND platform <> 'all'";

fn midnight_before(at: Timestamp) -> String {
    format!("{}T00:00:00.000000Z", at.date_naive())
}

/// Of these sends no day has more than its limit, each day counts its own, and nobody got two. One was sent on `earlier` before.
async fn assert_counted(world: &World, sends: &[(Timestamp, String)], earlier: Timestamp) {
    let mut days = BTreeMap::from([(midnight_before(earlier), 1)]);
    for (at, _) in sends {
        *days.entry(midnight_before(*at)).or_default() += 1;
    }
    for (day, sent) in days {
        assert!(sent <= LIMIT, "{sent} on {day}: {sends:?}");
        let used = format!("{USED} AND started_at = '{day}'");
        assert_eq!(number(&world.store, used).await, sent, "{day}: {sends:?}");
    }
    let people: BTreeSet<_> = sends.iter().map(|(_, to)| to).collect();
    assert_eq!(people.len(), sends.len(), "nobody twice: {sends:?}");
}

/// Runs on one side of a midnight, and the clock steps over it at each of the worker's instants in turn.
async fn step_everywhere(store: Store, from: &str, to: &str) {
    let (mut world, eventful, sends) = eventful(store, at(from));
    world.set(|config| config.limits = r#"{"twitter": {"dm": 2}}"#.parse().expect("limits"));
    let mut all = 0;
    for instant in 0.. {
        let apart = Duration::from_secs(u64::from(instant) * 10 * 86_400);
        let (here, there) = (at(from) + apart, at(to) + apart);
        world.clock.step_to(here);
        // The day to which the clock steps has room for one more.
        let earlier = format!(
            "INSERT INTO safari_rate_limits (platform, action, period, started_at, used) VALUES ('twitter', 'dm', 'day', '{}', 1)",
            midnight_before(there)
        );
        execute(&world.store, earlier).await;
        let ids = world.enqueue((0..6).map(|number| world.dm(&format!("user{instant}x{number}")))).await;
        let clock = Arc::clone(&world.clock);
        eventful.plan(instant, move || clock.step_to(there));
        // One at a time, so that nobody else reads the clock while a message is on its way.
        for _ in 0..3 {
            world.worker.run_once(1).await.expect("a run");
        }
        let is_over = eventful.call_off();
        for now in [here, there, here, there] {
            world.clock.step_to(now);
            world.worker.run_once(9).await.expect("a run");
        }
        // Spacing may hold the rest back until the clock has caught up; then it goes on.
        world.clock.step_to(here.max(there) + Duration::from_secs(2 * 86_400));
        assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 2, "another day, another two");
        let sends = std::mem::take(&mut *sends.lock().expect("no panic"));
        assert_counted(&world, &sends, there).await;
        all += 1 + i64::try_from(sends.len()).expect("small");
        assert_eq!(number(&world.store, USED).await, all, "no other day counts anything");
        for id in ids {
            if world.status(id).await == CommandStatus::Pending {
                world.queue.cancel(id).await.expect("it waits");
            }
        }
        if is_over {
            assert!(instant > 20, "a run reads the clock more often than {instant} times");
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_over_midnight_at_any_instant_neither_loses_nor_doubles_a_count() {
    for store in both().await {
        step_everywhere(store, "2026-11-20T23:50:00Z", "2026-11-21T00:10:00Z").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_over_midnight_at_any_instant_neither_loses_nor_doubles_a_count() {
    for store in both().await {
        step_everywhere(store, "2026-11-21T00:10:00Z", "2026-11-20T23:50:00Z").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_denied_at_any_instant_before_the_send_is_not_written_to() {
    for store in both().await {
        let (world, eventful, sends) = eventful(store, at("2026-11-20T12:00:00Z"));
        for instant in 0.. {
            let handle = format!("user{instant}");
            let ids = world.enqueue([world.dm(&handle)]).await;
            let (queue, sends_then) = (world.queue.clone(), Arc::clone(&sends));
            let was_sent = Arc::new(Mutex::new(false));
            let noted = Arc::clone(&was_sent);
            let contact = Contact::new(Platform::Twitter, &handle);
            eventful.plan(instant, move || {
                let denying = queue.deny(Denied::on(&contact), "opt_out");
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(denying)).expect("it is denied");
                let sends = sends_then.lock().expect("no panic");
                *noted.lock().expect("no panic") = sends.iter().any(|(_, to)| *to == contact.to_string());
            });
            world.worker.run_once(1).await.expect("a run");
            let is_over = eventful.call_off();
            world.worker.run_once(1).await.expect("a run");
            let contact = Contact::new(Platform::Twitter, &handle).to_string();
            let is_sent = sends.lock().expect("no panic").iter().any(|(_, to)| *to == contact);
            if is_over {
                assert!(is_sent && instant >= 10, "a run reads the clock more often than {instant} times");
                break;
            }
            assert_eq!(is_sent, *was_sent.lock().expect("no panic"), "{handle} was written to after it was denied");
            let status = world.status(ids[0]).await;
            assert!(status.is_terminal(), "{handle}: {status}");
            world.advance(3_600);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_with_lower_limits_keeps_them_with_what_was_sent_before() {
    for store in both().await {
        let mut world = World::new(store, ScriptedDispatcher::new([]));
        world.enqueue((0..5).map(|number| world.dm(&format!("user{number}")))).await;
        assert_eq!(world.worker.run_once(3).await.expect("a run").completed, 3);
        world.set(|config| config.limits = r#"{"twitter": {"dm": 3}}"#.parse().expect("limits"));
        assert_eq!(world.worker.run_once(9).await.expect("a run").executed, 0, "three of three are used");
        world.set(|config| config.limits = r#"{"twitter": {"dm": 1}}"#.parse().expect("limits"));
        assert_eq!(world.worker.run_once(9).await.expect("a run").executed, 0, "more than the limit is used");
        world.advance(86_400);
        for sent in [1, 0] {
            assert_eq!(world.worker.run_once(9).await.expect("a run").completed, sent, "one a day from now on");
        }
        let command = Command::dm(Platform::Tiktok, "ann", "hello there", world.clock.now());
        world.enqueue([command]).await;
        assert_eq!(world.worker.run_once(9).await.expect("a run").completed, 1, "another account is not concerned");
    }
}
