//! The handle: starting, looking, and what people say about a whole campaign.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::store;
use super::{CampaignDetail, CampaignOverview, Copywriter, NewCampaign, StartedCampaign};
use crate::safari::Platform;
use crate::safari::alert::AlertOutbox;
use crate::safari::campaign::{CampaignStatus, Progress};
use crate::safari::inbox::Inbox;
use crate::safari::queue::{SafariQueue, approvals, expect_dms, take_up};
use crate::store::{Db, Store};
use crate::{Error, ErrorKind, Event, Result, SharedClock, events};

/// A cheap-to-clone handle on the campaigns of a database. [`advance`](Self::advance) moves them on; somebody has to call it from
/// time to time.
///
/// ```
/// # use everreach_core::{SystemClock, events::EventLog, store::{Store, StoreConfig}};
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::alert::AlertOutbox;
/// use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, Campaigns, NewCampaign, Target};
/// use everreach_core::safari::queue::{QueueConfig, SafariQueue};
/// # async fn run() -> everreach_core::Result<()> {
/// # let store = Store::open(&StoreConfig::new("sqlite::memory:")).await?;
/// # let clock = SystemClock::shared();
/// let queue = SafariQueue::new(store.clone(), clock.clone(), EventLog::start(store.clone()), QueueConfig::default());
/// let campaigns = Campaigns::new(store.clone(), clock.clone(), queue, AlertOutbox::new(store, clock));
/// let plan = CampaignPlan::new(CampaignKind::ResearchSweep, Platform::Twitter)?;
/// campaigns.start(NewCampaign::new(plan, vec![Target::new("ai agents")]).named("sweep")).await?;
/// assert_eq!(campaigns.advance().await?, 1, "one search is asked for");
/// assert_eq!(campaigns.list().await?[0].progress.total, 1);
/// # Ok(()) }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime").block_on(run()).expect("it works");
/// ```
#[derive(Clone)]
pub struct Campaigns {
    pub(super) store: Store,
    pub(super) clock: SharedClock,
    pub(super) queue: SafariQueue,
    pub(super) alerts: AlertOutbox,
    pub(super) copywriter: Option<Arc<dyn Copywriter>>,
    pub(super) inbox: Option<Arc<dyn Inbox>>,
    /// When each inbox was last looked into.
    pub(super) looks: Arc<Mutex<BTreeMap<Platform, Duration>>>,
}

