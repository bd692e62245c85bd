//! Which `Host` and `Origin` values are answered: the guard against DNS rebinding and foreign pages.
//!
//! A page on any site can make a browser call a server on loopback. What it cannot do is choose the `Host` and `Origin` that the
//! browser sends, so only names that an operator vouched for are answered.

use std::net::{IpAddr, SocketAddr};

use everreach_core::{Error, ErrorKind, Result};
use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use http::uri::Authority;

use crate::problem::Problem;

/// The names this server answers to.
///
/// ```
/// use everreach_server::host::AllowedHosts;
/// let hosts = AllowedHosts::new("127.0.0.1:8080".parse().expect("an address"), ["everreach.internal"]).expect("plain names");
/// assert!(hosts.allows("localhost:9999") && hosts.allows("EverReach.internal"));
/// assert!(!hosts.allows("evil.example"));
/// ```
#[derive(Debug, Clone)]
pub struct AllowedHosts {
    names: Vec<Name>,
}

/// A name without port, and the port when only one will do.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    host: String,
    port: Option<u16>,
}

impl AllowedHosts {
    /// Loopback names with any port, the address that is listened on, and these names. A name with a port is answered on that
    /// port only.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for an entry that is not a host name.
    pub fn new<S: AsRef<str>>(listen: SocketAddr, further: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut names = Vec::new();
        if !listen.ip().is_unspecified() {
            names.push(Name { host: listen.ip().to_string(), port: Some(listen.port()) });
        }
        for entry in further {
            let entry = entry.as_ref().trim();
            if entry.is_empty() {
                continue;
            }
            names.push(split(entry).ok_or_else(|| {
                Error::new(
                    ErrorKind::Config,
                    "EVERREACH_ALLOWED_HOSTS holds host names such as everreach.internal or 10.0.0.4:8080",
                )
                .with("seen", entry)
            })?);
        }
        Ok(Self { names })
    }

    /// Whether this `host` or `host:port` is answered.
    #[must_use]
    pub fn allows(&self, authority: &str) -> bool {
        // What nearly every request on this machine sends, before anything is parsed or allocated.
        if is_plain_loopback(authority) {
            return true;
        }
        let is_loopback = |seen: &Name| seen.host == "localhost" || seen.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        split(authority).is_some_and(|seen| is_loopback(&seen)) || self.is_named(authority)
    }

    /// Whether the operator listed this `host` or `host:port`.
    fn is_named(&self, authority: &str) -> bool {
        let matches = |seen: Name| {
            self.names.iter().any(|name| name.host == seen.host && name.port.is_none_or(|port| Some(port) == seen.port))
        };
        split(authority).is_some_and(matches)
    }

    /// Refuses a request whose `Host` or `Origin` is foreign. In-process callers send neither; browsers always send both where
    /// it matters.
    ///
    /// # Errors
    /// The problem to answer with, 403.
    pub fn check(&self, target: Option<&Authority>, headers: &HeaderMap) -> std::result::Result<(), Problem> {
        if target.is_some_and(|authority| !self.allows(authority.as_str())) {
            return Err(foreign("Host"));
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next();
        if host.is_some_and(|host| hosts.next().is_some() || !host.to_str().is_ok_and(|host| self.allows(host))) {
            return Err(foreign("Host"));
        }
        let host = host.and_then(|host| host.to_str().ok());
        for origin in headers.get_all(ORIGIN) {
            let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
            // The page must come from here: another program's page on this machine has another port.
            let is_ours =
                |authority: &str| host.map_or_else(|| self.allows(authority), |host| host.eq_ignore_ascii_case(authority));
            if !authority.is_some_and(|authority| is_ours(authority) || self.is_named(authority)) {
                return Err(foreign("Origin"));
            }
        }
        Ok(())
    }
}

fn foreign(what: &str) -> Problem {
    let hint = "this server does not answer to it: add the name to EVERREACH_ALLOWED_HOSTS if it is yours";
    Problem::new(http::StatusCode::FORBIDDEN, "foreign_host", format!("the {what} header is foreign; {hint}"))
}

fn is_plain_loopback(authority: &str) -> bool {
    let port = authority.strip_prefix("127.0.0.1").or_else(|| authority.strip_prefix("localhost"));
    port.is_some_and(|port| port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The host, lower case and without brackets or a trailing dot, and the port.
fn split(authority: &str) -> Option<Name> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':');
    if host.is_empty() || !host.bytes().all(is_host_byte) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|_| is_port(port))?),
        None => None,
    };
    Some(Name { host: host.trim_end_matches('.').to_ascii_lowercase(), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(further: &[&str]) -> AllowedHosts {
        AllowedHosts::new("0.0.0.0:8090".parse().expect("an address"), further).expect("names")
    }

    #[test]
    fn loopback_is_answered_in_every_spelling_and_nothing_that_only_looks_like_it() {
        for good in ["localhost", "localhost:8080", "LocalHost.:1", "127.0.0.1:8080", "127.8.8.8", "[::1]:8080", "[::1]"] {
            assert!(hosts(&[]).allows(good), "{good}");
        }
        let bad = [
            "",
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.nip.io",
            "localhost:80:80",
            "localhost:x",
            "127.0.0.1@evil.example",
            "[::1",
            "[evil]",
            "0.0.0.0:8090",
            "localhost:",
            "127.0.0.1evil:80",
        ];
        for bad in bad {
            assert!(!hosts(&[]).allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_configured_name_with_a_port_is_answered_on_that_port_only() {
        let hosts = hosts(&["everreach.internal", "10.0.0.4:8090"]);
        assert!(hosts.allows("everreach.internal:1") && hosts.allows("10.0.0.4:8090"));
        assert!(!hosts.allows("10.0.0.4:8091") && !hosts.allows("10.0.0.4"));
        assert!(AllowedHosts::new("127.0.0.1:1".parse().expect("an address"), ["http://x"]).is_err());
    }

    #[test]
    fn foreign_and_opaque_origins_are_refused() {
        let check = |name: http::HeaderName, value: &'static str| {
            let headers = HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))]);
            hosts(&[]).check(None, &headers).is_ok()
        };
        assert!(check(ORIGIN, "http://localhost:8080") && check(HOST, "localhost"));
        for origin in ["null", "https://evil.example", "http://localhost.evil.example", ""] {
            assert!(!check(ORIGIN, origin), "{origin}");
        }
        assert!(!check(HOST, "evil.example"));
        assert!(hosts(&[]).check(Some(&Authority::from_static("evil.example")), &HeaderMap::new()).is_err());
    }
}
