//! What people look at.

use crate::safari::decision::{Conditions, Halt};
use crate::safari::queue::history::{self, Asking};
use crate::safari::queue::{
    CommandDetail, Cursor, Denial, HistoryFilter, Page, SafariQueue, Statistics, WaitingGroup, claim, groups, people,
};
use crate::{Id, Result};

/// The most commands of one page.
const LARGEST_PAGE: u32 = 1_000;

impl SafariQueue {
    /// A command with its tries, and why it is where it is.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, id: Id, conditions: &Conditions) -> Result<Option<CommandDetail>> {
        let elsewhere = self.elsewhere().await?;
        let asking = Asking { conditions, elsewhere: &elsewhere, now: self.clock.now() };
        let mut connection = self.store.read().await?;
        history::detail(&mut connection.db(), id, &asking).await
    }

    /// Commands of every status, newest first: up to `limit` of them, 1,000 at most, after the end of an earlier page.
    ///
    /// # Errors
    /// The store's.
    pub async fn history(
        &self,
        filter: &HistoryFilter,
        after: Option<Cursor>,
        limit: u32,
        conditions: &Conditions,
    ) -> Result<Page> {
        let elsewhere = self.elsewhere().await?;
        let asking = Asking { conditions, elsewhere: &elsewhere, now: self.clock.now() };
        let mut connection = self.store.read().await?;
        history::page(&mut connection.db(), filter, after, limit.clamp(1, LARGEST_PAGE), &asking).await
    }

    /// The queue in numbers.
    ///
    /// # Errors
    /// The store's.
    pub async fn statistics(&self, conditions: &Conditions) -> Result<Statistics> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        history::statistics(&mut connection.db(), conditions, now).await
    }

    /// The conditions of the moment: those given, and what the database says of usage, stops and the browser. What depends on a
    /// command, such as when its recipient was last written to, is not among them.
    ///
    /// # Errors
    /// The store's.
    pub async fn conditions(&self, base: &Conditions) -> Result<Conditions> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        let mut db = connection.db();
        let slot = claim::slot(&mut db).await?;
        claim::surroundings(&mut db, base, &slot, now).await
    }

    /// Campaigns and batches that wait for a person, oldest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn waiting_groups(&self) -> Result<Vec<WaitingGroup>> {
        let mut connection = self.store.read().await?;
        groups::waiting(&mut connection.db()).await
    }

    /// The stops that hold now.
    ///
    /// # Errors
    /// The store's.
    pub async fn halts(&self) -> Result<Vec<Halt>> {
        let now = self.clock.now();
        let mut connection = self.store.read().await?;
        Ok(people::stops(&mut connection.db(), now).await?.halts)
    }

    /// The deny list that is kept in the database.
    ///
    /// # Errors
    /// The store's.
    pub async fn denied(&self) -> Result<Vec<Denial>> {
        let mut connection = self.store.read().await?;
        people::denied(&mut connection.db()).await
    }
}
