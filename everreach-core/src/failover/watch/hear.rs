//! Taking in what looks have found.

use super::{Heard, Watch, Watcher};
use crate::Result;
use crate::failover::look::{Looked, Sharing};
use crate::failover::{ModeSource, Reading, TwoNodeMode, store};

const SHARED: &str = "shared";
const APART: &str = "apart";

impl Watcher {
    pub(super) fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Looked(looked) => self.looked(&looked),
            Heard::Lease(reply) => self.lease_reply(reply),
            Heard::Drained => self.drained(),
            Heard::Challenge(said) => self.challenged(&said),
            Heard::Granted(said) => self.granted(&said),
            Heard::Sent(outcome) => self.sent(outcome),
            Heard::Nothing => {}
        }
    }

    fn looked(&mut self, looked: &Looked) {
        self.is_looking = false;
        let at = self.now();
        if looked.reading == Reading::Good {
            self.seen_at = self.parts.clock.now();
        }
        self.parts.control.shown().own_network = looked.own_network;
        self.learn(looked.sharing);
        let orders = self.failover.observe(looked.reading, at);
        self.look_at = at + self.failover.next_look();
        self.show();
        self.carry_out(orders);
    }

    /// Another way to agree, when the cloud showed whether it uses this database.
    fn learn(&mut self, sharing: Sharing) {
        let (mode, from) = match (self.parts.config.mode, sharing) {
            (_, Sharing::Open) => return,
            (Some(TwoNodeMode::Shared), Sharing::Refuted) => (TwoNodeMode::Manual, ModeSource::Refused),
            (Some(mode), _) => (mode, ModeSource::Setting),
            (None, Sharing::Shown) => (TwoNodeMode::Shared, ModeSource::Found),
            (None, Sharing::Refuted) => (TwoNodeMode::Manual, ModeSource::Found),
        };
        if from == self.mode_from && mode == self.failover.mode() {
            return;
        }
        if from == ModeSource::Refused {
            tracing::error!(
                "the settings say that both sides use one database, but the cloud uses another: a person has to take over"
            );
        }
        self.mode_from = from;
        let orders = self.failover.agree_by(mode, self.now());
        self.carry_out(orders);
        if from == ModeSource::Found {
            let (parts, word) = (std::sync::Arc::clone(&self.parts), if mode == TwoNodeMode::Shared { SHARED } else { APART });
            self.tasks.spawn(async move {
                if let Err(error) = parts.remember(word).await {
                    tracing::warn!(%error, "whether the cloud shares this database could not be noted");
                }
                Heard::Nothing
            });
        }
    }
}

impl Watch {
    fn fact(&self) -> String {
        format!("sides:{}", self.endpoint.origin().ascii_serialization())
    }

    async fn remember(&self, word: &'static str) -> Result<()> {
        let (name, now) = (self.fact(), self.clock.now());
        self.store.write(move |mut db| Box::pin(async move { store::write(&mut db, &name, word, now).await })).await
    }

    /// What an earlier run found out about this cloud.
    pub(super) async fn remembered(&self) -> Result<Option<TwoNodeMode>> {
        let mut connection = self.store.read().await?;
        let word = store::read(&mut connection.db(), &self.fact()).await?;
        Ok(word.map(|word| if word == SHARED { TwoNodeMode::Shared } else { TwoNodeMode::Manual }))
    }
}
