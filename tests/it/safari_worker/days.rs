//! Thirty simulated days of a campaign over the database, with faults.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, NewCampaign, Progress, Target};
use everreach_core::safari::gate::{Dispatchable, Work};
use everreach_core::safari::queue::{HistoryFilter, Resolution};
use everreach_core::safari::{CommandStatus, DispatchOutcome, DispatchVerdict, LimitedAction, Platform, Reason, Repeat};
use everreach_core::store::Store;
use everreach_core::testing::{ManualClock, ScriptedDispatcher};
use everreach_core::{Clock, Timestamp};
use serde_json::json;

use super::campaigns::{Letters, posts, templates};
use super::world::{World, noon};
use crate::support::store::{postgres, sqlite};

/// A small generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// One press of Send, as the world saw it.
#[derive(Debug, Clone)]
struct Press {
    at: Timestamp,
    what: String,
    who: Option<String>,
    action: LimitedAction,
}

type Presses = Arc<Mutex<Vec<Press>>>;

/// What the service does, and whether Send was pressed.
fn outcome(dice: &mut Dice, command: &Dispatchable) -> (DispatchOutcome, bool) {
    if let Work::Research(search) = command.work() {
        let handle = search.keyword.trim_start_matches("from:").to_owned();
        let posts: Vec<_> = posts(&handle).iter().map(|url| json!({"author": handle, "url": url})).collect();
        return (DispatchOutcome::done("found").with_answer(json!({"success": true, "posts": posts})), false);
    }
    match dice.roll(40) {
        0..=24 => (DispatchOutcome::sent("seen"), true),
        25..=28 => (DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, "not seen"), true),
        29 => (DispatchOutcome::unknown(Reason::TimedOut, "late"), true),
        30 => (DispatchOutcome::unknown(Reason::ConnectionLost, "reset"), false),
        31 => (DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "nobody"), false),
        32 => (DispatchOutcome::refused(Repeat::Free, Reason::Captcha, "captcha"), false),
        33..=36 => (DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"), false),
        _ => (DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "page"), false),
    }
}

fn press(at: Timestamp, command: &Dispatchable) -> Option<Press> {
    let (what, who) = match command.work() {
        Work::Dm(dm) => (format!("{}: {}", dm.recipient, dm.text), Some(dm.recipient.clone())),
        Work::Comment(comment) => (comment.post_url.clone(), None),
        _ => return None,
    };
    Some(Press { at, what, who, action: command.action()? })
}

fn services(seed: u64, clock: &Arc<ManualClock>, presses: &Presses) -> ScriptedDispatcher {
    let (mut dice, clock, presses) = (Dice(seed * 2 + 0x9E37_79B9), Arc::clone(clock), Arc::clone(presses));
    ScriptedDispatcher::answering(move |command| {
        let (outcome, is_pressed) = outcome(&mut dice, command);
        if let Some(press) = press(clock.now(), command).filter(|_| is_pressed) {
            presses.lock().expect("no panic").push(press);
        }
        outcome
    })
}

/// A worker claims something and is gone, before the request left or after.
async fn crash(world: &World, dice: &mut Dice, presses: &Presses) {
    let conditions = world.worker.conditions().await.expect("the conditions");
    for claimed in world.queue.claim("crashed", 1, &conditions).await.expect("a claim") {
        if dice.roll(2) == 0 {
            world.queue.mark_dispatched(&claimed).await.expect("the mark");
            presses.lock().expect("no panic").extend(press(world.clock.now(), claimed.dispatchable()));
        }
    }
}

/// Says what became of what nobody knew, and lets accounts go on.
async fn a_person_looks(world: &World, presses: &Presses) {
    let conditions = world.worker.conditions().await.expect("the conditions");
    let mut failed = HistoryFilter::default();
    failed.status = Some(CommandStatus::Failed);
    let page = world.queue.history(&failed, None, 1_000, &conditions).await.expect("the history");
    for entry in page.commands.into_iter().filter(|entry| entry.outcome.as_deref() == Some("unknown")) {
        let checked = everreach_core::safari::gate::check(&entry.command).expect("it was sent");
        let what = press(world.clock.now(), &checked).map(|press| press.what);
        let was_pressed = presses.lock().expect("no panic").iter().any(|press| Some(&press.what) == what.as_ref());
        let word = if was_pressed { Resolution::Happened } else { Resolution::Retry };
        world.queue.resolve(entry.command.id, word).await.expect("a person says so");
    }
    world.queue.lift_halts(Platform::Twitter, None).await.expect("the account goes on");
}

