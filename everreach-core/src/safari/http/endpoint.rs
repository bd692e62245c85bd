//! Where one service is reached.

use std::fmt;

use http::HeaderValue;
use url::Url;

use crate::safari::wire::ServiceRequest;
use crate::safari::{Service, ServiceConfig, ServiceProfile};
use crate::secret::bearer_header;
use crate::{Error, ErrorKind, Result};

/// The address of one service and its token.
pub(super) struct Endpoint {
    pub(super) profile: &'static ServiceProfile,
    base: Url,
    /// Where the same program runs in some set-ups. It is only ever asked who it is, to say so; nothing is sent there.
    pub(super) sibling: Option<Url>,
    authorization: Option<HeaderValue>,
}

impl Endpoint {
    pub(super) fn new(service: Service, config: &ServiceConfig) -> Result<Self> {
        let profile = service.profile();
        let wrong = |sentence| {
            Error::new(ErrorKind::Config, sentence)
                .with_operation("set up Safari's services")
                .with("setting", profile.url_setting)
        };
        let unparsable =
            |source| wrong("the address of a service is no URL; write it as http://127.0.0.1:3003").with_source(source);
        let mut base = match &config.url {
            Some(url) => url.clone(),
            None => Url::parse(&profile.default_url()).map_err(unparsable)?,
        };
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong("the address of a service is an http or https URL").with("scheme", base.scheme()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("the address of a service has no user or password in it; give the token in its own setting"));
        }
        base.set_query(None);
        base.set_fragment(None);
        let authorization = config.token.as_ref().map(bearer_header).transpose();
        let authorization = authorization
            .map_err(|error| error.with("setting", profile.token_setting).with_operation("set up Safari's services"))?;
        Ok(Self { profile, sibling: sibling(profile, &base), base, authorization })
    }

    /// The address of a path below the service's root.
    pub(super) fn url(&self, path: &str) -> Url {
        below(&self.base, path)
    }

    /// The port at which it is looked for.
    pub(super) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or(self.profile.port)
    }

    /// The token, for what it is needed for: `/health` is answered to everybody, so it is asked without.
    pub(super) fn authorization(&self, request: &ServiceRequest) -> Option<&HeaderValue> {
        self.authorization.as_ref().filter(|_| request.path != "/health")
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has_token = self.authorization.is_some();
        f.debug_struct("Endpoint").field("base", &self.base.as_str()).field("has_token", &has_token).finish_non_exhaustive()
    }
}

pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

/// The same host at the program's other port: the second one, or the first where the second is configured.
fn sibling(profile: &ServiceProfile, base: &Url) -> Option<Url> {
    let other = profile.other_port?;
    let mut url = base.clone();
    let port = if base.port() == Some(other) { profile.port } else { other };
    url.set_port(Some(port)).ok().map(|()| url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(service: Service, url: &str) -> Result<Endpoint> {
        Endpoint::new(service, &ServiceConfig::default().at(url.parse().expect("a URL")))
    }

    #[test]
    fn a_service_that_nobody_configured_is_on_the_loopback_address() {
        for service in Service::ALL {
            let endpoint = Endpoint::new(service, &ServiceConfig::default()).expect("an endpoint");
            assert_eq!(endpoint.url("/health").as_str(), format!("http://127.0.0.1:{}/health", service.profile().port));
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_by_the_name_of_its_setting() {
        for url in ["ftp://127.0.0.1/", "http://user@127.0.0.1:3003", "http://:secret@127.0.0.1:3003", "mailto:a@b.test"] {
            let error = endpoint(Service::TwitterDm, url).expect_err(url);
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains("SAFARI_TWITTER_DM_URL") && !error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_token_that_no_header_carries_is_refused_without_being_shown() {
        let config = ServiceConfig::default().with_token("t0ken\r\nX-Evil: 1");
        let error = Endpoint::new(Service::ThreadsComments, &config).expect_err("a line break");
        assert!(error.to_string().contains("SAFARI_THREADS_COMMENTS_TOKEN"), "{error}");
        assert!(!format!("{error:?}").contains("t0ken"));
    }

    #[test]
    fn a_base_path_is_kept_and_only_instagram_has_a_sibling() {
        let behind = endpoint(Service::TwitterDm, "http://127.0.0.1:9/mac/?x=1#y").expect("an endpoint");
        assert_eq!(behind.url("/api/a").as_str(), "http://127.0.0.1:9/mac/api/a");
        assert!(behind.sibling.is_none());
        let sibling = |url| endpoint(Service::InstagramDm, url).expect("an endpoint").sibling.expect("a sibling").to_string();
        assert_eq!(sibling("http://127.0.0.1:3001"), "http://127.0.0.1:3100/");
        assert_eq!(sibling("http://127.0.0.1:3100"), "http://127.0.0.1:3001/");
    }

    #[test]
    fn the_token_is_kept_for_what_needs_it() {
        let config = ServiceConfig::default().with_token("t0ken");
        let endpoint = Endpoint::new(Service::LinkedinAutomation, &config).expect("an endpoint");
        assert!(endpoint.authorization(&ServiceRequest::health(Service::LinkedinAutomation)).is_none());
        assert!(endpoint.authorization(&ServiceRequest::ensure_session(Service::LinkedinAutomation)).is_some());
        assert!(!format!("{endpoint:?}").contains("t0ken"));
    }
}
