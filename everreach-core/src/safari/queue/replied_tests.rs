//! Whoever replied to a campaign gets nothing more of it, however a message came back into the queue.

use std::sync::Arc;

use crate::clock::ManualClock;
use crate::events::EventLog;
use crate::safari::alert::AlertOutbox;
use crate::safari::campaign::{CampaignKind, CampaignPlan, Campaigns, NewCampaign, Target};
use crate::safari::decision::{Conditions, RetrySchedule, settle};
use crate::safari::queue::{Finish, NewCommand, QueueConfig, Resolution, SafariQueue};
use crate::safari::{
    ActiveHours, Command, CommandStatus, Contact, DispatchOutcome, HealthStatus, Platform, Reason, Repeat, Service, ServiceHealth,
};
use crate::store::{Store, StoreConfig};
use crate::{Clock, Id, Result};

struct Place {
    clock: Arc<ManualClock>,
    queue: SafariQueue,
    campaigns: Campaigns,
    conditions: Conditions,
}

impl Place {
    /// A campaign with one target, and a message of it that was tried once, with this outcome.
    async fn after(outcome: DispatchOutcome) -> Result<(Self, Id)> {
        let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
        let clock = Arc::new(ManualClock::at("2026-11-20T12:00:00Z".parse().expect("a time")));
        let events = EventLog::start(store.clone());
        let queue = SafariQueue::new(store.clone(), clock.clone(), events, QueueConfig::default());
        let alerts = AlertOutbox::new(store.clone(), clock.clone());
        let campaigns = Campaigns::new(store, clock.clone(), queue.clone(), alerts);
        let mut conditions = Conditions::new(chrono_tz::UTC);
        conditions.active_hours = ActiveHours::ALWAYS;
        let up = ServiceHealth::new(Service::TwitterDm, HealthStatus::Healthy, "up", clock.now());
        conditions.health.insert(Service::TwitterDm, up);
        let place = Self { clock, queue, campaigns, conditions };
        let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Twitter)?;
        let words = r#"{"comments": ["one", "two", "three"], "first_dm": "1", "follow_up": "2", "final_touch": "3"}"#.parse()?;
        let campaign = NewCampaign::new(plan, vec![Target::new("Bob")]).named("c1").with_templates(words);
        place.campaigns.start(campaign).await?;
        let mut message = Command::dm(Platform::Twitter, "Bob", "hello", place.clock.now());
        message.campaign_id = Some("c1".to_owned());
        let id = place.queue.enqueue(vec![NewCommand::new(message)]).await?[0].id;
        let claimed = place.queue.claim("mac-1", 1, &place.conditions).await?.remove(0);
        place.queue.mark_dispatched(&claimed).await?;
        let settlement = settle(&outcome, 0, &RetrySchedule::default(), place.clock.now(), 0.0);
        // The reply comes while the request is on its way.
        assert_eq!(place.campaigns.replied(&Contact::new(Platform::Twitter, "bob")).await?, 1);
        place.queue.finish(Finish::new(claimed, outcome, settlement)).await?;
        Ok((place, id))
    }

    async fn assert_is_never_sent(&self, id: Id) -> Result<()> {
        self.clock.advance(std::time::Duration::from_secs(3_600));
        assert!(self.queue.claim("mac-1", 1, &self.conditions).await?.is_empty());
        let command = self.queue.get(id, &self.conditions).await?.expect("it is there").entry.command;
        assert_eq!(command.status, CommandStatus::Failed, "{command:?}");
        assert!(command.error.as_deref().is_some_and(|why| why.contains("has replied")), "{command:?}");
        Ok(())
    }
}

#[tokio::test]
async fn a_message_that_is_tried_again_is_not_sent_to_somebody_who_has_replied_meanwhile() -> Result<()> {
    let refused = DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "the page did not load");
    let (place, id) = Place::after(refused).await?;
    place.assert_is_never_sent(id).await
}

#[tokio::test]
async fn a_person_who_does_not_know_of_the_reply_does_not_send_it_again() -> Result<()> {
    let (place, id) = Place::after(DispatchOutcome::unknown(Reason::ConnectionLost, "reset")).await?;
    place.queue.resolve(id, Resolution::Retry).await?;
    place.assert_is_never_sent(id).await
}
