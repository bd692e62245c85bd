//! The laws, checked over what the world saw.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::TimeDelta;
use everreach_core::Result;
use everreach_core::safari::campaign::{CampaignPlan, Target, TargetState};
use everreach_core::safari::decision::Conditions;
use everreach_core::safari::gate::{Dispatchable, Work};
use everreach_core::safari::inbox::{Inbox, Unread};
use everreach_core::safari::queue::HistoryFilter;
use everreach_core::safari::{CommandStatus, LimitedAction, Platform};
use everreach_core::store::Store;
use everreach_core::testing::ManualClock;
use everreach_core::{Clock, Timestamp};

use super::campaigns;
use super::world::World;
use crate::support::store::{number, texts};

/// One press of Send, as the world saw it.
#[derive(Debug, Clone)]
pub(super) struct Press {
    pub(super) at: Timestamp,
    pub(super) what: String,
    pub(super) who: Option<String>,
    action: LimitedAction,
}

pub(super) type Presses = Arc<Mutex<Vec<Press>>>;

impl Press {
    /// What this command presses; none for a search.
    pub(super) fn of(at: Timestamp, command: &Dispatchable) -> Option<Self> {
        let (what, who) = match command.work() {
            Work::Dm(dm) => (format!("{}: {}", dm.recipient, dm.text), Some(dm.recipient.clone())),
            Work::Comment(comment) => (comment.post_url.clone(), None),
            _ => return None,
        };
        Some(Self { at, what, who, action: command.action()? })
    }
}

/// Whoever wrote, and when somebody first looked.
pub(super) struct Letters {
    inbox: campaigns::Letters,
    clock: Arc<ManualClock>,
    seen: Mutex<BTreeMap<String, Timestamp>>,
}

impl Letters {
    pub(super) fn new(clock: &Arc<ManualClock>) -> Self {
        Self { inbox: campaigns::Letters::default(), clock: Arc::clone(clock), seen: Mutex::default() }
    }

    pub(super) fn arrive(&self, from: &str) {
        self.inbox.0.lock().expect("no panic").push(from.to_owned());
    }
}

#[async_trait]
impl Inbox for Letters {
    async fn unread(&self, platform: Platform) -> Result<Unread> {
        let now = self.clock.now();
        for from in self.inbox.0.lock().expect("no panic").iter() {
            self.seen.lock().expect("no panic").entry(from.clone()).or_insert(now);
        }
        self.inbox.unread(platform).await
    }
}

/// What has been checked so far.
#[derive(Default)]
pub(super) struct Judge {
    checked: usize,
    pressed: BTreeSet<String>,
    /// Presses in an hour and in a day; of all accounts without an action.
    windows: BTreeMap<(Option<LimitedAction>, i64, i64), u32>,
    last: BTreeMap<LimitedAction, Timestamp>,
    last_of_any: Option<Timestamp>,
    last_to: BTreeMap<String, Timestamp>,
    denied: BTreeMap<String, Timestamp>,
    targets: BTreeMap<String, (TargetState, usize)>,
}

impl Judge {
    pub(super) fn denied(&mut self, who: &str, at: Timestamp) {
        self.denied.entry(who.to_owned()).or_insert(at);
    }

    /// Never twice, never over a limit of an hour or a day of UTC, never too soon, never at night, never to those who said no or replied.
    pub(super) fn check_presses(&mut self, presses: &Presses, letters: &Letters) {
        let presses = presses.lock().expect("no panic");
        let seen = letters.seen.lock().expect("no panic");
        let conditions = Conditions::new(chrono_tz::UTC);
        for press in &presses[self.checked..] {
            assert!(self.pressed.insert(press.what.clone()), "{press:?} is the second");
            let of_action = (Some(press.action), conditions.limit(Platform::Twitter, press.action));
            for (action, limit) in [of_action, (None, conditions.limits.combined())] {
                for (length, most) in [(86_400, limit.per_day), (3_600, limit.per_hour)] {
                    let count = self.windows.entry((action, length, press.at.timestamp() / length)).or_default();
                    *count += 1;
                    assert!(most.is_none_or(|most| *count <= most), "{press:?} is number {count} of {action:?}");
                }
            }
            if let Some(before) = self.last_of_any.replace(press.at) {
                assert!(press.at >= before + conditions.pacing.combined_delay(), "{press:?} follows {before}");
            }
            if let Some(before) = self.last.insert(press.action, press.at) {
                let apart = conditions.pacing.delay(Platform::Twitter, press.action);
                assert!(press.at >= before + apart, "{press:?} follows {before}");
            }
            assert!(conditions.active_hours.contains(press.at, conditions.zone), "{press:?} at night");
            let Some(who) = &press.who else { continue };
            assert!(seen.get(who).is_none_or(|at| press.at <= *at), "{press:?} after the reply");
            assert!(self.denied.get(who).is_none_or(|at| press.at < *at), "{press:?} after the no");
            if let Some(before) = self.last_to.insert(who.clone(), press.at) {
                assert!(press.at >= before + TimeDelta::hours(72), "{press:?} follows {before}");
            }
        }
        self.checked = presses.len();
    }

