//! What goes over `/api/sync/state`: documents with their payloads sealed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Document, SealingKeys, may_leave};
use crate::{Error, ErrorKind, Id, Result, Side, Timestamp};

/// The most documents in a push or a page.
pub const MAX_ITEMS: usize = 200;
/// How many bytes of sealed text go into a push or a page, unless one document alone has more.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
const LONGEST_NODE: usize = 64;

/// A document as it travels. Kind and key are plain text here: one that is not known on the other side fails alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SealedDocument {
    /// What it is about.
    pub kind: String,
    /// Which one.
    pub key: String,
    /// The version's id.
    pub id: Id,
    /// Which version it is, counted where it was made.
    pub number: i64,
    /// The version it was made from.
    pub base: Option<Id>,
    /// The database in which it was made.
    pub node: String,
    /// The side that made it.
    pub side: Side,
    /// When it was made, by that side's clock.
    pub updated_at: Timestamp,
    /// The payload: `name of the key:base64`.
    pub sealed: String,
}

impl SealedDocument {
    /// Seals a document, once it is found that it may leave.
    pub(super) fn seal(document: &Document, keys: &SealingKeys) -> Result<Self> {
        may_leave(&document.payload)?;
        Ok(Self {
            kind: document.kind.as_str().to_owned(),
            key: document.key.as_str().to_owned(),
            id: document.id,
            number: document.number,
            base: document.base,
            node: document.node.clone(),
            side: document.side,
            updated_at: document.updated_at,
            sealed: keys.seal(document)?,
        })
    }

    /// Opens it, and checks that it is one that may have left.
    pub(super) fn open(self, keys: &SealingKeys) -> Result<Document> {
        let (id, name) = (self.id, format!("{}/{}", cut(&self.kind), cut(&self.key)));
        let named = |error: Error| error.with("document", &name).with("version", id);
        let is_node = (1..=LONGEST_NODE).contains(&self.node.len()) && self.node.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_node || self.number < 1 {
            let sentence = "a version has the name of its database, at most 64 visible characters, and a number of at least 1";
            return Err(named(Error::new(ErrorKind::InvalidInput, sentence)));
        }
        let mut document = Document {
            kind: self.kind.parse().map_err(named)?,
            key: self.key.parse().map_err(named)?,
            id,
            number: self.number,
            base: self.base,
            node: self.node,
            side: self.side,
            payload: Value::Null,
            updated_at: self.updated_at,
        };
        document.payload = keys.open(&self.sealed, &document)?;
        may_leave(&document.payload).map_err(named)?;
        Ok(document)
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The newest version that a database has sent of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Seen {
    /// The version.
    pub id: Id,
    /// Its number.
    pub number: i64,
}

/// What the local side sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Push {
    /// Names the try in logs and receipts; what makes a repeat harmless are the ids of the versions.
    pub batch_id: Id,
    /// The database that sends.
    pub node: String,
    /// The versions, at most [`MAX_ITEMS`].
    pub items: Vec<SealedDocument>,
}

/// What became of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushOutcome {
    /// It is the cloud's version now, or was until the cloud changed it.
    Applied,
    /// The cloud's version says the same.
    Unchanged,
    /// Both sides had changed the document, and the cloud's version stays.
    Overruled,
    /// The cloud has had a later version from the same database.
    Stale,
    /// It cannot be taken, for the reason in `error`.
    Refused,
}

impl PushOutcome {
    const ALL: [Self; 5] = [Self::Applied, Self::Unchanged, Self::Overruled, Self::Stale, Self::Refused];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Overruled => "overruled",
            Self::Stale => "stale",
            Self::Refused => "refused",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What the cloud says about one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushResult {
    /// The version.
    pub id: Id,
    /// What became of it.
    pub outcome: PushOutcome,
    /// The cloud's version, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SealedDocument>,
    /// The newest version that the cloud has had from the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What the cloud answers to a push.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushAnswer {
    /// The push that this answers.
    pub batch_id: Id,
    /// One result for each version, in order.
    pub results: Vec<PushResult>,
}

/// One document of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PullItem {
    /// The cloud's version.
    pub document: SealedDocument,
    /// The newest version of the document that the cloud has had from whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Where to go on after this document.
    pub cursor: String,
}

/// The documents that changed after a cursor, in the order of their last change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PullPage {
    /// The documents.
    pub items: Vec<PullItem>,
    /// Where to go on.
    pub next: String,
    /// Whether there is more already.
    pub has_more: bool,
}

/// How many of these fit into one message: as many as stay within the bytes, but at least one.
pub(super) fn that_fit(lengths: impl Iterator<Item = usize>) -> usize {
    let mut total = 0_usize;
    let fitting = lengths.take(MAX_ITEMS).take_while(|length| {
        total = total.saturating_add(*length);
        total <= MAX_BYTES
    });
    fitting.count().max(1)
}

/// A place in the log of one database: `node:number`. Of another database, or beyond its end, it means the beginning.
pub(super) fn cursor(node: &str, seq: i64) -> String {
    format!("{node}:{seq}")
}

pub(super) fn read_cursor(text: &str, node: &str, newest: i64) -> i64 {
    let place = text.strip_prefix(node).and_then(|rest| rest.strip_prefix(':')).and_then(|seq| seq.parse().ok());
    place.filter(|seq| (0..=newest).contains(seq)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::fixture::document;
    use super::*;

    #[test]
    fn what_may_not_leave_is_neither_sealed_nor_opened() {
        let keys = SealingKeys::parse(&"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".into()).expect("a key");
        let private = document(1, "mac", json!({"client_email": "jane@client.example"}));
        SealedDocument::seal(&private, &keys).expect_err("client data");
        let mut sealed = SealedDocument::seal(&document(1, "mac", json!({"n": 1})), &keys).expect("sealed");
        sealed.sealed = keys.seal(&private).expect("sealed by somebody else's program");
        sealed.id = private.id;
        let error = sealed.clone().open(&keys).expect_err("client data");
        assert!(error.to_string().contains("pipeline/deals/1") && !format!("{error:?}").contains("jane"), "{error}");
        sealed.kind = "prospect_embeddings".to_owned();
        assert!(sealed.open(&keys).expect_err("an unknown kind").to_string().contains("never leaves"));
    }

    #[test]
    fn a_cursor_of_another_database_or_from_its_future_means_the_beginning() {
        for (text, place) in [("a:7", 7), ("a:0", 0), ("a:9", 0), ("a:-1", 0), ("b:7", 0), ("a", 0), ("", 0), ("a:7x", 0)] {
            assert_eq!(read_cursor(text, "a", 8), place, "{text}");
        }
    }

    proptest! {
        #[test]
        fn messages_hold_all_documents_in_order_and_stay_within_bounds(lengths in prop::collection::vec(1_usize..200_000, 0..600)) {
            let mut rest = lengths.as_slice();
            while !rest.is_empty() {
                let count = that_fit(rest.iter().copied());
                let (message, later) = rest.split_at(count);
                prop_assert!((1..=MAX_ITEMS).contains(&count));
                prop_assert!(count == 1 || message.iter().sum::<usize>() <= MAX_BYTES);
                rest = later;
            }
        }
    }
}