fn assert_kept(world: &World, presses: &[Press], replied: &BTreeMap<String, Timestamp>) {
    let mut seen = BTreeSet::new();
    let mut windows = BTreeMap::<_, u32>::new();
    let mut last = BTreeMap::new();
    for press in presses {
        assert!(seen.insert(&press.what), "{} was sent twice", press.what);
        *windows.entry((press.action, true, press.at.timestamp() / 86_400)).or_default() += 1;
        *windows.entry((press.action, false, press.at.timestamp() / 3_600)).or_default() += 1;
        let Some(who) = &press.who else { continue };
        assert!(replied.get(who).is_none_or(|at| press.at <= *at), "{} after the reply", press.what);
        if let Some(before) = last.insert(who, press.at) {
            assert!(press.at - before >= chrono::TimeDelta::hours(72), "{} too early", press.what);
        }
    }
    let conditions = everreach_core::safari::decision::Conditions::new(world.config.zone);
    for ((action, is_day, window), count) in windows {
        let limit = conditions.limit(Platform::Twitter, action);
        let most = if is_day { limit.per_day } else { limit.per_hour };
        assert!(most.is_none_or(|most| count <= most), "{action}: {count} in window {window}");
    }
}

async fn thirty_days(store: Store, seed: u64, targets: usize) -> Progress {
    let clock = Arc::new(ManualClock::at(noon()));
    let presses = Presses::default();
    let letters = Arc::new(Letters::default());
    let dispatcher = Arc::new(services(seed, &clock, &presses));
    let mut world = World::with(store.clone(), dispatcher.clone(), clock.clone()).with_inbox(letters.clone());
    let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan");
    let target = |number: usize| {
        let handle = format!("user{number}");
        let target = Target::new(&handle);
        if number.is_multiple_of(2) { target.with_posts(posts(&handle)) } else { target }
    };
    let new = NewCampaign::new(plan, (0..targets).map(target).collect()).named("c1").with_templates(templates());
    world.campaigns.start(new).await.expect("it starts");
    world.queue.approve("c1").await.expect("a person agrees");
    let mut dice = Dice(seed + 77);
    let mut replied = BTreeMap::new();
    for tick in 0..30 * 24 {
        clock.advance(Duration::from_secs(3_600));
        if dice.roll(30) == 0 {
            world = World::with(store.clone(), dispatcher.clone(), clock.clone()).with_inbox(letters.clone());
        }
        if dice.roll(40) == 0 {
            crash(&world, &mut dice, &presses).await;
        }
        if dice.roll(60) == 0 {
            let who = format!("user{}", dice.roll(u64::try_from(targets).expect("small")));
            let is_written_to = presses.lock().expect("no panic").iter().any(|press| press.who.as_ref() == Some(&who));
            if is_written_to {
                letters.0.lock().expect("no panic").push(who.clone());
                replied.entry(who).or_insert_with(|| clock.now());
            }
        }
        if tick % 12 == 0 {
            a_person_looks(&world, &presses).await;
        }
        world.worker.run_once(1_000).await.expect("a run");
        assert_kept(&world, &presses.lock().expect("no panic"), &BTreeMap::new());
    }
    let presses = presses.lock().expect("no panic").clone();
    assert_kept(&world, &presses, &replied);
    assert!(presses.len() > 150, "{} sends", presses.len());
    world.campaigns.show("c1").await.expect("it is there").overview.progress
}

fn assert_most_are_over(progress: Progress) {
    assert!(progress.completed + progress.failed >= progress.total * 9 / 10, "{progress:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_a_campaign_with_faults_keep_every_law_on_sqlite() {
    assert_most_are_over(thirty_days(sqlite().await, 1, 50).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_a_campaign_with_faults_keep_every_law_on_postgres() {
    assert_most_are_over(thirty_days(postgres().await, 2, 50).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_two_hundred_targets_keep_every_law_on_sqlite() {
    thirty_days(sqlite().await, 3, 200).await;
}
