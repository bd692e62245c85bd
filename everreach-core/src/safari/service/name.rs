//! The names of the services.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ServiceProfile;
use super::profiles::PROFILES;
use crate::safari::{LimitedAction, Platform};
use crate::{Error, ErrorKind, Result};

/// One of the nine services.
///
/// ```
/// use everreach_core::safari::{LimitedAction, Platform, Service};
/// assert_eq!("twitter-dm".parse::<Service>()?.profile().port, 3003);
/// assert_eq!(Service::for_action(Platform::Threads, LimitedAction::Comment), Some(Service::ThreadsComments));
/// assert_eq!(Service::for_action(Platform::Threads, LimitedAction::Dm), None);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Service {
    /// Direct messages on Instagram.
    InstagramDm,
    /// Direct messages on x.com.
    TwitterDm,
    /// Comments on Threads.
    ThreadsComments,
    /// Comments on Instagram.
    InstagramComments,
    /// Comments on TikTok.
    TiktokComments,
    /// Replies on x.com.
    TwitterComments,
    /// Direct messages on TikTok.
    TiktokDm,
    /// Messages on LinkedIn.
    LinkedinAutomation,
    /// Searches.
    MarketResearch,
}

impl Service {
    /// The nine, in the order of their ports.
    pub const ALL: [Self; 9] = [
        Self::InstagramDm,
        Self::TwitterDm,
        Self::ThreadsComments,
        Self::InstagramComments,
        Self::TiktokComments,
        Self::TwitterComments,
        Self::TiktokDm,
        Self::LinkedinAutomation,
        Self::MarketResearch,
    ];

    /// What is known about it.
    #[must_use]
    pub const fn profile(self) -> &'static ServiceProfile {
        match self {
            Self::InstagramDm => &PROFILES[0],
            Self::TwitterDm => &PROFILES[1],
            Self::ThreadsComments => &PROFILES[2],
            Self::InstagramComments => &PROFILES[3],
            Self::TiktokComments => &PROFILES[4],
            Self::TwitterComments => &PROFILES[5],
            Self::TiktokDm => &PROFILES[6],
            Self::LinkedinAutomation => &PROFILES[7],
            Self::MarketResearch => &PROFILES[8],
        }
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.profile().name
    }

    /// The service that does this on this platform; `None` where there is none.
    #[must_use]
    pub fn for_action(platform: Platform, action: LimitedAction) -> Option<Self> {
        Self::ALL.into_iter().find(|service| {
            let profile = service.profile();
            profile.platform == Some(platform) && profile.action == Some(action)
        })
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Service {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|service| service.as_str() == text).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.into_iter().map(Self::as_str).collect();
            Error::new(ErrorKind::InvalidInput, "there is no such Safari service")
                .with("seen", text.escape_debug())
                .with("known", names.join(" "))
        })
    }
}
