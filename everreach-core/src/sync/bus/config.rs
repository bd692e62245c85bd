//! How the bus behaves.

use std::time::Duration;

use secrecy::ExposeSecret;
use url::Url;

use crate::lease::LeaseTiming;
use crate::secret::SecretString;
use crate::{Error, ErrorKind, Result, Timestamp};

/// The settings of the bus.
///
/// ```
/// use everreach_core::sync::bus::BusConfig;
/// let mut config = BusConfig::default();
/// config.validate()?;
/// config.redis_url = Some("rediss://redis.example".into());
/// assert!(config.validate().is_err(), "TLS is not there");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BusConfig {
    /// `redis://[user:password@]host[:port][/number]` or `redis+unix:///path`; without it messages stay in their database.
    pub redis_url: Option<SecretString>,
    /// Time between two looks when nobody tells of a change.
    pub interval: Duration,
    /// After so many deliveries that failed a message is parked.
    pub max_attempts: u32,
    /// The wait after a first failed delivery; it doubles with each, up to `longest_backoff`.
    pub first_backoff: Duration,
    /// The longest wait between two deliveries.
    pub longest_backoff: Duration,
    /// How soon another process takes over a subscription, or the traffic with Redis, from one that vanished.
    pub lease: LeaseTiming,
    /// How long messages are kept.
    pub retention: Retention,
    /// How many messages of a topic Redis holds, roughly.
    pub stream_length: u32,
    /// What the names of our keys in Redis begin with.
    pub prefix: String,
}

/// How long messages are kept. What every known subscription and database has had goes after `age` or beyond `count` per topic;
/// what one of them has not had stays until `longest_age` or `most_count`, and its going is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retention {
    /// 7 days.
    pub age: Duration,
    /// 100,000 per topic.
    pub count: u32,
    /// 30 days.
    pub longest_age: Duration,
    /// 1,000,000 per topic.
    pub most_count: u32,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for Retention {
    fn default() -> Self {
        Self { age: DAY * 7, count: 100_000, longest_age: DAY * 30, most_count: 1_000_000 }
    }
}

impl Default for BusConfig {
    fn default() -> Self {
        Self {
            redis_url: None,
            interval: Duration::from_secs(5),
            max_attempts: 5,
            first_backoff: Duration::from_secs(1),
            longest_backoff: Duration::from_secs(60),
            lease: LeaseTiming {
                ttl: Duration::from_secs(15),
                renew_every: Duration::from_secs(5),
                act_for: Duration::from_secs(10),
            },
            retention: Retention::default(),
            stream_length: 100_000,
            prefix: "everreach:bus".to_owned(),
        }
    }
}

impl BusConfig {
    /// Whether a bus can be made from these settings.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for a URL that is none of Redis, for one with TLS, for Redis in a build without the feature, and for an
    /// interval or a number of deliveries of zero. The URL is not in the error, since it may hold a password.
    pub fn validate(&self) -> Result<()> {
        if self.interval.is_zero() || self.max_attempts == 0 {
            return Err(Error::new(ErrorKind::Config, "SYNC_INTERVAL_SEC and the number of deliveries are greater than 0"));
        }
        let Some(url) = &self.redis_url else { return Ok(()) };
        if cfg!(not(feature = "redis")) {
            return Err(Error::new(
                ErrorKind::Config,
                "REDIS_URL is set and this build knows no Redis: build with the feature `redis`, or unset it",
            ));
        }
        let wanted = || {
            Error::new(
                ErrorKind::Config,
                "REDIS_URL has the form redis://[user:password@]host[:port][/number] or redis+unix:///path",
            )
        };
        let url = Url::parse(url.expose_secret()).map_err(|_| wanted())?;
        match url.scheme() {
            "redis" if url.host().is_some() => Ok(()),
            "redis+unix" | "unix" => Ok(()),
            "rediss" => Err(Error::new(
                ErrorKind::Config,
                "REDIS_URL asks for TLS (rediss://), which this build cannot do: use redis:// through a private network or a tunnel",
            )),
            scheme => Err(wanted().with("seen scheme", scheme)),
        }
    }

    /// When a message is delivered again after this many failed deliveries.
    pub(super) fn retry_at(&self, attempts: u32, now: Timestamp) -> Timestamp {
        let doubled = self.first_backoff.saturating_mul(1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        now + doubled.min(self.longest_backoff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let config = BusConfig { redis_url: Some(url.into()), ..BusConfig::default() };
        let error = config.validate().expect_err("it is wrong");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(!format!("{error:?} {error} {config:?}").contains("hunter2"), "{error:?}");
        error.to_string()
    }

    #[test]
    #[cfg(feature = "redis")]
    fn a_url_that_is_of_no_use_is_refused_without_its_password() {
        assert!(refusal("rediss://me:hunter2@redis.example:6379").contains("TLS"));
        assert!(refusal("http://me:hunter2@redis.example").contains("redis://"));
        assert!(refusal("me:hunter2@redis.example").contains("redis://"));
        for url in ["redis://:hunter2@127.0.0.1:6379/2", "redis+unix:///tmp/redis.sock", "redis://redis"] {
            let config = BusConfig { redis_url: Some(url.into()), ..BusConfig::default() };
            config.validate().expect("it is a URL of Redis");
            assert!(!format!("{config:?}").contains("hunter2"));
        }
    }

    #[test]
    #[cfg(not(feature = "redis"))]
    fn a_build_without_redis_says_so() {
        assert!(refusal("redis://:hunter2@127.0.0.1").contains("feature `redis`"));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let (config, now) = (BusConfig::default(), Timestamp::UNIX_EPOCH);
        let seconds = |attempts| (config.retry_at(attempts, now) - now).num_seconds();
        assert_eq!([1, 2, 3, 6, 7, 40].map(seconds), [1, 2, 4, 32, 60, 60]);
    }
}
