//! What a side does for a job by itself.

use super::FiresOn;
use crate::Side;
use crate::lease::Standing;

/// The part of one side in one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums, reason = "whoever decides has to answer each of them")]
pub enum Part {
    /// It fires the job when it is due.
    Fires,
    /// It fires a slot that is still open when the cloud has had its time.
    Mirrors,
    /// It leaves the job alone.
    Stays,
}

impl Part {
    /// The part of this side, standing so, in a job that fires there.
    ///
    /// ```
    /// use everreach_core::Side;
    /// use everreach_core::lease::Standing;
    /// use everreach_core::schedule::{FiresOn, Part};
    /// assert_eq!(Part::of(FiresOn::Cloud, Side::Local, &Standing::Follows), Part::Stays);
    /// assert_eq!(Part::of(FiresOn::Local, Side::Local, &Standing::Follows), Part::Fires);
    /// assert_eq!(Part::of(FiresOn::Cloud, Side::Local, &Standing::Alone), Part::Fires);
    /// ```
    #[must_use]
    pub const fn of(fires_on: FiresOn, side: Side, standing: &Standing) -> Self {
        match (fires_on, side, standing) {
            // What only this machine does is nobody else's to fire, whoever leads.
            (FiresOn::Local, Side::Local, _) => Self::Fires,
            (FiresOn::Local, Side::Cloud, _) | (FiresOn::Cloud | FiresOn::Either, _, Standing::Follows) => Self::Stays,
            (FiresOn::Cloud, Side::Local, Standing::Leads(_)) => Self::Mirrors,
            (FiresOn::Cloud | FiresOn::Either, _, Standing::Alone | Standing::Leads(_) | Standing::Apart(_)) => Self::Fires,
        }
    }
}
