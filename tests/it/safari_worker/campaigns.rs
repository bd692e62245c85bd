//! Campaigns over the database: each step once, waits over restarts, what people say.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use everreach_core::safari::campaign::{
    CampaignKind, CampaignPlan, CampaignStatus, Copywriter, NewCampaign, Step, Target, TargetState, Templates,
};
use everreach_core::safari::gate::{Dispatchable, Work};
use everreach_core::safari::inbox::{Inbox, Unread};
use everreach_core::safari::queue::Resolution;
use everreach_core::safari::{CommandStatus, Contact, DispatchOutcome, Platform, Reason};
use everreach_core::testing::ScriptedDispatcher;
use everreach_core::{Error, ErrorKind, Result};
use serde_json::json;

use super::world::{World, both};
use crate::support::store::number;

const HOUR: u64 = 3_600;

pub(super) fn templates() -> Templates {
    r#"{"comments": ["Nice, {handle}", "Well said", "So true"], "first_dm": "first {handle}", "follow_up": "second {handle}",
        "final_touch": "third {handle}"}"#
        .parse()
        .expect("templates")
}

pub(super) fn posts(handle: &str) -> [String; 3] {
    [1, 2, 3].map(|number| format!("https://x.com/{handle}/status/{number}"))
}

pub(super) fn sequence(targets: &[&str]) -> NewCampaign {
    let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan");
    let targets = targets.iter().map(|handle| Target::new(handle).with_posts(posts(handle))).collect();
    NewCampaign::new(plan, targets).named("c1").with_templates(templates())
}

pub(super) fn dms(world: &World) -> Vec<String> {
    let text = |seen: &Dispatchable| match seen.work() {
        Work::Dm(dm) => Some(dm.text.clone()),
        _ => None,
    };
    world.dispatcher.seen().iter().filter_map(text).collect()
}

/// Whoever wrote.
#[derive(Default)]
pub(super) struct Letters(pub(super) Mutex<Vec<String>>);

