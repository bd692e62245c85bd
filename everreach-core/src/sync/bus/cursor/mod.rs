//! How far a subscription is, and what it is given next.

mod store;

use std::cmp::Ordering;

pub use store::first_time;
pub(super) use store::{
    Deferred, acknowledge, defer, drop_replayed, look, next_replay, park, park_again, parked, register, replay, save, unregister,
};

use crate::Timestamp;

/// A subscription's row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cursor {
    /// Everything up to here is handled or parked.
    pub(super) position: i64,
    /// The message that was delivered last as the first of its batch.
    pub(super) head: i64,
    /// Whatever lies up to here may have been delivered before.
    pub(super) through: i64,
    /// How often `head` was delivered.
    pub(super) attempts: u32,
    /// `head` waits until then.
    pub(super) next_at: Option<Timestamp>,
    /// Why `head` failed.
    pub(super) error: Option<String>,
}

/// What to do with the messages that are next.
#[derive(Debug, PartialEq)]
pub(super) enum Offer {
    /// There is none.
    Nothing,
    /// The first one waits until then.
    Wait(Timestamp),
    /// Deliver so many, with this cursor written down first.
    Deliver(usize, Cursor),
    /// Park the first one: it was delivered too often without an end.
    Park {
        /// How often.
        attempts: u32,
        /// Why.
        error: String,
    },
}

/// Decides about the messages after the cursor, given by their numbers in order.
///
/// A message that may have been delivered before goes alone: when handling it ends the process, its deliveries are counted and not
/// those of its neighbours.
pub(super) fn offer(cursor: &Cursor, next: &[i64], max_attempts: u32, now: Timestamp) -> Offer {
    let Some((&first, &last)) = next.first().zip(next.last()) else { return Offer::Nothing };
    let attempts = if cursor.head == first { cursor.attempts } else { 0 };
    if attempts > 0
        && let Some(next_at) = cursor.next_at.filter(|next_at| *next_at > now)
    {
        return Offer::Wait(next_at);
    }
    if attempts >= max_attempts {
        let error =
            cursor.error.clone().unwrap_or_else(|| "no handler came to an end with it: the process may have died".to_owned());
        return Offer::Park { attempts, error };
    }
    let (count, last) = match first.cmp(&cursor.through) {
        Ordering::Greater => (next.len(), last),
        _ => (1, first),
    };
    let error = cursor.error.clone().filter(|_| attempts > 0);
    let through = cursor.through.max(last);
    Offer::Deliver(
        count,
        Cursor { head: first, through, attempts: attempts + 1, next_at: None, error, position: cursor.position },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn new() -> Cursor {
        Cursor { position: 0, head: 0, through: 0, attempts: 0, next_at: None, error: None }
    }

    fn deliver(cursor: &Cursor, next: &[i64]) -> (usize, Cursor) {
        match offer(cursor, next, 3, NOW) {
            Offer::Deliver(count, cursor) => (count, cursor),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn new_messages_come_together_and_the_same_ones_again_come_alone() {
        assert_eq!(offer(&new(), &[], 3, NOW), Offer::Nothing);
        let (count, cursor) = deliver(&new(), &[4, 5, 9]);
        assert_eq!((count, cursor.head, cursor.through, cursor.attempts), (3, 4, 9, 1));
        let (count, again) = deliver(&cursor, &[4, 5, 9, 12]);
        assert_eq!((count, again.attempts, again.through), (1, 2, 9));
        let (count, next) = deliver(&Cursor { position: 4, ..again }, &[5, 9, 12]);
        assert_eq!((count, next.head, next.attempts), (1, 5, 1), "its own deliveries count");
        let (count, after) = deliver(&Cursor { position: 9, ..next }, &[12, 13]);
        assert_eq!((count, after.attempts), (2, 1));
    }

    #[test]
    fn a_message_that_ends_its_process_again_and_again_is_parked() {
        let mut cursor = new();
        for _ in 0..3 {
            cursor = deliver(&cursor, &[7, 8]).1;
        }
        assert!(matches!(offer(&cursor, &[7, 8], 3, NOW), Offer::Park { attempts: 3, error } if error.contains("died")));
    }

    #[test]
    fn a_failed_message_waits_and_holds_back_the_others() {
        let later = NOW + std::time::Duration::from_secs(1);
        let failed = Cursor { head: 7, through: 9, attempts: 1, next_at: Some(later), error: Some("no".to_owned()), position: 6 };
        assert_eq!(offer(&failed, &[7, 8, 9], 3, NOW), Offer::Wait(later));
        let Offer::Deliver(1, again) = offer(&failed, &[7, 8, 9], 3, later) else { panic!("its time has come") };
        assert_eq!((again.attempts, again.error.as_deref()), (2, Some("no")));
    }
}