impl fmt::Debug for Campaigns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Campaigns").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Campaigns {
    /// The campaigns in this database: nobody writes words, and replies are told by hand.
    #[must_use]
    pub fn new(store: Store, clock: SharedClock, queue: SafariQueue, alerts: AlertOutbox) -> Self {
        Self { store, clock, queue, alerts, copywriter: None, inbox: None, looks: Arc::default() }
    }

    /// Lets somebody write what templates leave out.
    #[must_use]
    pub fn with_copywriter(mut self, copywriter: Arc<dyn Copywriter>) -> Self {
        self.copywriter = Some(copywriter);
        self
    }

    /// Looks into inboxes for replies.
    #[must_use]
    pub fn with_inbox(mut self, inbox: Arc<dyn Inbox>) -> Self {
        self.inbox = Some(inbox);
        self
    }

    /// Starts a campaign. One that may send more than 10 messages waits for [`SafariQueue::approve`] before the first: a week, unless
    /// set otherwise, then it is paused. One whose key is known is not started again.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when it has no targets, names one twice or lacks words,
    /// [`ErrorKind::IdempotencyMismatch`] when the key belongs to another campaign, [`ErrorKind::Conflict`] when the id is taken, or
    /// the store's.
    pub async fn start(&self, new: NewCampaign) -> Result<StartedCampaign> {
        new.check(self.copywriter.is_some())?;
        let now = self.clock.now();
        let expires_at = now + self.queue.config().campaign_approval;
        let dms = u32::try_from(new.plan.planned_dms(new.targets.len())).unwrap_or(u32::MAX);
        let (id, created) = self
            .store
            .write(move |mut db| {
                Box::pin(async move {
                    if !store::insert(&mut db, &new, now).await? {
                        return Ok((known(&mut db, &new).await?, false));
                    }
                    expect_dms(&mut db, &new.id, dms, now, expires_at).await?;
                    let data =
                        serde_json::json!({"kind": new.plan.kind, "platform": new.plan.platform, "targets": new.targets.len()});
                    events::append(&mut db, &Event::new(now, "safari.campaign_started", new.id.clone()).with_data(data)).await?;
                    Ok((new.id, true))
                })
            })
            .await?;
        let overview = self.show(&id).await?.overview;
        Ok(if created { StartedCampaign::created(overview, dms) } else { StartedCampaign::known(overview) })
    }

    /// Every campaign, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self) -> Result<Vec<CampaignOverview>> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let mut overviews = Vec::new();
        let all = store::all(&mut db).await?;
        let said = approvals(&mut db, &all.iter().map(|row| row.id.clone()).collect::<Vec<_>>()).await?;
        for row in all {
            let targets = store::targets(&mut db, &row.id).await?;
            let said = said.get(&row.id).copied();
            overviews.push(CampaignDetail::of(row, targets.into_iter().map(|target| target.target).collect(), said).overview);
        }
        Ok(overviews)
    }

    /// One campaign with its targets.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], or the store's.
    pub async fn show(&self, id: &str) -> Result<CampaignDetail> {
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let row = store::find(&mut db, id).await?.ok_or_else(|| unknown(id))?;
        let targets = store::targets(&mut db, id).await?;
        let said = approvals(&mut db, std::slice::from_ref(&row.id)).await?.remove(id);
        Ok(CampaignDetail::of(row, targets.into_iter().map(|target| target.target).collect(), said))
    }

    /// Holds a campaign: nothing more is asked for, and what waits in the queue is not sent.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Conflict`] when it is over, or the store's.
    pub async fn pause(&self, id: &str) -> Result<CampaignOverview> {
        self.change(id, CampaignStatus::pause, "safari.campaign_paused").await
    }

    /// Lets a campaign go on. When nobody had agreed to its messages in time, a person is asked again.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn resume(&self, id: &str) -> Result<CampaignOverview> {
        let overview = self.change(id, CampaignStatus::resume, "safari.campaign_resumed").await?;
        self.queue.written_within();
        Ok(overview)
    }

    /// Takes a campaign back, and every command of it that waits.
    ///
    /// # Errors
    /// As [`pause`](Self::pause).
    pub async fn cancel(&self, id: &str) -> Result<CampaignOverview> {
        let overview = self.change(id, CampaignStatus::cancel, "safari.campaign_cancelled").await?;
        self.queue.cancel_campaign(id).await?;
        Ok(overview)
    }

    async fn change(
        &self,
        id: &str,
        next: fn(CampaignStatus) -> Result<CampaignStatus>,
        kind: &'static str,
    ) -> Result<CampaignOverview> {
        let (wanted, now) = (id.to_owned(), self.clock.now());
        let expires_at = now + self.queue.config().campaign_approval;
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let row = store::find(&mut db, &wanted).await?.ok_or_else(|| unknown(&wanted))?;
                    let status = next(row.status).map_err(|error| error.with("campaign", &wanted))?;
                    if status != row.status {
                        let targets: Vec<_> = store::targets(&mut db, &wanted).await?.into_iter().map(|row| row.target).collect();
                        store::set_status(&mut db, &row, status, Progress::of(&targets), now).await?;
                        events::append(&mut db, &Event::new(now, kind, wanted.clone())).await?;
                    }
                    if status == CampaignStatus::Running {
                        take_up(&mut db, &wanted, now, expires_at).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(self.show(id).await?.overview)
    }
}

/// The campaign that was started under the same key, when it is the same one.
async fn known(db: &mut Db<'_>, new: &NewCampaign) -> Result<String> {
    let earlier = match &new.key {
        Some(key) => store::started(db, key).await?,
        None => None,
    };
    let refused = |kind, sentence: &'static str| Error::new(kind, sentence).with_operation("start a campaign");
    match (earlier, &new.key) {
        (Some((id, fingerprint)), _) if fingerprint == new.fingerprint() => Ok(id),
        (Some(_), Some(key)) => {
            let sentence = "the key belongs to another campaign: use a new key";
            Err(refused(ErrorKind::IdempotencyMismatch, sentence).with("idempotency_key", key))
        }
        _ => Err(refused(ErrorKind::Conflict, "there is a campaign with this id: take another one").with("campaign", &new.id)),
    }
}

pub(super) fn unknown(id: &str) -> Error {
    Error::new(ErrorKind::NotFound, "there is no campaign with this id").with("campaign", id)
}
