//! Which entries of a stream are put into the log.

/// What to do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It follows: take it.
    Take,
    /// It follows, and those between are gone at their origin for good.
    TakeAfterLoss,
    /// It is here already.
    Repeat,
    /// Others have to come first.
    Gap,
}

/// Decides about the entry with this place, by the newest place that is here and the place of the message that precedes it at its
/// origin (0 when it is the oldest there).
pub(super) const fn admit(have: i64, place: i64, previous: i64) -> Admission {
    if place <= have {
        Admission::Repeat
    } else if previous > have {
        Admission::Gap
    } else if have > 0 && place > have + 1 {
        Admission::TakeAfterLoss
    } else {
        Admission::Take
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_follows_is_taken() {
        assert_eq!(admit(0, 1, 0), Admission::Take);
        assert_eq!(admit(4, 5, 4), Admission::Take);
        assert_eq!(admit(4, 4, 3), Admission::Repeat);
        assert_eq!(admit(4, 6, 5), Admission::Gap);
        assert_eq!(admit(0, 900, 0), Admission::Take, "what was before this database came is not missed");
        assert_eq!(admit(4, 900, 0), Admission::TakeAfterLoss);
    }

    proptest! {
        /// Whatever is lost, repeated or comes again from the middle: what is taken is always the next one, and a run from the
        /// asked-for place fills every gap.
        #[test]
        fn a_stream_with_holes_and_repeats_is_taken_in_order(sent in prop::collection::vec((1_i64..40, 1_i64..40), 0..30)) {
            let mut have = 0;
            let mut taken = Vec::new();
            let runs = sent.into_iter().map(|(from, length)| from..(from + length).min(41)).chain(std::iter::once(1..41));
            for place in runs.flatten() {
                if admit(have, place, place - 1) == Admission::Take {
                    taken.push(place);
                    have = place;
                }
            }
            prop_assert_eq!(taken, (1..41).collect::<Vec<_>>());
        }
    }
}
