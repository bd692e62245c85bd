//! Thirty days of a campaign with faults, played with nothing but the decisions: no database, no services, no real time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::campaign::{CampaignKind, CampaignPlan, CampaignStatus, Report, Step, Target, TargetState, advance, apply};
use super::decision::{
    BrowserRest, Conditions, DmGroup, DmGroupApproval, Halt, NextStep, RetrySchedule, Settlement, next_step, settle,
};
use super::limits::{Counter, Room};
use super::{
    Command, DispatchOutcome, DispatchVerdict, HealthStatus, LimitedAction, Platform, Reason, Repeat, Service, ServiceHealth,
    Verb,
};
use crate::testing::Dice;
use crate::{Id, Timestamp};

const TICK: Duration = Duration::from_secs(600);
const TARGETS: usize = 30;
const CAMPAIGN: &str = "c1";

/// One press of Send, as the world saw it.
#[derive(Debug, Clone)]
struct Press {
    at: Timestamp,
    key: String,
    target: usize,
    action: LimitedAction,
}

struct Queued {
    command: Command,
    step: Step,
    target: usize,
}

struct World {
    dice: Dice,
    now: Timestamp,
    plan: CampaignPlan,
    targets: Vec<Target>,
    queue: Vec<Queued>,
    held: Vec<(Timestamp, Queued)>,
    asked: BTreeSet<String>,
    conditions: Conditions,
    counters: BTreeMap<(Platform, LimitedAction), Counter>,
    presses: Vec<Press>,
    replied_at: BTreeMap<usize, Timestamp>,
}

impl World {
    fn new(seed: u64) -> Self {
        let now: Timestamp = "2026-11-20T06:00:00Z".parse().expect("a time");
        let mut conditions = Conditions::new(chrono_tz::America::Chicago);
        for service in Service::ALL {
            conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", now));
        }
        conditions.dm_groups.insert(CAMPAIGN.to_owned(), DmGroup::new(90, DmGroupApproval::Approved));
        Self {
            dice: Dice::new(seed * 2 + 0x9E37_79B9_7F4A_7C15),
            now,
            plan: CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan"),
            targets: (0..TARGETS).map(|index| Target::new(&format!("user{index}"))).collect(),
            queue: Vec::new(),
            held: Vec::new(),
            asked: BTreeSet::new(),
            conditions,
            counters: BTreeMap::new(),
            presses: Vec::new(),
            replied_at: BTreeMap::new(),
        }
    }

    fn tick(&mut self) {
        self.now += TICK;
        self.advance_targets();
        self.somebody_replies();
        self.a_person_looks();
        self.conditions.halts.retain(|halt| halt.until.is_none_or(|until| until > self.now));
        self.dispatch_one();
    }

    fn advance_targets(&mut self) {
        for (index, target) in self.targets.iter_mut().enumerate() {
            for step in advance(target, &self.plan, CampaignStatus::Running, self.now) {
                let key = step.key(CAMPAIGN, &target.handle);
                assert!(self.asked.insert(key.clone()), "{key} is asked for twice");
                let command = step.command(&self.plan, CAMPAIGN, &target.handle, Some("hello there"), self.now);
                self.queue.push(Queued { command, step, target: index });
            }
        }
        self.queue.sort_by_key(|queued| queued.command.turn());
    }

    fn somebody_replies(&mut self) {
        let index = usize::try_from(self.dice.roll(40_000)).expect("small");
        let is_written_to = |target: &Target| matches!(target.state, TargetState::DmSent | TargetState::AwaitingReply);
        if self.targets.get(index).is_some_and(is_written_to) {
            apply(&mut self.targets[index], &Report::Replied, self.now);
            self.replied_at.insert(index, self.now);
            self.queue.retain(|queued| queued.target != index);
        }
    }

    /// Says after a day what became of what nobody knew, lets the account go on, and frees targets that lack posts.
    fn a_person_looks(&mut self) {
        let (due, still): (Vec<_>, Vec<_>) = self.held.drain(..).partition(|(since, _)| self.now >= *since + 144 * TICK);
        self.held = still;
        for (_, queued) in due {
            let was_pressed =
                self.presses.iter().any(|press| press.key == queued.step.key(CAMPAIGN, &self.targets[queued.target].handle));
            let verdict = if was_pressed { DispatchVerdict::Sent } else { DispatchVerdict::Refused(Repeat::Never) };
            self.report(&queued, verdict);
        }
        if self.dice.roll(144) == 0 {
            self.conditions.halts.clear();
        }
    }

