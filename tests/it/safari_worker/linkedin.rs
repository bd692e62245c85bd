//! Replies on LinkedIn, whose inbox knows people only by the names that it shows.

use std::sync::Arc;

use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, NewCampaign, Target, TargetState};
use everreach_core::safari::{DispatchOutcome, Platform};
use everreach_core::testing::ScriptedDispatcher;
use serde_json::json;

use super::campaigns::{Letters, dms, templates};
use super::world::{World, both};

const HOUR: u64 = 3_600;

#[tokio::test(flavor = "multi_thread")]
async fn on_linkedin_whoever_replied_is_known_by_the_name_that_was_seen_when_they_were_written_to() {
    for store in both().await {
        let letters = Arc::new(Letters::default());
        let seen = json!({"success": true, "verified": true, "verifiedRecipient": "Bob Ross\nPainter at Joy"});
        let sent = DispatchOutcome::sent("seen").with_answer(seen);
        let world = World::new(store, ScriptedDispatcher::new([sent])).with_inbox(letters.clone());
        let mut plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Linkedin).expect("a plan");
        plan.comments = 0;
        let new = NewCampaign::new(plan, vec![Target::new("bob-ross")]).named("c1").with_templates(templates());
        world.campaigns.start(new).await.expect("it starts");
        world.worker.run_once(9).await.expect("a run");
        letters.0.lock().expect("no panic").push("Bob".to_owned());
        world.advance(2 * HOUR);
        world.worker.run_once(9).await.expect("a run");
        let target = || async { world.campaigns.show("c1").await.expect("it is there").targets.remove(0) };
        assert_eq!(target().await.shown_name.as_deref(), Some("Bob Ross"));
        assert_ne!(target().await.state, TargetState::Replied, "another name is another person");
        letters.0.lock().expect("no panic").push("Bob Ross".to_owned());
        world.advance(72 * HOUR);
        world.worker.run_once(9).await.expect("a run");
        assert_eq!((target().await.state, dms(&world).len()), (TargetState::Replied, 1));
    }
}
