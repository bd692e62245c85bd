//! What the cloud does with a version that the local side sends.

use super::super::conflict::{Standing, standing, winner};
use super::super::{Document, PushOutcome, Seen};
use crate::Side;

/// What was decided about the newest version that a database has sent of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) seen: Seen,
    pub(super) outcome: PushOutcome,
}

/// What becomes of an incoming version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reception {
    /// It takes the place of the held one.
    Take,
    /// It was decided before, like this.
    Repeat(PushOutcome),
    /// The held one says the same and stays.
    Unchanged,
    /// It is older than what is held, or than what its database has sent since.
    Stale,
    /// Neither side knew of the other; this side's version stays.
    Conflict(Side),
}

/// Weighs a version of another database.
pub(super) fn reception(held: Option<&Document>, receipt: Option<Receipt>, incoming: &Document) -> Reception {
    match receipt {
        Some(receipt) if receipt.seen.id == incoming.id => return Reception::Repeat(receipt.outcome),
        Some(receipt) if receipt.seen.number >= incoming.number => return Reception::Stale,
        _ => {}
    }
    let Some(held) = held else { return Reception::Take };
    match standing(held, incoming) {
        Standing::Same => Reception::Repeat(PushOutcome::Applied),
        Standing::Equal => Reception::Unchanged,
        Standing::Follows => Reception::Take,
        Standing::Precedes => Reception::Stale,
        // Two versions of one database are in its own order, however many of them went missing between.
        Standing::Diverged if held.node == incoming.node && incoming.number > held.number => Reception::Take,
        Standing::Diverged if held.node == incoming.node => Reception::Stale,
        Standing::Diverged => Reception::Conflict(winner(held.kind, &held.payload)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::StateKind;
    use super::super::super::fixture::document;
    use super::*;

    fn receipt(document: &Document, outcome: PushOutcome) -> Option<Receipt> {
        Some(Receipt { seen: Seen { id: document.id, number: document.number }, outcome })
    }

    #[test]
    fn a_version_of_a_document_that_is_not_here_is_taken() {
        assert_eq!(reception(None, None, &document(1, "mac", json!(1))), Reception::Take);
    }

    #[test]
    fn a_repeat_gets_the_answer_that_was_lost_whatever_has_happened_since() {
        let (sent, held) = (document(2, "mac", json!(1)), document(9, "cloud", json!(2)));
        for outcome in [PushOutcome::Applied, PushOutcome::Unchanged, PushOutcome::Overruled] {
            assert_eq!(reception(Some(&held), receipt(&sent, outcome), &sent), Reception::Repeat(outcome));
        }
        assert_eq!(reception(Some(&sent), None, &sent.clone()), Reception::Repeat(PushOutcome::Applied));
    }

    #[test]
    fn what_arrives_after_a_later_version_of_the_same_database_is_stale() {
        let (earlier, later) = (document(2, "mac", json!(1)), document(3, "mac", json!(2)));
        assert_eq!(reception(Some(&later), receipt(&later, PushOutcome::Applied), &earlier), Reception::Stale);
        assert_eq!(reception(Some(&later), None, &earlier), Reception::Stale);
        assert_eq!(reception(Some(&earlier), receipt(&earlier, PushOutcome::Applied), &later), Reception::Take);
    }

    #[test]
    fn what_was_made_from_the_held_version_is_taken_and_what_says_the_same_changes_nothing() {
        let held = document(1, "cloud", json!(1));
        let mut incoming = document(2, "mac", json!(2));
        incoming.base = Some(held.id);
        assert_eq!(reception(Some(&held), None, &incoming), Reception::Take);
        assert_eq!(reception(Some(&held), None, &document(2, "mac", json!(1))), Reception::Unchanged);
    }

    #[test]
    fn changes_on_both_sides_are_a_conflict_that_the_kind_decides() {
        let (mut held, mut incoming) = (document(1, "cloud", json!({"n": 1})), document(2, "mac", json!({"n": 2})));
        assert_eq!(reception(Some(&held), None, &incoming), Reception::Conflict(Side::Cloud));
        (held.kind, incoming.kind) = (StateKind::BatchContent, StateKind::BatchContent);
        assert_eq!(reception(Some(&held), None, &incoming), Reception::Conflict(Side::Local));
    }

    proptest! {
        /// Versions of one database, sent in any order and any number of times: the last one stays.
        #[test]
        fn whatever_is_lost_repeated_or_late_the_last_version_stays(order in prop::collection::vec(0_usize..6, 1..40)) {
            let versions: Vec<_> = (0..6_i64).map(|number| document(number + 1, "mac", json!(number))).collect();
            let (mut held, mut newest): (Option<Document>, Option<Receipt>) = (None, None);
            for place in order.into_iter().chain([5]) {
                let incoming = &versions[place];
                match reception(held.as_ref(), newest, incoming) {
                    Reception::Take => {
                        held = Some(incoming.clone());
                        newest = receipt(incoming, PushOutcome::Applied);
                    }
                    Reception::Repeat(outcome) => prop_assert_eq!(outcome, PushOutcome::Applied),
                    Reception::Stale => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(held.map(|held| held.number), Some(6));
        }
    }
}
