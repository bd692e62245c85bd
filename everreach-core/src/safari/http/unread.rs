//! The services' lists of unread conversations.

use async_trait::async_trait;

use super::HttpSafariDispatcher;
use crate::safari::inbox::{Inbox, Unread};
use crate::safari::wire::ServiceRequest;
use crate::safari::{LimitedAction, Platform, Service};
use crate::{Error, ErrorKind, Result};

#[async_trait]
impl Inbox for HttpSafariDispatcher {
    async fn unread(&self, platform: Platform) -> Result<Unread> {
        let service = Service::for_action(platform, LimitedAction::Dm);
        let Some((service, request)) = service.and_then(|service| Some((service, ServiceRequest::unread(service)?))) else {
            let sentence = "no service reads the messages of this platform";
            return Err(Error::new(ErrorKind::InvalidInput, sentence)
                .with_operation("read the inbox")
                .with("platform", platform));
        };
        let presence = self.presence(service);
        let ready = async {
            presence.identify().await?;
            self.ensure_session(presence).await
        };
        ready.await.map_err(|refusal| {
            Error::new(ErrorKind::Unreachable, refusal.detail).with_operation("read the inbox").with("platform", platform)
        })?;
        let unread = self.list(platform, &request).await?;
        // A count names nobody; the list of all conversations says which of them are unread.
        match ServiceRequest::conversations(service) {
            Some(all) if unread.conversations.is_empty() => self.list(platform, &all).await,
            _ => Ok(unread),
        }
    }
}

impl HttpSafariDispatcher {
    async fn list(&self, platform: Platform, request: &ServiceRequest) -> Result<Unread> {
        let answer = self.ask(request).await?;
        Unread::read(platform, &answer).ok_or_else(|| {
            let sentence = format!("{} did not answer with a list of conversations", request.service);
            Error::new(ErrorKind::Unreachable, sentence).with_operation("read the inbox").with("path", &request.path)
        })
    }
}
