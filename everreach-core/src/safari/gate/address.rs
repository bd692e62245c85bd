//! Addresses.

use url::{Host, Url};

use super::handle::forbid;
use super::refusal::{Refusal, RefusalCode, shown};
use crate::safari::Platform;

const LONGEST: usize = 2_048;
/// Hosts that only forward to the address that is wanted.
const SHORT_LINK_HOSTS: [&str; 2] = ["vm.tiktok.com", "vt.tiktok.com"];

/// An https address on a host of the platform, in normal form: no user, no port, no fragment.
pub(super) fn on_platform(field: &'static str, text: &str, platform: Platform) -> Result<Url, Refusal> {
    let url = https(field, text)?;
    let host = url.host_str().unwrap_or_default();
    if platform.owns_host(host) {
        return Ok(url);
    }
    let detail = format!("an address on {} is wanted for {platform}, not on {host}", platform.hosts().join(" or "));
    Err(Refusal::new(RefusalCode::UnexpectedHost, field, detail))
}

/// An https address anywhere on the public internet, by name.
pub(super) fn public(field: &'static str, text: &str) -> Result<Url, Refusal> {
    let url = https(field, text)?;
    let is_public = match url.host() {
        Some(Host::Domain(name)) => {
            name.contains('.')
                && !["local", "localhost", "internal", "lan", ""].contains(&name.rsplit('.').next().unwrap_or_default())
        }
        _ => false,
    };
    if is_public {
        return Ok(url);
    }
    let detail = format!("a public host name is wanted, not {}", url.host_str().unwrap_or_default());
    Err(Refusal::new(RefusalCode::UnexpectedHost, field, detail))
}

/// The address of a post: more than the platform's front page.
pub(super) fn post(field: &'static str, text: &str, platform: Platform) -> Result<Url, Refusal> {
    let url = on_platform(field, text, platform)?;
    let path = url.path();
    if platform == Platform::Tiktok {
        let is_short = SHORT_LINK_HOSTS.iter().any(|host| url.host_str() == Some(host)) || path.starts_with("/t/");
        if is_short {
            let detail = format!("the service refuses shortened addresses; open {} and take the long one", shown(text));
            return Err(Refusal::new(RefusalCode::ShortLink, field, detail));
        }
        if !path.contains("/video/") && !path.contains("/@") {
            return Err(not_a_post(field, "an address with /video/ or /@ in it", text));
        }
    }
    if path.trim_matches('/').is_empty() {
        return Err(not_a_post(field, "the address of a post", text));
    }
    Ok(url)
}

fn not_a_post(field: &'static str, wanted: &str, seen: &str) -> Refusal {
    Refusal::new(RefusalCode::NotAPost, field, format!("{wanted} is wanted, not {}", shown(seen)))
}

/// The address of a LinkedIn profile and the name in it.
pub(super) fn linkedin_profile(field: &'static str, text: &str) -> Result<(Url, String), Refusal> {
    let url = on_platform(field, text, Platform::Linkedin)?;
    let name = url.path_segments().and_then(|mut parts| match (parts.next(), parts.next()) {
        (Some("in"), Some(name)) if !name.is_empty() => Some(name.to_owned()),
        _ => None,
    });
    match name {
        Some(name) => Ok((url, name)),
        None => {
            let detail = format!("the address of a profile has the form https://www.linkedin.com/in/NAME/, not {}", shown(text));
            Err(Refusal::new(RefusalCode::NotAProfile, field, detail))
        }
    }
}

fn https(field: &'static str, text: &str) -> Result<Url, Refusal> {
    forbid(field, text)?;
    let invalid = |why: &str| {
        Refusal::new(
            RefusalCode::InvalidUrl,
            field,
            format!("{why}; an address looks like https://x.com/name, not {}", shown(text)),
        )
    };
    if text.len() > LONGEST {
        return Err(invalid("the address is too long"));
    }
    let Some((scheme, rest)) = text.split_once("://") else { return Err(invalid("that is no address")) };
    if !scheme.eq_ignore_ascii_case("https") {
        let detail = format!("only https addresses are opened, not {}", shown(text));
        return Err(Refusal::new(RefusalCode::NotHttps, field, detail));
    }
    // Looked at as written: a parser drops an empty user, the usual port and surplus slashes.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Refusal::new(RefusalCode::UrlCredentials, field, "an address with a user or password in it is not opened"));
    }
    if authority.contains(':') {
        return Err(Refusal::new(RefusalCode::UrlPort, field, "an address with a port in it is not opened"));
    }
    if authority.is_empty() {
        return Err(invalid("the address has no host"));
    }
    let mut url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    url.set_fragment(None);
    // Nothing of this is left after parsing; it is looked at again because a shell reads the normal form.
    forbid(field, url.as_str())?;
    Ok(url)
}
