//! What the local side does with a version of the cloud's.

use super::super::conflict::{Standing, standing, winner};
use super::super::{Document, Seen};
use crate::{Id, Side};

/// What becomes of the local version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Merge {
    /// Nothing: the cloud's version is here already.
    Nothing,
    /// The cloud's version takes its place; what was pending is in it, or the cloud has decided about it.
    Adopt,
    /// What is pending was made on top of the cloud's version and stays pending, under this number.
    Keep(i64),
    /// Neither side knew of the other, and the cloud's version takes its place.
    CloudWins,
    /// Neither side knew of the other, and what is pending stays so, under this number.
    LocalWins(i64),
}

/// Weighs the cloud's version. `seen` is the newest version that the cloud has had from here; `held` is the version that is here.
///
/// A number that is not greater than that of `seen`, though the version is another, shows a database that was put back from a backup: its
/// pending change is newer than it looks and gets a number that the cloud takes.
pub(super) fn merge(
    pending: Option<&Document>,
    held: Option<Id>,
    incoming: &Document,
    seen: Option<Seen>,
    own_node: &str,
) -> Merge {
    let Some(pending) = pending else {
        return if held == Some(incoming.id) { Merge::Nothing } else { Merge::Adopt };
    };
    if seen.is_some_and(|seen| seen.id == pending.id) {
        return Merge::Adopt;
    }
    let mut passed = seen.map_or(0, |seen| seen.number);
    let is_own = incoming.node == own_node;
    if is_own {
        passed = passed.max(incoming.number);
    }
    let number = if pending.number > passed { pending.number } else { passed.saturating_add(1) };
    match standing(pending, incoming) {
        Standing::Same | Standing::Equal | Standing::Follows => Merge::Adopt,
        Standing::Precedes => Merge::Keep(number),
        Standing::Diverged if is_own && incoming.number < pending.number => Merge::Keep(number),
        Standing::Diverged if is_own => Merge::LocalWins(number),
        Standing::Diverged => match winner(incoming.kind, &incoming.payload) {
            Side::Local => Merge::LocalWins(number),
            Side::Cloud => Merge::CloudWins,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::StateKind;
    use super::super::super::fixture::document;
    use super::*;

    fn seen(document: &Document) -> Option<Seen> {
        Some(Seen { id: document.id, number: document.number })
    }

    #[test]
    fn without_anything_pending_the_clouds_version_is_taken_once() {
        let incoming = document(3, "cloud", json!(1));
        assert_eq!(merge(None, None, &incoming, None, "mac"), Merge::Adopt);
        assert_eq!(merge(None, Some(Id::new()), &incoming, None, "mac"), Merge::Adopt);
        assert_eq!(merge(None, Some(incoming.id), &incoming, None, "mac"), Merge::Nothing);
    }

    #[test]
    fn an_own_version_that_comes_back_is_its_acknowledgement() {
        let pending = document(2, "mac", json!(1));
        assert_eq!(merge(Some(&pending), Some(pending.id), &pending.clone(), None, "mac"), Merge::Adopt);
        // The cloud had it and has gone on since.
        let later = document(9, "cloud", json!(5));
        assert_eq!(merge(Some(&pending), Some(pending.id), &later, seen(&pending), "mac"), Merge::Adopt);
        let mut next = document(3, "cloud", json!(5));
        next.base = Some(pending.id);
        assert_eq!(merge(Some(&pending), Some(pending.id), &next, None, "mac"), Merge::Adopt);
    }

    #[test]
    fn a_change_on_top_of_what_the_cloud_has_is_no_conflict() {
        let (base, earlier) = (document(1, "cloud", json!(0)), document(2, "mac", json!(1)));
        let mut pending = document(3, "mac", json!(2));
        pending.base = Some(base.id);
        assert_eq!(merge(Some(&pending), None, &base, None, "mac"), Merge::Keep(3));
        // The answer to the earlier one was lost.
        assert_eq!(merge(Some(&pending), None, &earlier, seen(&earlier), "mac"), Merge::Keep(3));
        assert_eq!(merge(Some(&pending), None, &document(8, "cloud", json!(2)), None, "mac"), Merge::Adopt, "it says the same");
    }

    #[test]
    fn changes_on_both_sides_are_a_conflict_that_the_kind_decides() {
        let (mut pending, mut incoming) = (document(2, "mac", json!({"n": 1})), document(7, "cloud", json!({"n": 2})));
        assert_eq!(merge(Some(&pending), None, &incoming, None, "mac"), Merge::CloudWins);
        (pending.kind, incoming.kind) = (StateKind::BatchContent, StateKind::BatchContent);
        assert_eq!(merge(Some(&pending), None, &incoming, None, "mac"), Merge::LocalWins(2));
    }

    #[test]
    fn after_a_backup_was_put_back_a_new_change_gets_a_number_that_the_cloud_takes_and_the_lost_one_is_told_of() {
        let (lost, pending) = (document(6, "mac", json!(6)), document(4, "mac", json!("new")));
        assert_eq!(merge(Some(&pending), None, &lost, seen(&lost), "mac"), Merge::LocalWins(7));
        let mut on_top = document(4, "mac", json!("new"));
        let cloud = document(9, "cloud", json!(9));
        on_top.base = Some(cloud.id);
        assert_eq!(merge(Some(&on_top), None, &cloud, seen(&lost), "mac"), Merge::Keep(7));
    }
}
