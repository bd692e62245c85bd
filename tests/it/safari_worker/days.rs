//! Thirty simulated days of a campaign over the database, with faults: every law is checked after each round.

use std::sync::Arc;
use std::time::Duration;

use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, NewCampaign, Progress, Target};
use everreach_core::safari::decision::Pacing;
use everreach_core::safari::gate::{Dispatchable, Work};
use everreach_core::safari::queue::{Denied, Resolution};
use everreach_core::safari::worker::SafariWorker;
use everreach_core::safari::{ActiveHours, Contact, DispatchOutcome, DispatchVerdict, Platform, Reason, Repeat};
use everreach_core::store::Store;
use everreach_core::testing::{Dice, ManualClock, ScriptedDispatcher};
use everreach_core::{Clock, Timestamp};
use serde_json::json;

use super::campaigns::{posts, templates};
use super::judge::{Held, Judge, Letters, Press, Presses};
use super::world::{World, noon};
use crate::support::store::{in_memory, number, postgres, texts};

const HOUR: u64 = 3_600;
/// Between two sends of the same kind; the longer one of the defaults.
const SPACING: Duration = Duration::from_secs(120);

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

fn services(seed: u64, clock: &Arc<ManualClock>, presses: &Presses) -> ScriptedDispatcher {
    let (mut dice, clock, presses) = (Dice::new(seed * 2 + 0x9E37_79B9), Arc::clone(clock), Arc::clone(presses));
    ScriptedDispatcher::answering(move |command| {
        let (outcome, is_pressed) = outcome(&mut dice, command);
        if let Some(press) = Press::of(clock.now(), command).filter(|_| is_pressed) {
            presses.lock().expect("no panic").push(press);
        }
        outcome
    })
}

/// The campaign's month, and what happens in it.
struct Month {
    world: World,
    sender: SafariWorker,
    letters: Arc<Letters>,
    presses: Presses,
    dice: Dice,
    judge: Judge,
    targets: usize,
}

impl Month {
    async fn begin(store: Store, seed: u64, targets: usize) -> Self {
        let clock = Arc::new(ManualClock::at(noon()));
        let presses = Presses::default();
        let letters = Arc::new(Letters::new(&clock));
        let dispatcher = Arc::new(services(seed, &clock, &presses));
        let world = Self::world(store, dispatcher, clock, &letters);
        let plan = plan();
        let target = |number: usize| {
            let handle = format!("user{number}");
            let target = Target::new(&handle);
            if number.is_multiple_of(2) { target.with_posts(posts(&handle)) } else { target }
        };
        let new = NewCampaign::new(plan, (0..targets).map(target).collect()).named("c1").with_templates(templates());
        world.campaigns.start(new).await.expect("it starts");
        world.queue.approve("c1").await.expect("a person agrees");
        let sender = world.sender("mac-2");
        Self { world, sender, letters, presses, dice: Dice::new(seed + 77), judge: Judge::default(), targets }
    }

    /// Under the hours and the spacing of the defaults.
    fn world(store: Store, dispatcher: Arc<ScriptedDispatcher>, clock: Arc<ManualClock>, letters: &Arc<Letters>) -> World {
        let mut world = World::with(store, dispatcher, clock).with_inbox(letters.clone());
        world.set(|config| (config.active_hours, config.pacing) = (ActiveHours::NINE_TO_NINE, Pacing::default()));
        world
    }

    /// Everything is started again.
    fn restart(&mut self) {
        let World { store, dispatcher, clock, .. } = &self.world;
        self.world = Self::world(store.clone(), dispatcher.clone(), clock.clone(), &self.letters);
        self.sender = self.world.sender("mac-2");
    }

    /// A worker claims something and is gone, before the request left or after.
    async fn crash(&mut self) {
        let conditions = self.world.worker.conditions().await.expect("the conditions");
        for claimed in self.world.queue.claim("crashed", 1, &conditions).await.expect("a claim") {
            if self.dice.roll(2) == 0 {
                self.world.queue.mark_dispatched(&claimed).await.expect("the mark");
                let press = Press::of(self.world.clock.now(), claimed.dispatchable());
                self.presses.lock().expect("no panic").extend(press);
            }
        }
    }

    /// Somebody who was written to replies, or wants to be left alone.
    async fn somebody_answers(&mut self) {
        let who = format!("user{}", self.dice.roll(u64::try_from(self.targets).expect("small")));
        let is_written_to = self.presses.lock().expect("no panic").iter().any(|press| press.who.as_ref() == Some(&who));
        if is_written_to && self.dice.roll(4) > 0 {
            self.letters.arrive(&who);
        } else if is_written_to {
            let contact = Contact::new(Platform::Twitter, &who);
            self.world.queue.deny(Denied::on(&contact), "opt_out").await.expect("it is denied");
            self.world.campaigns.opted_out(&contact).await.expect("it is told");
            self.judge.denied(&who, self.world.clock.now());
        }
    }

    /// Says what became of what nobody knew, and lets accounts go on.
    async fn a_person_looks(&mut self) {
        let unknown =
            "SELECT CAST(id AS TEXT) FROM safari_command_queue WHERE status = 'failed' AND everreach_outcome = 'unknown'";
        let conditions = self.world.worker.conditions().await.expect("the conditions");
        for id in texts(&self.world.store, unknown).await {
            let id = id.parse().expect("an id");
            let command = self.world.queue.get(id, &conditions).await.expect("a look").expect("it is there").entry.command;
            let checked = everreach_core::safari::gate::check(&command).expect("it was sent");
            let what = Press::of(self.world.clock.now(), &checked).map(|press| press.what);
            let was_pressed = self.presses.lock().expect("no panic").iter().any(|press| Some(&press.what) == what.as_ref());
            let word = if was_pressed { Resolution::Happened } else { Resolution::Retry };
            self.world.queue.resolve(id, word).await.expect("a person says so");
        }
        self.world.queue.lift_halts(Platform::Twitter, None).await.expect("the account goes on");
    }

