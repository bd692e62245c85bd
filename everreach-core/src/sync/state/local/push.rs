//! Pushing what waits.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::super::wire::that_fit;
use super::super::{Document, MAX_ITEMS, Push, PushAnswer, PushOutcome, SealedDocument, StateSync};
use super::CloudPeer;
use super::peer::Failed;
use super::settle::{Decision, refuse, settle};
use super::store::{RowName, Waiting, due, fail, pushed};
use crate::retry::{Attempt, Next, decide};
use crate::{Effect, Error, Event, Id, Result};

/// More than an outbox at its bound needs: a push that would not end is a fault.
const MAX_PUSHES: u32 = 10_000;
const DEADLINE: Duration = Duration::from_secs(120);

/// What a push came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PushReport {
    /// Versions that the cloud took, or that said what it has.
    pub applied: u64,
    /// Versions in whose place the cloud's stayed.
    pub overruled: u64,
    /// Versions that had been passed by a later one.
    pub stale: u64,
    /// Versions that cannot go, here or there; they wait with their error.
    pub refused: u64,
}

impl PushReport {
    const fn count(&mut self, outcome: PushOutcome) {
        match outcome {
            PushOutcome::Applied | PushOutcome::Unchanged => self.applied += 1,
            PushOutcome::Overruled => self.overruled += 1,
            PushOutcome::Stale => self.stale += 1,
            PushOutcome::Refused => self.refused += 1,
        }
    }
}

impl StateSync {
    /// Sends what waits to the cloud, oldest first and a message at a time, and takes over what it decides. What was not answered
    /// still waits, and a repeat changes nothing.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) without a key to seal with or without a cloud, [`Offline`](crate::ErrorKind::Offline) in offline mode; what the cloud
    /// answered or that it did not, with what was not pushed still waiting; or the store's.
    pub async fn push_pending_sync(&self) -> Result<PushReport> {
        let cloud = self.cloud()?;
        let _alone = self.parts.exchange.lock().await;
        let mut report = PushReport::default();
        for _ in 0..MAX_PUSHES {
            let waiting = self.due().await?;
            if waiting.is_empty() {
                break;
            }
            let documents = self.presentable(waiting, &mut report).await?;
            if !documents.is_empty() {
                self.push_some(cloud, documents, &mut report).await?;
            }
        }
        if report != PushReport::default() {
            let now = self.parts.clock.now();
            self.parts.events.record(Event::new(now, "sync.pushed", "cloud").with_data(json!(report)));
        }
        Ok(report)
    }

    async fn due(&self) -> Result<Vec<Waiting>> {
        let parts = &self.parts;
        let limit = u32::try_from(MAX_ITEMS).unwrap_or(u32::MAX);
        let mut connection = parts.store.read().await?;
        due(&mut connection.db(), &parts.author, parts.clock.now(), limit).await
    }

    /// Seals what fits into one message. Whatever cannot be read or may not leave is noted and waits, however it came into the table.
    async fn presentable(&self, waiting: Vec<Waiting>, report: &mut PushReport) -> Result<Vec<(Document, SealedDocument)>> {
        let keys = self.keys()?;
        let (mut sealed, mut refused) = (Vec::new(), Vec::new());
        for Waiting { name, attempts, document } in waiting {
            let presented = document.and_then(|document| Ok((SealedDocument::seal(&document, keys)?, document)));
            match presented {
                Ok((letter, document)) => sealed.push((document, letter)),
                Err(error) => refused.push((name, explain(&error), attempts)),
            }
        }
        sealed.truncate(that_fit(sealed.iter().map(|(_, letter)| letter.sealed.len())));
        if refused.is_empty() {
            return Ok(sealed);
        }
        report.refused += u64::try_from(refused.len()).unwrap_or(0);
        let now = self.parts.clock.now();
        let noted = self.parts.store.write(move |mut db| {
            Box::pin(async move {
                for (name, error, attempts) in &refused {
                    refuse(&mut db, name, error, *attempts, now).await?;
                }
                Ok(())
            })
        });
        noted.await?;
        self.parts.events.announce();
        Ok(sealed)
    }

    async fn push_some(&self, cloud: &CloudPeer, sealed: Vec<(Document, SealedDocument)>, report: &mut PushReport) -> Result<()> {
        let (documents, items): (Vec<_>, Vec<_>) = sealed.into_iter().unzip();
        let push = Push { batch_id: Id::new(), node: self.parts.author.node.clone(), items };
        match self.send(cloud, &push).await {
            Ok(answer) => self.take_over(documents, answer, report).await,
            Err(error) => {
                self.note(&documents, &error).await?;
                Err(error.with_operation("push state"))
            }
        }
    }

    /// Sends until an answer comes or trying again has no use. A push that the cloud may have had does no harm the second time.
    async fn send(&self, cloud: &CloudPeer, push: &Push) -> Result<PushAnswer> {
        let parts = &self.parts;
        let (started, mut number) = (parts.clock.monotonic(), 0);
        loop {
            number += 1;
            let failed = match cloud.push(push, parts.config.timeout, parts.clock.now()).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            let Some(wait) = self.wait_after(number, &failed, started) else { return Err(failed.error) };
            tokio::time::sleep(wait).await;
        }
    }

    /// How long to wait before a request is made again; not at all when that has no use.
    pub(super) fn wait_after(&self, number: u32, failed: &Failed, started: Duration) -> Option<Duration> {
        let mut attempt = Attempt::failed(failed.outcome, &failed.error);
        // Like a read, a push changes nothing the second time.
        (attempt.number, attempt.effect, attempt.deadline) = (number, Effect::Read, DEADLINE);
        attempt.elapsed = self.parts.clock.monotonic().saturating_sub(started);
        match decide(&attempt, &self.parts.retry_policy, rand::random()) {
            Next::Again(wait) => Some(wait),
            Next::Stop(_) => None,
        }
    }

    /// Takes over what was decided about each version, and notes that the cloud answered.
    async fn take_over(&self, documents: Vec<Document>, answer: PushAnswer, report: &mut PushReport) -> Result<()> {
        let keys = self.keys()?;
        let mut decisions = Vec::new();
        for (sent, result) in documents.into_iter().zip(answer.results) {
            let opened = result.current.map(|current| current.open(keys)).transpose();
            let decision = match opened {
                Ok(current) => Decision { outcome: result.outcome, current, seen: result.seen, error: result.error },
                // What cannot be opened cannot be taken over: the version goes on waiting, with the reason.
                Err(error) => {
                    let error = Some(explain(&error));
                    Decision { outcome: PushOutcome::Refused, current: None, seen: None, error }
                }
            };
            report.count(decision.outcome);
            decisions.push((sent, decision));
        }
        let (author, now) = (self.parts.author.clone(), self.parts.clock.now());
        let settled = self.parts.store.write(move |mut db| {
            Box::pin(async move {
                for (sent, decision) in decisions {
                    settle(&mut db, &author, &sent, decision, now).await?;
                }
                pushed(&mut db, now).await
            })
        });
        settled.await?;
        self.parts.events.announce();
        Ok(())
    }

    /// Notes why versions still wait; they are sent again with the next push.
    async fn note(&self, documents: &[Document], error: &Error) -> Result<()> {
        let (rows, error) = (documents.iter().map(RowName::of).collect::<Vec<_>>(), explain(error));
        let noted = self.parts.store.write(move |mut db| {
            Box::pin(async move {
                for row in &rows {
                    fail(&mut db, row, &error, None).await?;
                }
                Ok(())
            })
        });
        noted.await
    }
}

/// An error with what it came from, in one line.
pub(super) fn explain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    text.chars().take(500).collect()
}
