//! Where an agent is asked how it is, and which addresses may be asked.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::{Host, Url};

use crate::{Error, ErrorKind, Result};

const LONGEST: usize = 2_000;

/// An `http` or `https` address without credentials. Addresses of the link (where clouds keep their credentials) are refused here when they
/// are written out, and again when a name resolves to one.
///
/// ```
/// use everreach_core::supervisor::HealthUrl;
/// assert!("http://localhost:3106/health".parse::<HealthUrl>().is_ok());
/// assert!("http://169.254.169.254/latest/meta-data".parse::<HealthUrl>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HealthUrl(Url);

/// Which addresses are asked beside loopback, which always is. Those of the link never are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "whoever asks has to answer each of them")]
pub enum Reach {
    /// Only this machine.
    #[default]
    Loopback,
    /// Private networks too.
    Private,
    /// Any address.
    Anywhere,
}

impl Reach {
    /// Why this address is not asked; nothing when it may be.
    ///
    /// ```
    /// use everreach_core::supervisor::Reach;
    /// assert_eq!(Reach::Loopback.objection("127.0.0.1".parse()?), None);
    /// assert!(Reach::Loopback.objection("10.0.0.7".parse()?).is_some());
    /// assert!(Reach::Anywhere.objection("169.254.169.254".parse()?).is_some());
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn objection(self, address: IpAddr) -> Option<&'static str> {
        let address = address.to_canonical();
        if is_of_the_link(address) {
            return Some("addresses of the link are never asked");
        }
        match self {
            _ if address.is_loopback() => None,
            Self::Anywhere => None,
            Self::Private if is_private(address) => None,
            Self::Private => Some("only this machine and private networks are asked"),
            Self::Loopback => Some("only this machine is asked; private networks are by a setting"),
        }
    }
}

fn is_of_the_link(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_unspecified() || v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        // 100.64.0.0/10 is what providers and private overlay networks share.
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

impl HealthUrl {
    /// The address.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Host and port, by which agents that wait for the same peer are recognised.
    #[must_use]
    pub fn peer(&self) -> String {
        format!("{}:{}", self.0.host_str().unwrap_or_default(), self.0.port_or_known_default().unwrap_or_default())
    }
}

impl FromStr for HealthUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = |sentence| Err(Error::new(ErrorKind::InvalidInput, sentence).with("field", "health_url"));
        if text.len() > LONGEST {
            return refuse("a health URL has at most 2000 bytes");
        }
        let Ok(url) = Url::parse(text) else {
            return refuse("a health URL has the form http://localhost:3106/health");
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return refuse("a health URL begins with http:// or https:// and names a host");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("a health URL carries no credentials: it is shown and logged");
        }
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
            Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
            _ => None,
        };
        match literal.and_then(|address| Reach::Anywhere.objection(address)) {
            Some(objection) => refuse(objection),
            None => Ok(Self(url)),
        }
    }
}

impl fmt::Display for HealthUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for HealthUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HealthUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_link_are_refused_in_every_spelling() {
        for text in [
            "http://169.254.169.254/",
            "http://0xa9fea9fe/",
            "http://2852039166/",
            "http://[::ffff:169.254.169.254]/",
            "http://[fe80::1]/",
            "http://0.0.0.0:3106/",
            "http://224.0.0.1/",
        ] {
            assert!(text.parse::<HealthUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn other_schemes_and_credentials_are_refused_and_not_shown() {
        for text in ["file:///etc/passwd", "ftp://localhost/", "localhost:3106", "http://me:hunter2@localhost/", "http://"] {
            let error = text.parse::<HealthUrl>().expect_err("refused");
            assert!(!format!("{error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn loopback_is_always_asked_and_private_networks_by_setting() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        for text in ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(Reach::Loopback.objection(address(text)), None, "{text}");
        }
        for text in ["10.1.2.3", "192.168.0.1", "172.16.9.9", "100.64.0.1", "fd00::1"] {
            assert!(Reach::Loopback.objection(address(text)).is_some(), "{text}");
            assert_eq!(Reach::Private.objection(address(text)), None, "{text}");
        }
        assert!(Reach::Private.objection(address("93.184.216.34")).is_some());
        assert_eq!(Reach::Anywhere.objection(address("93.184.216.34")), None);
    }
}
