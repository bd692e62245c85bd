//! What others are told of the cloud's standing, kept in the database so that each change is told once whatever dies meanwhile.

use serde::{Deserialize, Serialize};
use url::Url;

use super::store;
use crate::store::{Db, Store};
use crate::{Error, ErrorKind, Id, Result, SharedClock, Timestamp};

/// One change: that the cloud failed, or that it is back. It is kept before it is told, and noted once it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// The same however often it is tried.
    pub(crate) id: Id,
    pub(crate) is_failed: bool,
    pub(crate) at: Timestamp,
    is_told: bool,
}

impl Announcement {
    /// The change to tell of, after this one was the last; none where nothing has changed. That a cloud works of which nobody was told
    /// otherwise is no news.
    fn after(last: Option<Self>, is_failed: bool, now: Timestamp) -> Option<Self> {
        let was_failed = last.is_some_and(|last| last.is_failed);
        (was_failed != is_failed).then(|| Self { id: Id::new(), is_failed, at: now, is_told: false })
    }
}

/// The changes of one cloud's standing.
#[derive(Debug, Clone)]
pub(crate) struct Announcements {
    store: Store,
    clock: SharedClock,
    name: String,
}

impl Announcements {
    pub(crate) fn new(store: Store, clock: SharedClock, endpoint: &Url) -> Self {
        Self { store, clock, name: format!("announced:{}", endpoint.origin().ascii_serialization()) }
    }

    /// Keeps a change that is to be told; none where the last one says the same.
    pub(crate) async fn begin(&self, is_failed: bool) -> Result<Option<Announcement>> {
        let (name, now) = (self.name.clone(), self.clock.now());
        self.store
            .write(move |mut db| {
                Box::pin(async move {
                    let Some(next) = Announcement::after(read(&mut db, &name).await?, is_failed, now) else { return Ok(None) };
                    write(&mut db, &name, &next, now).await?;
                    Ok(Some(next))
                })
            })
            .await
    }

    /// The last change, where nobody noted that it was told.
    pub(crate) async fn untold(&self) -> Result<Option<Announcement>> {
        let mut connection = self.store.read().await?;
        Ok(read(&mut connection.db(), &self.name).await?.filter(|last| !last.is_told))
    }

    /// Notes that it was told.
    pub(crate) async fn told(&self, announcement: Announcement) -> Result<()> {
        let (name, now) = (self.name.clone(), self.clock.now());
        let told = Announcement { is_told: true, ..announcement };
        self.store.write(move |mut db| Box::pin(async move { write(&mut db, &name, &told, now).await })).await
    }
}

async fn read(db: &mut Db<'_>, name: &str) -> Result<Option<Announcement>> {
    let Some(text) = store::read(db, name).await? else { return Ok(None) };
    let unreadable = |source| Error::new(ErrorKind::Store, "what was told of the cloud cannot be read").with_source(source);
    serde_json::from_str(&text).map(Some).map_err(|source| unreadable(source).with("name", name))
}

async fn write(db: &mut Db<'_>, name: &str, announcement: &Announcement, now: Timestamp) -> Result<()> {
    let text = serde_json::to_string(announcement)
        .map_err(|source| Error::new(ErrorKind::Internal, "a change cannot be written as JSON").with_source(source))?;
    store::write(db, name, &text, now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_told_and_a_cloud_that_always_worked_is_none() {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        assert_eq!(Announcement::after(None, false, now), None);
        let failed = Announcement::after(None, true, now).expect("a change");
        assert_eq!(Announcement::after(Some(failed), true, now), None);
        let restored = Announcement::after(Some(failed), false, now).expect("a change");
        assert!(!restored.is_failed && restored.id != failed.id);
        assert_eq!(Announcement::after(Some(restored), false, now), None);
    }
}
