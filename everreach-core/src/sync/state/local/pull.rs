//! Pulling what the cloud has.

use serde::Serialize;
use serde_json::json;

use super::super::store::{Reached, node, node_locked};
use super::super::{Document, PullPage, Seen, StateSync};
use super::CloudPeer;
use super::push::explain;
use super::settle::{Laid, lay};
use super::store::pulled;
use crate::{Event, Result, Side};

/// More than the documents of a side need: pages that would not end are a fault.
const MAX_PAGES: u32 = 10_000;

/// What a pull came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PullReport {
    /// Versions of the cloud's that were taken over.
    pub taken: u64,
    /// Documents that both sides had changed.
    pub conflicts: u64,
    /// Those of them in which the cloud's version stayed.
    pub overruled: u64,
    /// Versions that could not be opened or read; they are asked for again.
    pub unreadable: u64,
    /// Why the first of them could not.
    pub error: Option<String>,
}

/// One document of a page, opened.
struct Opened {
    document: Result<Document>,
    seen: Option<Seen>,
    cursor: String,
}

/// How far the cloud was read: up to the first document that could not be used.
struct Progress {
    cursor: Option<String>,
    is_held_up: bool,
    /// What this database knew of the exchange when the cloud was asked.
    reached: Reached,
}

impl Progress {
    fn from(reached: Reached) -> Self {
        Self { cursor: reached.pulled_to.clone(), is_held_up: false, reached }
    }

    fn reach(&mut self, cursor: &str) {
        if !self.is_held_up {
            self.cursor = Some(cursor.to_owned());
        }
    }
}

impl StateSync {
    /// Takes over what changed in the cloud since the last pull, a page at a time. What waits here and was changed there too is a
    /// conflict, decided by [`winner`](super::super::winner).
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) without a key to open with or without a cloud, [`Offline`](crate::ErrorKind::Offline) in offline mode; what the cloud
    /// answered or that it did not; or the store's. What was taken over before that is kept.
    pub async fn pull_cloud_state(&self) -> Result<PullReport> {
        let cloud = self.cloud()?;
        let _alone = self.parts.exchange.lock().await;
        let mut progress = self.progress().await?;
        let mut cursor = progress.cursor.clone();
        let mut report = PullReport::default();
        for _ in 0..MAX_PAGES {
            let page = self.ask(cloud, cursor.as_deref()).await.map_err(|error| error.with_operation("pull state"))?;
            let (next, has_more) = (page.next.clone(), page.has_more);
            let Some(laid) = self.lay_page(page, progress, &mut report).await? else {
                progress = self.progress().await?;
                cursor = progress.cursor.clone();
                continue;
            };
            progress = laid;
            if !has_more || cursor.as_deref() == Some(next.as_str()) {
                break;
            }
            cursor = Some(next);
        }
        if report != PullReport::default() {
            let now = self.parts.clock.now();
            self.parts.events.record(Event::new(now, "sync.pulled", "cloud").with_data(json!(report)));
        }
        Ok(report)
    }

    async fn progress(&self) -> Result<Progress> {
        let mut connection = self.parts.store.read().await?;
        Ok(Progress::from(node(&mut connection.db()).await?.reached()))
    }

    async fn ask(&self, cloud: &CloudPeer, cursor: Option<&str>) -> Result<PullPage> {
        let parts = &self.parts;
        let (started, mut number) = (parts.clock.monotonic(), 0);
        loop {
            number += 1;
            let failed = match cloud.pull(cursor, &parts.author.node, parts.config.timeout, parts.clock.now()).await {
                Ok(page) => return Ok(page),
                Err(failed) => failed,
            };
            let Some(wait) = self.wait_after(number, &failed, started) else { return Err(failed.error) };
            tokio::time::sleep(wait).await;
        }
    }

    /// Lays a page over what is here and notes how far it goes, in one transaction. Nothing when another process of this database has
    /// exchanged state since the cloud was asked: what it took over may be newer than the page.
    async fn lay_page(&self, page: PullPage, mut progress: Progress, report: &mut PullReport) -> Result<Option<Progress>> {
        let keys = self.keys()?;
        let items = page.items.into_iter();
        let opened: Vec<_> =
            items.map(|item| Opened { document: item.document.open(keys), seen: item.seen, cursor: item.cursor }).collect();
        let (author, now, next) = (self.parts.author.clone(), self.parts.clock.now(), page.next);
        let laid = self.parts.store.write(move |mut db| {
            Box::pin(async move {
                if node_locked(&mut db).await?.reached() != progress.reached {
                    return Ok(None);
                }
                let mut all = Vec::new();
                for Opened { document, seen, cursor } in opened {
                    let laid = match document {
                        Ok(document) => lay(&mut db, &author, &document, seen, now).await?,
                        Err(error) => Laid::Unreadable(error),
                    };
                    progress.is_held_up |= matches!(laid, Laid::Unreadable(_));
                    progress.reach(&cursor);
                    all.push(laid);
                }
                progress.reach(&next);
                pulled(&mut db, progress.cursor.as_deref(), now).await?;
                progress.reached = node(&mut db).await?.reached();
                Ok(Some((all, progress)))
            })
        });
        let Some((all, progress)) = laid.await? else { return Ok(None) };
        self.parts.events.announce();
        for laid in all {
            match laid {
                Laid::Known | Laid::Below => {}
                Laid::Taken => report.taken += 1,
                Laid::Conflict(winner) => {
                    report.conflicts += 1;
                    report.overruled += u64::from(winner == Side::Cloud);
                }
                Laid::Unreadable(error) => {
                    report.unreadable += 1;
                    report.error.get_or_insert_with(|| explain(&error));
                }
            }
        }
        Ok(Some(progress))
    }
}
