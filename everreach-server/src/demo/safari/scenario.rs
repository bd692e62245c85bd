//! How one service behaves.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use everreach_core::safari::Service;
use everreach_core::{Error, ErrorKind, Result};
use serde::Deserialize;

use super::scenarios::{ScenarioRow, scenario_rows};

/// How one service behaves: a name of [`scenario_rows`](super::scenario_rows), how often, and how slowly.
///
/// ```
/// use everreach_server::demo::safari::Scenario;
/// let scenario: Scenario = "timeout,delay_ms=50,fail_rate=0.1,seed=7".parse()?;
/// assert_eq!((scenario.name(), scenario.delay.as_millis()), ("timeout", 50));
/// assert!("tiemout".parse::<Scenario>().is_err());
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scenario {
    name: &'static str,
    /// How long an action takes until Send is pressed.
    pub delay: Duration,
    /// How long it takes from there to the answer.
    pub linger: Duration,
    /// How often it happens, 0 to 1; all is well otherwise.
    pub rate: f64,
    /// Where the dice start.
    pub seed: u64,
    /// After how many actions all is well again; none for never.
    pub times: Option<u32>,
}

impl Scenario {
    /// All is well.
    #[must_use]
    pub const fn ok() -> Self {
        Self { name: "ok", delay: Duration::ZERO, linger: Duration::ZERO, rate: 1.0, seed: 0, times: None }
    }

    /// The scenario of this name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] when the table has no such name.
    pub fn named(name: &str) -> Result<Self> {
        match scenario_rows().find(|row| row.name == name) {
            Some(row) => Ok(Self { name: row.name, ..Self::ok() }),
            None => Err(Error::new(ErrorKind::InvalidInput, "there is no such scenario; --list-scenarios prints them")
                .with("seen", name.escape_debug())),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Lets this many actions meet it; then all is well again.
    ///
    /// ```
    /// use everreach_server::demo::safari::Scenario;
    /// assert_eq!(Scenario::named("crash")?.times(1).to_string(), "crash,times=1");
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub const fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Lets an action take so long until the press, and so long from there to the answer.
    #[must_use]
    pub const fn taking(mut self, delay: Duration, linger: Duration) -> Self {
        self.delay = delay;
        self.linger = linger;
        self
    }

    /// The row of the table for this service.
    pub(super) fn row(&self, service: Service) -> Result<&'static ScenarioRow> {
        scenario_rows().find(|row| row.name == self.name && row.services.contains(&service)).ok_or_else(|| {
            let names: Vec<_> = scenario_rows().filter(|row| row.services.contains(&service)).map(|row| row.name).collect();
            Error::new(ErrorKind::InvalidInput, "this service does not know this scenario")
                .with("service", service)
                .with("seen", self.name)
                .with("known", names.join(" "))
        })
    }
}

impl FromStr for Scenario {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut parts = text.split(',').map(str::trim);
        let mut asked = Request { name: parts.next().map(str::to_owned), ..Request::default() };
        for part in parts {
            asked.set(part).ok_or_else(|| wrong().with("seen", part.escape_debug()))?;
        }
        asked.scenario()
    }
}

fn wrong() -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "a scenario is a name, then any of delay_ms=N, linger_ms=N, fail_rate=0..1, seed=N, times=N, parted by commas",
    )
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (name, value) in [("delay_ms", self.delay), ("linger_ms", self.linger)] {
            if !value.is_zero() {
                write!(f, ",{name}={}", value.as_millis())?;
            }
        }
        if self.rate < 1.0 {
            write!(f, ",fail_rate={},seed={}", self.rate, self.seed)?;
        }
        self.times.map_or(Ok(()), |times| write!(f, ",times={times}"))
    }
}

/// A scenario as it is asked for, over HTTP or on the command line.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) service: Option<Service>,
    name: Option<String>,
    delay_ms: Option<u64>,
    linger_ms: Option<u64>,
    fail_rate: Option<f64>,
    seed: Option<u64>,
    times: Option<u32>,
}

impl Request {
    fn set(&mut self, part: &str) -> Option<()> {
        let (name, value) = part.split_once('=')?;
        match name {
            "delay_ms" => self.delay_ms = Some(value.parse().ok()?),
            "linger_ms" => self.linger_ms = Some(value.parse().ok()?),
            "fail_rate" => self.fail_rate = Some(value.parse().ok()?),
            "seed" => self.seed = Some(value.parse().ok()?),
            "times" => self.times = Some(value.parse().ok()?),
            _ => return None,
        }
        Some(())
    }

    pub(super) fn scenario(&self) -> Result<Scenario> {
        let rate = self.fail_rate.unwrap_or(1.0);
        if !(0.0..=1.0).contains(&rate) {
            return Err(wrong().with("seen", format!("fail_rate={rate}")));
        }
        let scenario = Scenario::named(self.name.as_deref().unwrap_or("ok"))?;
        let duration = |milliseconds: Option<u64>| Duration::from_millis(milliseconds.unwrap_or_default());
        Ok(Scenario {
            delay: duration(self.delay_ms),
            linger: duration(self.linger_ms),
            rate,
            seed: self.seed.unwrap_or_default(),
            times: self.times,
            ..scenario
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_reads_back_as_it_is_written() {
        for text in ["ok", "timeout,delay_ms=5,linger_ms=7,fail_rate=0.25,seed=3,times=2", "crash,times=1"] {
            assert_eq!(text.parse::<Scenario>().expect("a scenario").to_string(), text);
        }
    }

    #[test]
    fn mistakes_are_named() {
        for text in ["", "crash,twice", "crash,times=-1", "crash,fail_rate=2", "crash,delay=5"] {
            assert_eq!(text.parse::<Scenario>().expect_err(text).kind(), ErrorKind::InvalidInput);
        }
        let error = Scenario::named("captcha").expect("a name").row(Service::TwitterDm).expect_err("of TikTok");
        assert!(error.to_string().contains("user_not_found"), "{error}");
    }
}
