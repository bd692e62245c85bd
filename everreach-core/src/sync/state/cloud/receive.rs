//! Taking in a push.

use super::super::local::tell;
use super::super::store::{Author, find_locked, put};
use super::super::{Conflict, Document, MAX_ITEMS, Push, PushAnswer, PushOutcome, PushResult, SealedDocument, Seen, StateSync};
use super::reception::{Reception, reception};
use super::store::{put_receipt, raise, receipt};
use crate::store::Db;
use crate::{Error, ErrorKind, Id, Result, Side, Timestamp};

/// What became of one version, before it is sealed for the way back.
struct Received {
    id: Id,
    outcome: PushOutcome,
    current: Option<Document>,
    seen: Option<Seen>,
    error: Option<String>,
}

impl Received {
    fn refused(id: Id, error: &Error) -> Self {
        Self { id, outcome: PushOutcome::Refused, current: None, seen: None, error: Some(error.to_string()) }
    }
}

impl StateSync {
    /// Takes in what the local side sends, all of it in one transaction; a version that cannot be taken is refused alone.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] without a key to open with, [`ErrorKind::Conflict`] on a side that is not the cloud,
    /// [`ErrorKind::InvalidInput`] for more than [`MAX_ITEMS`] versions; or the store's: nothing was taken then.
    pub async fn receive(&self, push: Push) -> Result<PushAnswer> {
        let keys = self.keys()?;
        self.check_is_cloud()?;
        if push.items.len() > MAX_ITEMS {
            return Err(Error::new(ErrorKind::InvalidInput, "a push has too many versions: send them in several")
                .with("seen", push.items.len())
                .with("at most", MAX_ITEMS));
        }
        let Push { batch_id, node, items } = push;
        let mut opened: Vec<_> = Vec::new();
        for item in items {
            opened.push((item.id, item.open(keys).and_then(|document| from_sender(document, &node))));
        }
        let now = self.parts.clock.now();
        let received = self.parts.store.write(move |mut db| {
            Box::pin(async move {
                let mut all = Vec::new();
                for (id, document) in opened {
                    all.push(match document {
                        Ok(document) => take_in(&mut db, document, batch_id, now).await?,
                        Err(error) => Received::refused(id, &error),
                    });
                }
                Ok(all)
            })
        });
        let received = received.await?;
        self.parts.events.announce();
        let seal = |received: Received| {
            let current = received.current.map(|current| SealedDocument::seal(&current, keys)).transpose()?;
            let Received { id, outcome, seen, error, .. } = received;
            Ok(PushResult { id, outcome, current, seen, error })
        };
        let results = received.into_iter().map(seal).collect::<Result<Vec<_>>>()?;
        Ok(PushAnswer { batch_id, results })
    }

    pub(super) fn check_is_cloud(&self) -> Result<()> {
        let Author { side, .. } = self.parts.author;
        if side == Side::Cloud {
            return Ok(());
        }
        let sentence = "only the cloud terminal takes state and gives it: this side pushes to the cloud and pulls from it";
        Err(Error::new(ErrorKind::Conflict, sentence))
    }
}

fn from_sender(document: Document, node: &str) -> Result<Document> {
    if document.side == Side::Local && document.node == node {
        return Ok(document);
    }
    Err(Error::new(ErrorKind::InvalidInput, "a push holds versions that were made by its sender, on the local side")
        .with("document", format!("{}/{}", document.kind, document.key)))
}

async fn take_in(db: &mut Db<'_>, incoming: Document, batch_id: Id, now: Timestamp) -> Result<Received> {
    let id = incoming.id;
    // Locked: no change is recorded between the decision and its effect.
    let held = match find_locked(db, incoming.kind, &incoming.key).await {
        Ok(kept) => kept.map(|kept| kept.document),
        Err(error) if error.kind() == ErrorKind::Store => return Ok(Received::refused(id, &error)),
        Err(error) => return Err(error),
    };
    let known = receipt(db, &incoming.node, &incoming).await?;
    let seen = known.map(|known| known.seen);
    let decided = reception(held.as_ref(), known, &incoming);
    let (outcome, winner) = match decided {
        Reception::Repeat(outcome) => {
            let current = held.filter(|held| held.id != id);
            return Ok(Received { id, outcome, current, seen, error: None });
        }
        Reception::Stale => return Ok(Received { id, outcome: PushOutcome::Stale, current: held, seen, error: None }),
        Reception::Take => (PushOutcome::Applied, Side::Local),
        Reception::Unchanged => (PushOutcome::Unchanged, Side::Cloud),
        Reception::Conflict(Side::Local) => (PushOutcome::Applied, Side::Local),
        Reception::Conflict(Side::Cloud) => (PushOutcome::Overruled, Side::Cloud),
    };
    if let (Reception::Conflict(winner), Some(held)) = (decided, &held) {
        tell(db, &Conflict::between(&incoming, held, winner, now)).await?;
    }
    put_receipt(db, &incoming, outcome, batch_id, now).await?;
    let seen = Some(Seen { id, number: incoming.number });
    if winner == Side::Local {
        put(db, &incoming, held.map(|held| held.id), now).await?;
        return Ok(Received { id, outcome, current: None, seen, error: None });
    }
    let mut current = held;
    if let Some(held) = &mut current {
        raise(db, held.id, incoming.number).await?;
        held.number = held.number.max(incoming.number);
    }
    Ok(Received { id, outcome, current, seen, error: None })
}
