//! A campaign whose messages were refused, or about which nobody answered, sends nothing at all.

use everreach_core::Clock;
use everreach_core::ErrorKind;
use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, CampaignStatus, NewCampaign, Target, TargetState};
use everreach_core::safari::queue::NewCommand;
use everreach_core::safari::{Command, CommandStatus, DispatchVerdict, Platform};
use everreach_core::testing::ScriptedDispatcher;

use super::campaigns::{dms, posts, templates};
use super::world::{World, both};
use crate::support::store::number;

const HOUR: u64 = 3_600;
const WEEK: u64 = 7 * 24 * HOUR;

/// Four targets, twelve messages: a person is asked.
fn large() -> NewCampaign {
    let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter).expect("a plan");
    let targets = ["ann", "bob", "cyd", "dan"].map(|handle| Target::new(handle).with_posts(posts(handle)));
    NewCampaign::new(plan, targets.into()).named("c1").with_templates(templates())
}

fn comment(world: &World, handle: &str) -> NewCommand {
    NewCommand::new(Command::comment(Platform::Twitter, &posts(handle)[0], "nice", world.clock.now()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_a_person_refused_is_over_and_posts_no_comments() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(large()).await.expect("it starts");
        assert_eq!(world.campaigns.advance().await.expect("it is moved on"), 12, "three comments for each");
        world.worker.run_once(2).await.expect("two of them go");
        assert_eq!(world.queue.deny_group("c1").await.expect("it waits"), 10, "the comments are taken back with it");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 2);
        let shown = world.campaigns.show("c1").await.expect("it is there");
        assert_eq!((shown.overview.status, shown.overview.reason), (CampaignStatus::Cancelled, Some("a person refused it")));
        for target in &shown.targets {
            assert_eq!((target.state, target.reason.as_deref()), (TargetState::Failed, Some("a person refused the campaign")));
        }
        assert_eq!(world.campaigns.resume("c1").await.expect_err("it is over").kind(), ErrorKind::Conflict);
        let told = "SELECT COUNT(*) FROM everreach_outbox WHERE message LIKE '%Campaign Complete%'";
        assert_eq!(number(&world.store, told).await, 0);
        let run =
            "SELECT COUNT(*) FROM safari_campaign_runs WHERE status = 'cancelled' AND failed = 4 AND completed_at IS NOT NULL";
        assert_eq!(number(&world.store, run).await, 1);
        world.advance(WEEK);
        assert_eq!(world.worker.run_once(99).await.expect("a run").executed, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comment_written_into_a_refused_campaign_is_refused_too() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(large()).await.expect("it starts");
        world.queue.deny_group("c1").await.expect("it waits");
        let comment = comment(&world, "bob").in_campaign("c1");
        let id = world.queue.enqueue(vec![comment]).await.expect("written")[0].id;
        world.worker.run_once(99).await.expect("a run");
        let entry = world.get(id).await.entry;
        assert_eq!((entry.command.status, entry.outcome.as_deref()), (CommandStatus::Failed, Some("refused")));
        assert!(entry.why.contains("a person refused campaign c1"), "{}", entry.why);
        assert_eq!(world.dispatcher.seen().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_nobody_answered_about_is_held_until_a_person_is_asked_again_and_agrees() {
    for store in both().await {
        let mut world = World::new(store, ScriptedDispatcher::new([]));
        world.set(|config| config.limits = r#"{"twitter": {"comment": 100, "dm": 100}}"#.parse().expect("limits"));
        world.campaigns.start(large()).await.expect("it starts");
        world.campaigns.advance().await.expect("it is moved on");
        world.worker.run_once(2).await.expect("two comments go");
        world.advance(WEEK);
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 2, "no comment goes once the time is over");
        let shown = world.campaigns.show("c1").await.expect("it is there").overview;
        assert_eq!(shown.status, CampaignStatus::Paused);
        assert_eq!(shown.reason, Some("nobody agreed to its messages in time: resume it to be asked again"));
        assert_eq!(world.queue.approve("c1").await.expect_err("it is too late").kind(), ErrorKind::Conflict);
        assert!(world.queue.waiting_groups().await.expect("groups").is_empty());

        world.campaigns.resume("c1").await.expect("it goes on");
        assert_eq!(world.queue.waiting_groups().await.expect("groups")[0].dms, 12, "a person is asked again");
        assert_eq!(world.campaigns.show("c1").await.expect("it is there").overview.reason, None);
        for _ in 0..3 {
            world.worker.run_once(99).await.expect("a run");
            world.advance(24 * HOUR);
        }
        world.worker.run_once(99).await.expect("a run");
        assert_eq!((world.dispatcher.seen().len(), dms(&world).len()), (12, 0), "its comments go, its messages wait");
        world.queue.approve("c1").await.expect("a person agrees");
        world.worker.run_once(99).await.expect("a run");
        assert_eq!(dms(&world).len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_is_held_stands_in_nobodys_way() {
    for store in both().await {
        let world = World::new(store, ScriptedDispatcher::new([]));
        world.campaigns.start(large()).await.expect("it starts");
        world.campaigns.advance().await.expect("it is moved on");
        world.campaigns.pause("c1").await.expect("it is paused");
        let id = world.queue.enqueue(vec![comment(&world, "zoe").with_priority(9)]).await.expect("written")[0].id;
        assert_eq!(world.worker.run_once(99).await.expect("a run").completed, 1);
        assert_eq!(world.get(id).await.entry.outcome.as_deref(), Some(DispatchVerdict::Sent.as_str()));
        world.campaigns.resume("c1").await.expect("it goes on");
        world.worker.run_once(3).await.expect("a run");
        assert_eq!(world.dispatcher.seen().len(), 4, "what was put aside goes at once");
    }
}
