//! Granting the cloud the right to act: a challenge is asked for, and answered at once.

use std::sync::Arc;

use serde_json::json;

use super::{Heard, Watch, Watcher};
use crate::failover::{GRANT_EVERY, GrantAnswer};
use crate::http::read_bounded;
use crate::{Error, ErrorKind, Id, Result};

const BODY_LIMIT: usize = 16 * 1024;

impl Watcher {
    pub(super) fn ask_for_challenge(&mut self) {
        self.is_granting = true;
        self.grant_at = self.now() + GRANT_EVERY;
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            let answer = parts.grant(None).await;
            Heard::Challenge(answer.map(|answer| answer.challenge).map_err(|error| complain(&error)).ok())
        });
    }

    pub(super) fn challenged(&mut self, challenge: Option<Id>) {
        self.is_granting = false;
        let Some(challenge) = challenge.filter(|_| self.failover.may_grant()) else { return };
        // Before it leaves: from then on the cloud may have it.
        self.failover.granted(self.now());
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            match parts.grant(Some(challenge)).await {
                Ok(answer) if answer.accepted => {}
                Ok(_) => tracing::warn!("the cloud did not take the grant: it came too late"),
                Err(error) => complain(&error),
            }
            Heard::Nothing
        });
    }
}

fn complain(error: &Error) {
    tracing::warn!(%error, "the cloud could not be given the right to act");
}

impl Watch {
    async fn grant(&self, challenge: Option<Id>) -> Result<GrantAnswer> {
        use secrecy::ExposeSecret as _;
        let failed = |sentence| Error::new(ErrorKind::Unreachable, sentence).with_operation("grant");
        let mut url = self.endpoint.clone();
        url.set_query(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["api", "failover", "grant"]);
        }
        let mut request = self.client.post(url).json(&json!({"challenge": challenge})).timeout(self.config.timeout);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(|error| failed("it cannot be reached").with_source(error.without_url()))?;
        let status = response.status();
        let body = read_bounded(response, BODY_LIMIT).await?;
        if !status.is_success() {
            return Err(failed("it refused; FAILOVER_MODE has to be local_grants on both sides").with("status", status.as_u16()));
        }
        serde_json::from_slice(&body).map_err(|_| failed("it answered something else than it should"))
    }
}
