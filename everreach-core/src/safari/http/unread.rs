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
        let answer = self.ask(&request).await?;
        Unread::read(platform, &answer).ok_or_else(|| {
            let sentence = format!("{service} did not answer with a list of conversations");
            Error::new(ErrorKind::Unreachable, sentence).with_operation("read the inbox").with("path", &request.path)
        })
    }
}
