//! What is said about a target: it replied, it wants no more, here are its posts.

use serde::Serialize;

use super::Campaigns;
use super::campaigns::unknown;
use super::store::{self, TargetRow};
use crate::safari::campaign::{CampaignKind, Report, apply};
use crate::safari::queue::{Denied, cancel_within};
use crate::safari::{Contact, Platform};
use crate::store::{Db, Store};
use crate::{Error, ErrorKind, Event, Id, Result, Timestamp, events};

/// What ended when somebody was put on the deny list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TurnedAway {
    /// How many commands were taken back.
    pub cancelled: u64,
    /// How many targets of campaigns are over.
    pub targets: usize,
}

impl Campaigns {
    /// Somebody replied: no campaign on that account sends them anything more. Returns how many targets that ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn replied(&self, contact: &Contact) -> Result<usize> {
        self.tell(contact, Report::Replied, "safari.target_replied").await
    }

    /// Somebody wants to hear nothing more, ever: they are put on the deny list, what waits for them is taken back, and no campaign
    /// goes on with them.
    ///
    /// # Errors
    /// The store's.
    pub async fn opted_out(&self, contact: &Contact) -> Result<TurnedAway> {
        self.deny(Denied::on(contact), "opt_out").await
    }

    /// The same for somebody whom nobody is to write to for another reason, on one platform or on all.
    ///
    /// # Errors
    /// The store's.
    pub async fn deny(&self, who: Denied, reason: &str) -> Result<TurnedAway> {
        let cancelled = self.queue.deny(who.clone(), reason).await?;
        let mut targets = 0;
        for platform in who.platform().map_or_else(|| Platform::ALL.to_vec(), |platform| vec![platform]) {
            targets += self.tell(&Contact::new(platform, who.handle()), Report::OptedOut, "safari.target_opted_out").await?;
        }
        Ok(TurnedAway { cancelled, targets })
    }

    /// Names posts of a target, as when too few were found.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such campaign or target, or the store's.
    pub async fn name_posts(&self, campaign: &str, handle: &str, posts: Vec<String>) -> Result<()> {
        let row = self.show(campaign).await?;
        let contact = Contact::new(row.overview.platform, handle);
        let (campaign, now) = (campaign.to_owned(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let row = store::find(&mut db, &campaign).await?.ok_or_else(|| unknown(&campaign))?;
                    let report = Report::PostsNamed { posts };
                    let named = tell_targets(&mut db, &row.id, row.plan.platform, &contact, &report, now).await?;
                    if named == 0 {
                        return Err(Error::new(ErrorKind::NotFound, "the campaign has no such target that is not over")
                            .with("campaign", &campaign)
                            .with("target", contact));
                    }
                    Ok(())
                })
            })
            .await
    }

    async fn tell(&self, contact: &Contact, report: Report, kind: &'static str) -> Result<usize> {
        let (contact, now) = (contact.clone(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let mut told = 0;
                    // Whatever a sweep searches for is no person.
                    let open = store::open(&mut db).await?;
                    for row in open.into_iter().filter(|row| row.plan.kind != CampaignKind::ResearchSweep) {
                        told += tell_targets(&mut db, &row.id, row.plan.platform, &contact, &report, now).await?;
                    }
                    if told > 0 {
                        events::append(&mut db, &Event::new(now, kind, contact.to_string())).await?;
                    }
                    Ok(told)
                })
            })
            .await
    }
}

async fn tell_targets(
    db: &mut Db<'_>,
    campaign: &str,
    platform: Platform,
    contact: &Contact,
    report: &Report,
    now: Timestamp,
) -> Result<usize> {
    let mut told = 0;
    for mut row in store::targets(db, campaign).await? {
        if Contact::new(platform, &row.handle) != *contact || row.target.state.is_terminal() {
            continue;
        }
        apply(&mut row.target, report, now);
        if row.target.state.is_terminal() {
            take_back(db, &mut row, now).await?;
        }
        if !store::move_on(db, campaign, &row, now).await? {
            return Err(
                Error::new(ErrorKind::Conflict, "the target has just been moved on: say it again").with("target", &row.handle)
            );
        }
        told += 1;
    }
    Ok(told)
}

/// Takes back what a target that is over still waits for.
pub(super) async fn take_back(db: &mut Db<'_>, row: &mut TargetRow, now: Timestamp) -> Result<()> {
    let ids: Vec<Id> = row.waiting.drain(..).map(|waiting| waiting.id).collect();
    cancel_within(db, &ids, now).await
}

/// Campaigns whose commands may not be sent: held or taken back.
pub(in crate::safari) async fn unsendable(store: &Store) -> Result<Vec<String>> {
    let mut connection = store.read().await?;
    store::unsendable(&mut connection.db()).await
}