    /// An hour in which something is sent, as fast as the spacing lets it. The campaign is moved on at its beginning, or left alone.
    async fn hour(&mut self, round: Round) -> u32 {
        let end = self.world.clock.now() + Duration::from_secs(HOUR);
        let mut sent = 0;
        if round == Round::Campaign {
            sent += self.world.worker.run_once(1_000).await.expect("a run").executed;
            self.check().await;
            self.world.clock.advance(SPACING);
        }
        while self.world.clock.now() < end {
            let executed = self.sender.run_once(1_000).await.expect("a run").executed;
            self.judge.check_presses(&self.presses, &self.letters);
            sent += executed;
            if executed == 0 {
                break;
            }
            self.world.clock.advance(SPACING);
        }
        self.world.clock.advance((end - self.world.clock.now()).to_std().unwrap_or_default());
        sent
    }

    /// Nobody is held but by an outcome that nobody knows. Once a person has said what happened, only those are whose message goes out
    /// again by that word and has not yet.
    async fn nobody_is_left_hanging(&mut self) -> Held {
        self.world.campaigns.advance().await.expect("a round");
        let held = self.judge.check_nobody_is_stuck(&self.world, &plan()).await;
        let unknown = "SELECT COUNT(*) FROM safari_command_queue WHERE action = 'send_dm' AND everreach_outcome = 'unknown'";
        let unknown = usize::try_from(number(&self.world.store, unknown).await).expect("small");
        assert!(held.by_posts == 0 && held.by_an_outcome <= unknown, "{held:?}, and {unknown} outcomes are unknown");
        self.a_person_looks().await;
        self.world.campaigns.advance().await.expect("a round");
        let again = "SELECT COUNT(*) FROM safari_command_queue WHERE action = 'send_dm' AND status = 'pending' AND everreach_attempts > 0";
        let again = usize::try_from(number(&self.world.store, again).await).expect("small");
        let left = self.judge.check_nobody_is_stuck(&self.world, &plan()).await;
        assert!(left.by_posts == 0 && left.by_an_outcome <= again, "{left:?}, and {again} go out again");
        held
    }

    async fn check(&mut self) {
        self.judge.check_presses(&self.presses, &self.letters);
        self.judge.check_targets(&self.world.campaigns.show("c1").await.expect("it is there").targets);
        self.judge.check_rows(&self.world.store).await;
    }
}

/// What an hour begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Campaign,
    Sending,
}

/// When it is worth looking again: the next hour after something was sent, else three hours on; in the night at its end.
fn rest(now: Timestamp, sent: u32) -> Duration {
    use chrono::Timelike;
    let hours = match now.hour() {
        21..24 => 33 - now.hour(),
        0..9 => 9 - now.hour(),
        _ if sent == 0 => 2,
        _ => 0,
    };
    Duration::from_secs(u64::from(hours) * HOUR)
}

fn plan() -> CampaignPlan {
    CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan")
}

/// What a month has come to.
struct Played {
    hours: u32,
    sends: usize,
    held: Held,
    progress: Progress,
}

async fn thirty_days(store: Store, seed: u64, targets: usize) -> Played {
    let mut month = Month::begin(store, seed, targets).await;
    let end = noon() + Duration::from_secs(30 * 24 * HOUR);
    let (mut rounds, mut last) = (0_u32, 0);
    while month.world.clock.now() < end {
        if month.dice.roll(12) == 0 {
            month.restart();
        }
        if month.dice.roll(16) == 0 {
            month.crash().await;
        }
        if month.dice.roll(8) == 0 {
            month.somebody_answers().await;
        }
        if rounds.is_multiple_of(4) {
            month.a_person_looks().await;
        }
        let round = if rounds.is_multiple_of(3) || last == 0 { Round::Campaign } else { Round::Sending };
        last = month.hour(round).await;
        month.world.clock.advance(rest(month.world.clock.now(), last));
        rounds += 1;
    }
    month.check().await;
    month.judge.check_all_are_explained(&month.world).await;
    let held = month.nobody_is_left_hanging().await;
    let presses = month.presses.lock().expect("no panic").len();
    assert!(presses > 150, "{presses} sends");
    let progress = month.world.campaigns.show("c1").await.expect("it is there").overview.progress;
    Played { hours: rounds, sends: presses, held, progress }
}

/// Who is held is not over: it waits for a person.
fn assert_most_are_over(progress: Progress) {
    assert!(progress.completed + progress.failed >= progress.total * 9 / 10, "{progress:?}");
}

/// How many months are played; few as a rule, since each takes seconds.
fn seeds(usual: u64) -> std::ops::RangeInclusive<u64> {
    #[allow(clippy::disallowed_methods, reason = "who runs the tests says how long")]
    let wanted = std::env::var("EVERREACH_TEST_SEEDS").ok();
    1..=wanted.map_or(usual, |wanted| wanted.parse().expect("a number of seeds"))
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_a_campaign_with_faults_keep_every_law_on_postgres() {
    assert_most_are_over(thirty_days(postgres().await, 2, 50).await.progress);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_of_two_hundred_targets_keep_every_law_on_sqlite() {
    for seed in seeds(1) {
        let began = tokio::time::Instant::now();
        let (store, _folder) = in_memory().await;
        let Played { hours, sends, held, progress } = thirty_days(store, seed, 200).await;
        let seconds = began.elapsed().as_secs_f64();
        println!("seed {seed}: {seconds:.1} s, {hours} hours, {sends} sends, {progress:?}, {held:?}");
    }
}