    fn dispatch_one(&mut self) {
        for key in [(Platform::Twitter, LimitedAction::Dm), (Platform::Twitter, LimitedAction::Comment)] {
            let usage = self.counters.entry(key).or_default().usage(self.now);
            self.conditions.usage.insert(key, usage);
        }
        let steps = self.queue.iter().map(|queued| next_step(&queued.command, &self.conditions, self.now));
        let Some((index, step)) = steps.enumerate().find(|(_, step)| !matches!(step, NextStep::Wait { .. })) else { return };
        let mut queued = self.queue.remove(index);
        let NextStep::Dispatch(dispatchable) = step else { panic!("{step:?}") };
        for (platform, action, count) in dispatchable.charges() {
            let limit = self.conditions.limit(platform, action);
            assert_eq!(self.counters.entry((platform, action)).or_default().take(count, limit, self.now), Room::Open);
        }
        let (outcome, is_pressed) = self.outcome(&queued);
        if let (Some(action), true) = (dispatchable.action(), is_pressed) {
            let key = queued.step.key(CAMPAIGN, &self.targets[queued.target].handle);
            self.presses.push(Press { at: self.now, key, target: queued.target, action });
        }
        if let Some(action) = dispatchable.action() {
            self.conditions.last_sent.insert((Platform::Twitter, action), self.now);
            if !outcome.verdict.uses_limit() {
                self.counters.entry((Platform::Twitter, action)).or_default().give_back(1, self.now);
            } else if let Some(contact) = dispatchable.contact().filter(|_| action == LimitedAction::Dm) {
                self.conditions.last_dm.insert(contact.clone(), self.now);
            }
        }
        self.conditions.halts.extend(Halt::from_outcome(&dispatchable, &outcome, self.now));
        match settle(&outcome, queued.command.retry_count, &RetrySchedule::default(), self.now, 0.5) {
            Settlement::Again { at, retry_count } => {
                queued.command.next_retry_at = Some(at);
                queued.command.retry_count = retry_count;
                self.queue.push(queued);
            }
            Settlement::Held => {
                self.conditions.rest = Some(BrowserRest::new(self.now + TICK, dispatchable.service()));
                self.report(&queued, DispatchVerdict::Unknown);
                self.held.push((self.now, queued));
            }
            Settlement::Completed | Settlement::Failed => self.report(&queued, outcome.verdict),
        }
    }

    /// What the service does, and whether Send was pressed.
    fn outcome(&mut self, queued: &Queued) -> (DispatchOutcome, bool) {
        if queued.command.verb() == Some(Verb::MarketResearch) {
            return match self.dice.roll(5) {
                0 => (DispatchOutcome::refused(Repeat::Counted, Reason::NoResults, "nothing"), false),
                _ => (DispatchOutcome::done("found"), false),
            };
        }
        match self.dice.roll(40) {
            0..=24 => (DispatchOutcome::sent("seen"), true),
            25..=28 => (DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, "not seen"), true),
            29 => (DispatchOutcome::unknown(Reason::TimedOut, "late"), true),
            30 => (DispatchOutcome::unknown(Reason::ConnectionLost, "reset"), false),
            31 => (DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "nobody"), false),
            32 => (DispatchOutcome::refused(Repeat::Free, Reason::Captcha, "captcha"), false),
            33 => (DispatchOutcome::refused(Repeat::Free, Reason::ActionBlocked, "blocked"), false),
            34..=36 => (DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"), false),
            _ => (DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "page"), false),
        }
    }

    fn report(&mut self, queued: &Queued, verdict: DispatchVerdict) {
        let target = &mut self.targets[queued.target];
        let report = match &queued.step {
            Step::FindPosts | Step::Search => {
                let found = if matches!(verdict, DispatchVerdict::Refused(_)) { 0 } else { 3 };
                let posts = (0..found).map(|index| format!("https://x.com/{}/status/{index}", target.handle)).collect();
                Report::SearchAnswered { posts }
            }
            Step::Comment { index, .. } => Report::CommentSettled { index: *index, verdict },
            Step::Dm { touch } => Report::DmSettled { touch: *touch, verdict, detail: "as it went".to_owned() },
        };
        apply(target, &report, self.now);
    }

    fn assert_kept(&self) {
        let mut by_key = BTreeSet::new();
        for press in &self.presses {
            assert!(by_key.insert(&press.key), "{} was sent twice", press.key);
            let late = self.replied_at.get(&press.target).is_some_and(|replied| *replied < press.at);
            assert!(!late || press.action == LimitedAction::Comment, "{} after the reply", press.key);
            assert!(self.conditions.active_hours.contains(press.at, self.conditions.zone), "{} at night", press.key);
        }
        for action in LimitedAction::ALL {
            let of_action: Vec<_> = self.presses.iter().filter(|press| press.action == action).collect();
            let limit = self.conditions.limit(Platform::Twitter, action);
            let mut days = BTreeMap::<_, u32>::new();
            let mut hours = BTreeMap::<_, u32>::new();
            for press in &of_action {
                *days.entry(press.at.date_naive()).or_default() += 1;
                *hours.entry(press.at.timestamp() / 3_600).or_default() += 1;
            }
            assert!(days.values().max() <= limit.per_day.as_ref() && hours.values().max() <= limit.per_hour.as_ref(), "{action}");
        }
        let dms: Vec<_> = self.presses.iter().filter(|press| press.action == LimitedAction::Dm).collect();
        for (index, press) in dms.iter().enumerate() {
            let before = dms[..index].iter().rev().find(|other| other.target == press.target);
            assert!(before.is_none_or(|before| press.at - before.at >= chrono::TimeDelta::hours(72)), "{} too early", press.key);
        }
    }
}

#[test]
fn thirty_days_of_a_campaign_with_faults_keep_every_law() {
    for seed in 1..=4 {
        let mut world = World::new(seed);
        for _ in 0..30 * 144 {
            world.tick();
        }
        world.assert_kept();
        let is_over = |target: &Target| target.state.is_terminal() || target.held.is_some();
        let over = world.targets.iter().filter(|target| is_over(target)).count();
        assert!(world.presses.len() > 100, "seed {seed}: {} sends", world.presses.len());
        assert_eq!(over, TARGETS, "seed {seed}: everybody came to an end or waits for a person");
        let ids: BTreeSet<Id> = world.queue.iter().map(|queued| queued.command.id).collect();
        assert_eq!(ids.len(), world.queue.len());
    }
}