#[async_trait]
impl Inbox for Letters {
    async fn unread(&self, platform: Platform) -> Result<Unread> {
        // LinkedIn's list has no user names.
        let field = if platform == Platform::Linkedin { "participantName" } else { "username" };
        let conversations: Vec<_> =
            self.0.lock().expect("no panic").iter().map(|name| json!({field: name, "unread": true})).collect();
        Unread::read(platform, &json!({"success": true, "conversations": conversations}))
            .ok_or_else(|| Error::new(ErrorKind::Internal, "no list"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sequence_goes_its_way_over_restarts_and_tells_its_end() {
    for store in both().await {
        let mut world = World::new(store.clone(), ScriptedDispatcher::new([]));
        world.campaigns.start(sequence(&["bob"])).await.expect("it starts");
        assert!(world.campaigns.start(sequence(&["bob"])).await.is_err(), "the id is taken");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 3, "three comments");
        for (hours, sent) in [(23, 0), (1, 1), (71, 1), (1, 2), (71, 2), (1, 3), (200, 3)] {
            world.advance(hours * HOUR);
            world = World::with(store.clone(), world.dispatcher.clone(), world.clock.clone());
            world.worker.run_once(99).await.expect("a run");
            assert_eq!(dms(&world).len(), sent, "after {hours} more hours");
        }
        assert_eq!(dms(&world), ["first bob", "second bob", "third bob"]);
        let shown = world.campaigns.show("c1").await.expect("it is there");
        assert_eq!((shown.overview.status, shown.targets[0].state), (CampaignStatus::Completed, TargetState::Cold));
        let run = "SELECT COUNT(*) FROM safari_campaign_runs WHERE campaign_id = 'c1' AND status = 'completed' AND completed = 1";
        assert_eq!(number(&world.store, run).await, 1);
        let told = "SELECT COUNT(*) FROM everreach_outbox WHERE message LIKE '%Campaign Complete: dm_sequence%'";
        assert_eq!(number(&world.store, told).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_replied_gets_nothing_more_and_what_waits_for_them_is_taken_back() {
    for store in both().await {
        let letters = Arc::new(Letters::default());
        let world = World::new(store, ScriptedDispatcher::new([])).with_inbox(letters.clone());
        world.campaigns.start(sequence(&["bob", "eve"])).await.expect("it starts");
        world.worker.run_once(99).await.expect("a run");
        world.advance(24 * HOUR);
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(dms(&world), ["first bob", "first eve"]);
        letters.0.lock().expect("no panic").push("Bob".to_owned());
        world.advance(72 * HOUR);
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(dms(&world)[2..], ["second eve"]);
        world.advance(72 * HOUR);
        world.stop.stop(None).await.expect("it stops");
        world.worker.run_once(99).await.expect("nothing goes");
        assert_eq!(world.campaigns.replied(&Contact::new(Platform::Twitter, "@Eve")).await.expect("it is told"), 1);
        world.stop.resume().await.expect("it goes on");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(dms(&world).len(), 3, "the last message to eve was taken back");
        let shown = world.campaigns.show("c1").await.expect("it is there");
        assert!(shown.targets.iter().all(|target| target.state == TargetState::Replied), "{shown:?}");
        assert_eq!(shown.overview.status, CampaignStatus::Completed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_paused_sends_nothing_not_even_what_waits() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(sequence(&["bob"])).await.expect("it starts");
        assert_eq!(world.campaigns.advance().await.expect("it is moved on"), 3);
        world.campaigns.pause("c1").await.expect("it is paused");
        assert_eq!(world.worker.run_once(99).await.expect("a run").executed, 0);
        world.campaigns.resume("c1").await.expect("it goes on");
        assert_eq!(world.worker.run_once(99).await.expect("a run").completed, 3);
        world.advance(24 * HOUR);
        assert_eq!(world.campaigns.advance().await.expect("it is moved on"), 1);
        world.campaigns.cancel("c1").await.expect("it is taken back");
        assert_eq!(world.worker.run_once(99).await.expect("a run").executed, 0);
        let cancelled = "SELECT COUNT(*) FROM safari_command_queue WHERE status = 'cancelled'";
        assert_eq!(number(&world.store, cancelled).await, 1);
        assert_eq!(world.campaigns.resume("c1").await.expect_err("it is over").kind(), ErrorKind::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_messages_wait_for_a_person_before_the_first() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(sequence(&["a1", "b1", "c1", "d1"])).await.expect("it starts");
        let waiting = world.queue.waiting_groups().await.expect("the groups");
        assert_eq!((waiting.len(), waiting[0].dms), (1, 12));
        let late = sequence(&["e1", "f1", "g1", "h1"]).named("late");
        world.campaigns.start(late).await.expect("it starts");
        world.advance(3 * 24 * HOUR);
        world.worker.run_once(99).await.expect("a run");
        world.queue.approve("c1").await.expect("a person agrees after a weekend");
        world.worker.run_once(99).await.expect("a run");
        for _ in 0..26 {
            world.advance(HOUR);
            world.worker.run_once(99).await.expect("a run");
        }
        assert_eq!(dms(&world).len(), 4);
        world.advance(4 * 24 * HOUR);
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.queue.approve("late").await.expect_err("a week is over").kind(), ErrorKind::Conflict);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_message_holds_its_target_until_a_person_has_decided() {
    for store in both().await {
        let late = |command: &Dispatchable| match command.work() {
            Work::Dm(_) => DispatchOutcome::unknown(Reason::TimedOut, "late"),
            _ => DispatchOutcome::sent("seen"),
        };
        let world = World::new(store, ScriptedDispatcher::answering(late));
        world.campaigns.start(sequence(&["bob"])).await.expect("it starts");
        world.worker.run_once(99).await.expect("a run");
        for _ in 0..9 {
            world.advance(24 * HOUR);
            world.worker.run_once(99).await.expect("a run");
        }
        assert_eq!(dms(&world).len(), 1);
        let target = world.campaigns.show("c1").await.expect("it is there").targets.remove(0);
        assert!(target.held.is_some_and(|why| why.contains("late")));
        let conditions = world.worker.conditions().await.expect("the conditions");
        let page = world.queue.history(&Default::default(), None, 99, &conditions).await.expect("the history");
        let held = page.commands.iter().find(|entry| entry.outcome.as_deref() == Some("unknown")).expect("it is held");
        assert_eq!(held.command.status, CommandStatus::Failed);
        world.queue.resolve(held.command.id, Resolution::Happened).await.expect("a person says so");
        world.worker.run_once(99).await.expect("a run");
        let target = world.campaigns.show("c1").await.expect("it is there").targets.remove(0);
        assert_eq!((target.state, target.held), (TargetState::AwaitingReply, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_searched_once_and_too_few_of_them_hold_the_target() {
    for store in both().await {
        let found = |command: &Dispatchable| {
            let Work::Research(search) = command.work() else { return DispatchOutcome::sent("seen") };
            let handle = search.keyword.trim_start_matches("from:").to_owned();
            let wanted = if handle == "bob" { 3 } else { 2 };
            let posts: Vec<_> = posts(&handle)[..wanted].iter().map(|url| json!({"author": handle, "url": url})).collect();
            DispatchOutcome::done("found").with_answer(json!({"success": true, "posts": posts}))
        };
        let world = World::new(store, ScriptedDispatcher::answering(found));
        let mut new = sequence(&["bob", "eve"]);
        new.targets.iter_mut().for_each(|target| target.posts.clear());
        world.campaigns.start(new).await.expect("it starts");
        world.worker.run_once(99).await.expect("a run");
        world.worker.run_once(99).await.expect("a run");
        let targets = world.campaigns.show("c1").await.expect("it is there").targets;
        assert_eq!((targets[0].state, targets[0].comments_posted), (TargetState::Warmup, 3), "{targets:?}");
        assert!(targets[1].held.as_ref().is_some_and(|why| why.contains("2 of 3")), "{targets:?}");
        world.campaigns.name_posts("c1", "eve", posts("eve").to_vec()).await.expect("a person names them");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 2 + 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_the_gate_refuses_holds_its_target_and_nobody_else() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        let mut new = sequence(&["bob", "eve"]);
        new.targets[0].posts[1] = "https://evil.example/bob'; open /".to_owned();
        world.campaigns.start(new).await.expect("it starts");
        world.worker.run_once(99).await.expect("a run");
        let targets = world.campaigns.show("c1").await.expect("it is there").targets;
        assert!(targets[0].held.is_some() && targets[0].state == TargetState::Queued, "{targets:?}");
        assert_eq!((targets[1].state, world.dispatcher.seen().len()), (TargetState::Warmup, 3), "{targets:?}");
        world.campaigns.name_posts("c1", "bob", posts("bob").to_vec()).await.expect("a person names them");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 6);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_searches_for_keywords_of_any_characters_once_and_is_then_complete() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        let plan = CampaignPlan::new(CampaignKind::ResearchSweep, Platform::Twitter).expect("a plan");
        let keywords = ["ai agents", "künstliche Intelligenz", "#rust"].map(Target::new).to_vec();
        world.campaigns.start(NewCampaign::new(plan, keywords).named("sweep")).await.expect("it starts");
        assert_eq!(world.worker.run_once(99).await.expect("a run").completed, 3);
        let shown = world.campaigns.show("sweep").await.expect("it is there");
        assert_eq!((shown.overview.status, world.dispatcher.seen().len()), (CampaignStatus::Completed, 3), "{shown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_move_a_campaign_on_at_once_ask_for_each_step_once() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(sequence(&["bob", "eve"])).await.expect("it starts");
        let movers: Vec<_> = (0..8)
            .map(|_| {
                let campaigns = world.campaigns.clone();
                tokio::spawn(async move { campaigns.advance().await })
            })
            .collect();
        let mut asked = 0;
        for mover in movers {
            asked += mover.await.expect("no panic").expect("it is moved on");
        }
        assert_eq!((asked, number(&world.store, "SELECT COUNT(*) FROM safari_command_queue").await), (6, 6));
    }
}

struct Writer(Mutex<u32>);

#[async_trait]
impl Copywriter for Writer {
    async fn text(&self, step: &Step, target: &Target, _plan: &CampaignPlan) -> Result<String> {
        let mut refusals = self.0.lock().expect("no panic");
        if *refusals > 0 {
            *refusals -= 1;
            return Err(Error::new(ErrorKind::Offline, "no words today"));
        }
        Ok(format!("{} about {step:?}", target.handle).replace(['"', '{', '}'], ""))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_wanting_make_a_step_wait_and_are_refused_where_nobody_writes_them() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        let bare = || {
            let mut new = sequence(&["bob"]);
            new.templates = Templates::default();
            new
        };
        assert_eq!(world.campaigns.start(bare()).await.expect_err("no words").kind(), ErrorKind::InvalidInput);
        let campaigns = world.campaigns.clone().with_copywriter(Arc::new(Writer(Mutex::new(1))));
        campaigns.start(bare()).await.expect("it starts");
        assert_eq!(campaigns.advance().await.expect("no words yet"), 0);
        assert_eq!(campaigns.advance().await.expect("now there are"), 3);
        assert_eq!(campaigns.advance().await.expect("each step once"), 0);
    }
}