    /// Nobody goes back, and who is at the end stays there.
    pub(super) fn check_targets(&mut self, targets: &[Target]) {
        for target in targets {
            let now = (target.state, target.comments_posted);
            let Some(before) = self.targets.insert(target.handle.clone(), now) else { continue };
            assert!(before.1 <= now.1, "{target:?}");
            assert!(if before.0.is_terminal() { before.0 == now.0 } else { stage(before.0) <= stage(now.0) }, "{target:?}");
        }
    }

    /// Who is not at the end waits for a command that is not over, for a time that is still to come, or for a person; says how many
    /// wait for a person, by reason.
    pub(super) async fn check_nobody_is_stuck(&self, world: &World, plan: &CampaignPlan) -> Held {
        let (now, mut held) = (world.clock.now(), Held::default());
        let waiting = "SELECT handle FROM everreach_safari_targets WHERE campaign_id = 'c1' AND waiting <> '[]'";
        let waiting: BTreeSet<_> = texts(&world.store, waiting).await.into_iter().collect();
        for target in world.campaigns.show("c1").await.expect("it is there").targets {
            let next = match target.state {
                TargetState::Warmup => target.last_comment_at.map(|last| last + plan.after_comments),
                _ => target.last_dm_at.map(|last| last + plan.before_next_dm),
            };
            match &target.held {
                _ if target.state.is_terminal() => {}
                Some(why) if why.starts_with("nobody knows whether") => held.by_an_outcome += 1,
                Some(why) if why.contains("posts are known") => held.by_posts += 1,
                Some(why) => panic!("{} is held for another reason: {why}", target.handle),
                None if waiting.contains(&target.handle) => {}
                None => assert!(next.is_some_and(|next| now < next), "{target:?} waits for nothing at {now}"),
            }
        }
        held
    }

    /// Between two rounds nothing runs but what a crash has left.
    pub(super) async fn check_rows(&self, store: &Store) {
        let running =
            "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'running' AND COALESCE(worker_id, '') <> 'crashed'";
        assert_eq!(number(store, running).await, 0);
    }

    /// Every row is over, or says why it waits.
    pub(super) async fn check_all_are_explained(&self, world: &World) {
        let conditions = world.worker.conditions().await.expect("the conditions");
        let mut after = None;
        loop {
            let page = world.queue.history(&HistoryFilter::default(), after, 1_000, &conditions).await.expect("a page");
            for entry in page.commands {
                let is_over = entry.command.status.is_terminal();
                assert!(is_over || entry.command.status == CommandStatus::Pending, "{entry:?}");
                assert!(!entry.why.is_empty(), "{entry:?}");
                let is_silent = entry.command.status == CommandStatus::Failed && entry.command.error.is_none();
                assert!(!is_silent, "{entry:?}");
            }
            after = page.next;
            if after.is_none() {
                return;
            }
        }
    }
}

/// How many targets wait for a person, by what they wait for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Whether a message was sent.
    pub(super) by_an_outcome: usize,
    /// Posts to comment on.
    pub(super) by_posts: usize,
}

/// How far a target is; each message begins the wait for a reply again.
fn stage(state: TargetState) -> u8 {
    match state {
        TargetState::Queued => 0,
        TargetState::Warmup => 1,
        TargetState::DmSent => 2,
        TargetState::AwaitingReply => 3,
        _ => 4,
    }
}
