//! What a score means in one word, without flapping.

use std::time::Duration;

use serde::Serialize;

/// Points by which a score has to leave a band, and how long, until it counts as having left it.
const MARGIN: u8 = 5;
const DWELL: Duration = Duration::from_secs(30);

/// What a score means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::exhaustive_enums, reason = "whoever shows it has to answer each of them")]
pub enum Band {
    /// 80 and more.
    Healthy,
    /// 50 to 79.
    Degraded,
    /// Less than 50.
    Unhealthy,
}

impl Band {
    /// The band of a score by itself.
    #[must_use]
    pub const fn of(score: u8) -> Self {
        match score {
            80.. => Self::Healthy,
            50..80 => Self::Degraded,
            _ => Self::Unhealthy,
        }
    }

    const fn bounds(self) -> (u8, u8) {
        match self {
            Self::Healthy => (80, 100),
            Self::Degraded => (50, 79),
            Self::Unhealthy => (0, 49),
        }
    }
}

/// A band that is left only by five points and for half a minute.
///
/// ```
/// use everreach_core::supervisor::{Band, SteadyBand};
/// use std::time::Duration;
/// let (mut band, at) = (SteadyBand::default(), Duration::from_secs);
/// assert_eq!(band.observe(85, at(0)), Band::Healthy);
/// assert_eq!(band.observe(78, at(60)), Band::Healthy, "within the margin");
/// assert_eq!(band.observe(60, at(70)), Band::Healthy, "not for long");
/// assert_eq!(band.observe(60, at(100)), Band::Degraded);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct SteadyBand {
    band: Option<Band>,
    /// Since when the score is out of it.
    out_since: Option<Duration>,
}

impl SteadyBand {
    /// Takes in a score; answers with the band that holds.
    pub fn observe(&mut self, score: u8, now: Duration) -> Band {
        let Some(band) = self.band else {
            return *self.band.insert(Band::of(score));
        };
        let (low, high) = band.bounds();
        if score.saturating_add(MARGIN) >= low && score <= high.saturating_add(MARGIN) {
            self.out_since = None;
            return band;
        }
        let since = *self.out_since.get_or_insert(now);
        if now.saturating_sub(since) < DWELL {
            return band;
        }
        self.out_since = None;
        *self.band.insert(Band::of(score))
    }

    /// The band that holds.
    #[must_use]
    pub const fn current(&self) -> Option<Band> {
        self.band
    }
}
