//! Granting the cloud the right to act: a challenge is asked for, and answered at once.

use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::json;

use super::{Heard, Watch, Watcher};
use crate::failover::{GRANT_EVERY, GrantAnswer, store};
use crate::http::read_bounded;
use crate::{Error, ErrorKind, Id, Result};

const BODY_LIMIT: usize = 16 * 1024;
const TAKEN: &str = "taken";
const REFUSED: &str = "refused";

/// What the cloud said to a grant.
#[derive(Debug)]
pub(super) enum Said {
    /// It acts by grants.
    Answered(GrantAnswer),
    /// It does not act by grants.
    Refused,
    /// Nothing that shows which.
    NoAnswer,
}

impl Watcher {
    pub(super) fn ask_for_challenge(&mut self) {
        self.is_granting = true;
        self.grant_at = self.now() + GRANT_EVERY;
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move { Heard::Challenge(parts.grant(None).await) });
    }

    pub(super) fn challenged(&mut self, said: &Said) {
        self.is_granting = false;
        self.learn_grants(said);
        let Said::Answered(GrantAnswer { challenge, .. }) = *said else { return };
        if !self.failover.may_grant() {
            return;
        }
        // Before it leaves: from then on the cloud may have it.
        self.failover.granted(self.now());
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move { Heard::Granted(parts.grant(Some(challenge)).await) });
    }

    pub(super) fn granted(&mut self, said: &Said) {
        self.learn_grants(said);
        match said {
            Said::Answered(answer) if answer.accepted => self.failover.accepted(self.now()),
            Said::Answered(_) => tracing::warn!("the cloud did not take the grant: it came too late"),
            Said::Refused | Said::NoAnswer => {}
        }
    }

    /// Whether the cloud acts by grants is kept: a process that starts while it is away has to know.
    fn learn_grants(&mut self, said: &Said) {
        let word = match (said, self.failover.takes_grants()) {
            (Said::Answered(_), false) => {
                self.failover.grants_taken();
                TAKEN
            }
            (Said::Refused, true) => {
                let orders = self.failover.grants_refused();
                self.carry_out(orders);
                REFUSED
            }
            _ => return,
        };
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            if let Err(error) = parts.remember_grants(word).await {
                tracing::warn!(%error, "whether the cloud acts by grants could not be noted");
            }
            Heard::Nothing
        });
    }
}

impl Watch {
    fn grants_fact(&self) -> String {
        format!("grants:{}", self.endpoint.origin().ascii_serialization())
    }

    async fn remember_grants(&self, word: &'static str) -> Result<()> {
        let (name, now) = (self.grants_fact(), self.clock.now());
        self.store.write(move |mut db| Box::pin(async move { store::write(&mut db, &name, word, now).await })).await
    }

    /// Whether this cloud was found to act by grants, in an earlier run.
    pub(super) async fn remembered_grants(&self) -> Result<bool> {
        let mut connection = self.store.read().await?;
        Ok(store::read(&mut connection.db(), &self.grants_fact()).await?.is_some_and(|word| word == TAKEN))
    }

    async fn grant(&self, challenge: Option<Id>) -> Said {
        match self.ask_grant(challenge).await {
            Ok(said) => said,
            Err(error) => {
                tracing::warn!(%error, "the cloud could not be given the right to act");
                Said::NoAnswer
            }
        }
    }

    async fn ask_grant(&self, challenge: Option<Id>) -> Result<Said> {
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
        if status == StatusCode::CONFLICT {
            tracing::warn!("the cloud does not act by grants: set FAILOVER_MODE=local_grants there too");
            return Ok(Said::Refused);
        }
        if !status.is_success() {
            return Err(failed("it refused: the key has to have the scope `operate`").with("status", status.as_u16()));
        }
        let answer = serde_json::from_slice(&body).map_err(|_| failed("it answered something else than it should"))?;
        Ok(Said::Answered(answer))
    }
}
