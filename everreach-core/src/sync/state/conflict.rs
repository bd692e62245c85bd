//! Who wins, decided from versions and contents alone: no clock is looked at.

use serde_json::Value;

use super::{Document, Precedence, StateKey, StateKind};
use crate::{Id, Side, Timestamp};

/// Words in the field `status` of a piece of content that is still to be published; so is one without the field.
const TO_BE_PUBLISHED: [&str; 7] = ["pending", "pending_publish", "draft", "approved", "queued", "ready", "scheduled"];

/// Whose version stays when both sides changed a document without knowing of each other: the cloud's for CRM and pipeline data,
/// workflows and strategy; for content of a batch the local one, unless the cloud has published or removed it meanwhile.
///
/// ```
/// use everreach_core::Side;
/// use everreach_core::sync::state::{StateKind, winner};
/// let (draft, published) = (serde_json::json!({"status": "draft"}), serde_json::json!({"status": "published"}));
/// assert_eq!(winner(StateKind::Pipeline, &draft), Side::Cloud);
/// assert_eq!(winner(StateKind::BatchContent, &draft), Side::Local);
/// assert_eq!(winner(StateKind::BatchContent, &published), Side::Cloud);
/// ```
#[must_use]
pub fn winner(kind: StateKind, cloud: &Value) -> Side {
    match kind.precedence() {
        Precedence::Cloud => Side::Cloud,
        Precedence::LocalUntilPublished if is_to_be_published(cloud) => Side::Local,
        Precedence::LocalUntilPublished => Side::Cloud,
    }
}

fn is_to_be_published(content: &Value) -> bool {
    let Value::Object(fields) = content else { return false };
    match fields.get("status") {
        None | Some(Value::Null) => true,
        Some(status) => status.as_str().is_some_and(|word| TO_BE_PUBLISHED.contains(&word.to_ascii_lowercase().as_str())),
    }
}

/// How an incoming version stands to the one that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the same version.
    Same,
    /// It is another one that says the same.
    Equal,
    /// It was made from the held one.
    Follows,
    /// The held one was made from it.
    Precedes,
    /// Neither knew of the other.
    Diverged,
}

pub(super) fn standing(held: &Document, incoming: &Document) -> Standing {
    if incoming.id == held.id {
        Standing::Same
    } else if incoming.base == Some(held.id) {
        Standing::Follows
    } else if held.base == Some(incoming.id) {
        Standing::Precedes
    } else if incoming.payload == held.payload {
        Standing::Equal
    } else {
        Standing::Diverged
    }
}

/// A document that both sides changed without knowing of each other, with both versions.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Conflict {
    /// Its own id.
    pub id: Id,
    /// What the document is about.
    pub kind: StateKind,
    /// Which one.
    pub key: StateKey,
    /// Whose version stays.
    pub winner: Side,
    /// The local version.
    pub local: ConflictVersion,
    /// The cloud's version.
    pub cloud: ConflictVersion,
    /// When it was noticed here.
    pub detected_at: Timestamp,
}

/// One side's version in a conflict.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct ConflictVersion {
    /// The version's id.
    pub id: Id,
    /// What it says.
    pub payload: Value,
    /// When it was made, by its side's clock.
    pub updated_at: Timestamp,
}

impl ConflictVersion {
    pub(super) const fn new(id: Id, payload: Value, updated_at: Timestamp) -> Self {
        Self { id, payload, updated_at }
    }

    fn of(document: &Document) -> Self {
        Self::new(document.id, document.payload.clone(), document.updated_at)
    }
}

impl Conflict {
    pub(super) fn between(local: &Document, cloud: &Document, winner: Side, now: Timestamp) -> Self {
        Self {
            id: Id::new(),
            kind: cloud.kind,
            key: cloud.key.clone(),
            winner,
            local: ConflictVersion::of(local),
            cloud: ConflictVersion::of(cloud),
            detected_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::document;
    use super::*;

    #[test]
    fn whose_version_stays_is_a_table() {
        use Side::{Cloud, Local};
        use StateKind::{BatchContent, CrmStats, FeedbackStrategy, Pipeline, Workflow};
        let (draft, queued, bare) = (json!({"status": "draft"}), json!({"status": "Queued"}), json!({"text": "hello"}));
        let (published, publishing) = (json!({"status": "published"}), json!({"status": "publishing"}));
        let (odd, gone) = (json!({"status": 7}), Value::Null);
        let table = [
            (CrmStats, &bare, Cloud),
            (CrmStats, &gone, Cloud),
            (Pipeline, &draft, Cloud),
            (Workflow, &gone, Cloud),
            (FeedbackStrategy, &bare, Cloud),
            (BatchContent, &bare, Local),
            (BatchContent, &draft, Local),
            (BatchContent, &queued, Local),
            (BatchContent, &published, Cloud),
            (BatchContent, &publishing, Cloud),
            (BatchContent, &odd, Cloud),
            (BatchContent, &gone, Cloud),
        ];
        for (kind, cloud, wanted) in table {
            assert_eq!(winner(kind, cloud), wanted, "{kind}: the cloud says {cloud}");
        }
    }

    #[test]
    fn versions_know_each_other_by_id_and_by_what_they_were_made_from() {
        let first = document(1, "mac", json!({"n": 1}));
        let mut second = document(2, "cloud", json!({"n": 2}));
        assert_eq!(standing(&first, &first.clone()), Standing::Same);
        assert_eq!(standing(&first, &second), Standing::Diverged);
        second.base = Some(first.id);
        assert_eq!((standing(&first, &second), standing(&second, &first)), (Standing::Follows, Standing::Precedes));
        assert_eq!(standing(&first, &document(9, "cloud", json!({"n": 1}))), Standing::Equal);
    }

    #[test]
    fn no_clock_has_a_say() {
        let (mut local, mut cloud) = (document(1, "mac", json!({"n": 1})), document(1, "cloud", json!({"n": 2})));
        for (one, other) in [(0, 1_000_000_000), (1_000_000_000, 0)] {
            local.updated_at = Timestamp::from_timestamp(one, 0).expect("a time");
            cloud.updated_at = Timestamp::from_timestamp(other, 0).expect("a time");
            assert_eq!(standing(&cloud, &local), Standing::Diverged);
            assert_eq!(winner(local.kind, &cloud.payload), Side::Cloud);
        }
    }
}
