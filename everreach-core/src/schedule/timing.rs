//! When a job is due: a cron text in a zone, and the slots it makes.

use std::fmt;
use std::str::FromStr as _;

use chrono::{SubsecRound as _, TimeDelta};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

use crate::{Error, ErrorKind, Result, Timestamp};

const FIELDS: usize = 5;
/// From here a text has to fire within four years and a leap day, or it never does.
const EPOCH: i64 = 1_704_067_200;
/// How far back the slot before a moment is looked for, step by step.
const REACHES: [TimeDelta; 5] =
    [TimeDelta::hours(1), TimeDelta::days(1), TimeDelta::days(32), TimeDelta::days(400), TimeDelta::days(3_000)];

/// A cron text of five fields in a zone. Its slots are moments, so that every machine names them alike.
///
/// A text with a fixed time of day fires once in each local day it names: a time that the clocks skip comes at the moment they jump to, and
/// of a time that they repeat the first one counts. A text with a wildcard in its minutes or hours goes on with the real time.
///
/// ```
/// use everreach_core::Timestamp;
/// use everreach_core::schedule::Timing;
/// let timing = Timing::parse("0 6 * * *", chrono_tz::America::New_York)?;
/// let evening: Timestamp = "2026-11-20T22:00:00Z".parse().expect("a time");
/// assert_eq!(timing.after(evening), Some("2026-11-21T11:00:00Z".parse().expect("a time")));
/// assert_eq!(timing.latest(evening), Some("2026-11-20T11:00:00Z".parse().expect("a time")));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Timing {
    text: String,
    cron: Cron,
    zone: Tz,
}

impl fmt::Debug for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timing({self})")
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone)
    }
}

impl Timing {
    /// Reads minute, hour, day of the month, month, day of the week (0 or 7 is Sunday, or names), as cron does.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for another number of fields, a field that cannot be read, and a text that never fires.
    pub fn parse(text: &str, zone: Tz) -> Result<Self> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let wrong = |sentence: &'static str| Error::new(ErrorKind::Config, sentence).with("seen", &text);
        if text.starts_with('@') || text.split(' ').count() != FIELDS {
            return Err(wrong("a schedule has five fields: minute, hour, day of the month, month, day of the week"));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser
            .parse(&text)
            .map_err(|source| wrong("the schedule cannot be read").with("cause", &source).with_source(source))?;
        let timing = Self { text: text.clone(), cron, zone };
        let epoch = Timestamp::from_timestamp(EPOCH, 0).unwrap_or_default();
        let fires = timing.after(epoch).is_some_and(|first| first < epoch + TimeDelta::days(8 * 366));
        if fires { Ok(timing) } else { Err(wrong("the schedule never fires")) }
    }

    /// The cron text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The zone.
    #[must_use]
    pub const fn zone(&self) -> Tz {
        self.zone
    }

    /// The first slot after this moment.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Timestamp> {
        // Whole seconds, so that what is found is a whole second too; a slot at the very second lies before the fraction that is cut off.
        let start = at.trunc_subsecs(0).with_timezone(&self.zone);
        let found = self.cron.find_next_occurrence(&start, false).ok()?;
        Some(found.to_utc())
    }

    /// The slots after `from` and until `to`, earliest first, `most` at most.
    #[must_use]
    pub fn between(&self, from: Timestamp, to: Timestamp, most: usize) -> Vec<Timestamp> {
        let mut slots = Vec::new();
        let mut last = from;
        while slots.len() < most
            && let Some(slot) = self.after(last)
            && slot <= to
            && slot > last
        {
            slots.push(slot);
            last = slot;
        }
        slots
    }

    /// The last slot until this moment; none in the last eight years.
    #[must_use]
    pub fn latest(&self, at: Timestamp) -> Option<Timestamp> {
        // Found by walking forward, since only that way counts a repeated hour the same from every start.
        REACHES.iter().find_map(|reach| {
            let mut last = None;
            let mut from = at - *reach;
            while let Some(slot) = self.after(from).filter(|slot| *slot <= at && *slot > from) {
                last = Some(slot);
                from = slot;
            }
            last
        })
    }
}

/// A zone by its IANA name; `local` is the machine's.
///
/// ```
/// use everreach_core::schedule::zone;
/// assert_eq!(zone("UTC", chrono_tz::UTC)?, chrono_tz::UTC);
/// assert!(zone("Mars/Olympus", chrono_tz::UTC).is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::Config`] for a name that nobody knows.
pub fn zone(name: &str, local: Tz) -> Result<Tz> {
    if name == LOCAL_ZONE {
        return Ok(local);
    }
    Tz::from_str(name).map_err(|_| {
        Error::new(ErrorKind::Config, "a time zone is UTC, local, or an IANA name such as Europe/Berlin").with("seen", name)
    })
}

