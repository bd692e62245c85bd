//! The platforms that Safari is signed in to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind, Result};

/// A platform.
///
/// ```
/// use everreach_core::safari::Platform;
/// assert_eq!("Twitter".parse::<Platform>()?, Platform::Twitter);
/// assert!(Platform::Twitter.owns_host("mobile.x.com") && !Platform::Twitter.owns_host("netflix.com"));
/// assert_eq!(Platform::Threads.account(), Platform::Instagram);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Platform {
    /// instagram.com
    Instagram,
    /// x.com, once twitter.com
    Twitter,
    /// tiktok.com
    Tiktok,
    /// linkedin.com
    Linkedin,
    /// threads.com, once threads.net; no direct messages
    Threads,
    /// facebook.com; searched only
    Facebook,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 6] = [Self::Instagram, Self::Twitter, Self::Tiktok, Self::Linkedin, Self::Threads, Self::Facebook];

    /// The word for it in tables, paths and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Instagram => "instagram",
            Self::Twitter => "twitter",
            Self::Tiktok => "tiktok",
            Self::Linkedin => "linkedin",
            Self::Threads => "threads",
            Self::Facebook => "facebook",
        }
    }

    /// The name that people read.
    ///
    /// ```
    /// assert_eq!(everreach_core::safari::Platform::Linkedin.title(), "LinkedIn");
    /// ```
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Instagram => "Instagram",
            Self::Twitter => "Twitter",
            Self::Tiktok => "TikTok",
            Self::Linkedin => "LinkedIn",
            Self::Threads => "Threads",
            Self::Facebook => "Facebook",
        }
    }

    /// The hosts it is served from; their subdomains belong to it too.
    #[must_use]
    pub const fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::Instagram => &["instagram.com"],
            Self::Twitter => &["x.com", "twitter.com"],
            Self::Tiktok => &["tiktok.com"],
            Self::Linkedin => &["linkedin.com"],
            Self::Threads => &["threads.com", "threads.net"],
            Self::Facebook => &["facebook.com"],
        }
    }

    /// Whether a host in lower case is one of its hosts or below one of them.
    #[must_use]
    pub fn owns_host(self, host: &str) -> bool {
        self.hosts().iter().any(|own| host.strip_suffix(own).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    }

    /// The platform whose account this one's sends count against: Threads shares its account's standing with Instagram.
    #[must_use]
    pub const fn account(self) -> Self {
        match self {
            Self::Threads => Self::Instagram,
            other => other,
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|platform| platform.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "a platform is instagram, twitter, tiktok, linkedin, threads or facebook; correct its spelling",
            )
            .with("seen", text.escape_debug())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_reads_its_own_word_in_any_case() {
        for platform in Platform::ALL {
            assert_eq!(platform.as_str().parse::<Platform>().expect("its word"), platform);
            assert_eq!(platform.title().parse::<Platform>().expect("its title"), platform);
            assert_eq!(serde_json::to_string(&platform).expect("json"), format!("\"{platform}\""));
        }
        for word in ["", "x", "linkedin_chrome", " twitter", "insta"] {
            assert!(word.parse::<Platform>().is_err(), "{word:?}");
        }
    }

    #[test]
    fn a_host_that_only_ends_like_one_of_ours_is_foreign() {
        for (host, platform) in [("x.com", Platform::Twitter), ("www.instagram.com", Platform::Instagram)] {
            assert!(platform.owns_host(host), "{host}");
        }
        for host in ["netflix.com", "fedex.com", "x.com.evil.test", "x.com.", "", ".", "evilx.com", "xx.com"] {
            assert!(!Platform::Twitter.owns_host(host), "{host}");
        }
    }
}