/// The word for the machine's own zone.
pub(super) const LOCAL_ZONE: &str = "local";

#[cfg(test)]
mod tests {
    use chrono_tz::{America, Europe, UTC};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn slots(text: &str, zone: Tz, from: &str, to: &str) -> Vec<String> {
        let timing = Timing::parse(text, zone).expect("a schedule");
        timing.between(at(from), at(to), 100).iter().map(|slot| slot.format("%dT%H:%M").to_string()).collect()
    }

    #[test]
    fn a_time_that_is_skipped_comes_when_the_clocks_have_jumped() {
        // On 8 March 2026 New York goes from 02:00 to 03:00, which is 07:00 UTC.
        let spring = slots("30 2 * * *", America::New_York, "2026-03-07T00:00:00Z", "2026-03-10T00:00:00Z");
        assert_eq!(spring, ["07T07:30", "08T07:00", "09T06:30"]);
    }

    #[test]
    fn a_time_that_is_repeated_comes_once() {
        // On 1 November 2026 New York has 01:30 at 05:30 and at 06:30 UTC.
        let autumn = slots("30 1 * * *", America::New_York, "2026-10-31T00:00:00Z", "2026-11-03T00:00:00Z");
        assert_eq!(autumn, ["31T05:30", "01T05:30", "02T06:30"]);
    }

    #[test]
    fn a_wildcard_goes_on_with_the_real_time() {
        let autumn = slots("*/30 * * * *", Europe::Berlin, "2026-10-24T23:59:00Z", "2026-10-25T02:00:00Z");
        assert_eq!(autumn, ["25T00:00", "25T00:30", "25T01:00", "25T01:30", "25T02:00"]);
        let spring = slots("0 * * * *", Europe::Berlin, "2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z");
        assert_eq!(spring, ["29T00:00", "29T01:00", "29T02:00"]);
    }

    #[test]
    fn a_slot_is_never_after_itself_and_is_the_latest_at_its_own_moment() {
        let timing = Timing::parse("0 6 * * *", UTC).expect("a schedule");
        let six = at("2026-11-20T06:00:00Z");
        assert_eq!(timing.after(six - TimeDelta::microseconds(1)), Some(six));
        assert_eq!(timing.after(six), Some(at("2026-11-21T06:00:00Z")));
        assert_eq!(timing.latest(six), Some(six));
        assert_eq!(timing.latest(six - TimeDelta::microseconds(1)), Some(at("2026-11-19T06:00:00Z")));
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_said() {
        for wrong in ["", "0 6 * *", "0 0 6 * * *", "0 6 * * * 2026", "@daily", "60 6 * * *", "0 6 * * XYZ", "0 0 30 2 *"] {
            let error = Timing::parse(wrong, UTC).expect_err(wrong);
            assert_eq!(error.kind(), ErrorKind::Config, "{wrong}");
        }
        assert!(Timing::parse("0 0 29 2 *", UTC).is_ok(), "leap days come");
    }

    proptest! {
        #[test]
        fn every_start_finds_the_same_slots(
            text in prop::sample::select(vec!["30 2 * * *", "0 6 * * *", "*/15 * * * *", "0 */2 * * *", "15 1 * * *", "0 11,15 * * MON-FRI", "30 1 1 * *"]),
            zone in prop::sample::select(vec![UTC, America::New_York, Europe::Berlin, chrono_tz::Australia::Lord_Howe, chrono_tz::Africa::Cairo]),
            start in 1_767_225_600_i64..1_798_761_600,
            ahead in 0_i64..172_800,
        ) {
            let timing = Timing::parse(text, zone).expect("a schedule");
            let from = Timestamp::from_timestamp(start, 0).expect("a time");
            let all = timing.between(from, from + TimeDelta::days(2), 1_000);
            let later = from + TimeDelta::seconds(ahead);
            let expected: Vec<_> = all.iter().copied().filter(|slot| *slot > later).collect();
            prop_assert_eq!(timing.between(later, from + TimeDelta::days(2), 1_000), expected);
            prop_assert_eq!(timing.latest(later).filter(|slot| *slot > from), all.iter().copied().rfind(|slot| *slot <= later));
        }
    }
}
