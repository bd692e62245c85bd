//! Carrying out what the machine and people order.

use std::sync::Arc;

use super::{Heard, Watcher, lease};
use crate::Result;
use crate::failover::control::Command;
use crate::failover::{Order, Phase, TwoNodeMode};
use crate::lease::{Apart, Standing};

impl Watcher {
    /// Does what is ordered. A process that only observes tells what it sees, and does nothing else.
    pub(super) fn carry_out(&mut self, orders: Vec<Order>) {
        for order in orders {
            match order {
                Order::Tell(notice) => self.tell(notice),
                _ if !self.takes_part() => {}
                Order::AskForLease => self.ask(),
                Order::Lead => self.lead(),
                Order::Drain => self.drain(),
                Order::HandBack => {
                    self.parts.control.stand(Standing::Follows);
                    if let Some(lease) = self.held.take() {
                        let parts = Arc::clone(&self.parts);
                        self.tasks.spawn(async move {
                            lease::give_back(&parts, &lease).await;
                            Heard::Nothing
                        });
                    }
                }
                Order::Follow => {
                    self.parts.control.stand(Standing::Follows);
                    self.held = None;
                }
            }
        }
    }

    fn lead(&mut self) {
        let standing = match (self.failover.mode(), &self.held) {
            (TwoNodeMode::Shared, Some(lease)) => Standing::Leads(lease.clone()),
            // It ran out between the order and now: the next step says so.
            (TwoNodeMode::Shared, None) => Standing::Follows,
            (TwoNodeMode::Manual | TwoNodeMode::LocalGrants | TwoNodeMode::Available, _) => Standing::Apart(self.apart()),
        };
        self.parts.control.stand(standing);
        let (parts, note) = (Arc::clone(&self.parts), self.note.take());
        self.tasks.spawn(async move {
            parts.control.begin(note).await;
            Heard::Nothing
        });
    }

    /// What the cloud did last cannot be read here: what was due while it may have acted is not done again.
    fn apart(&self) -> Apart {
        let (now, at) = (self.parts.clock.now(), self.now());
        let ended = self.failover.cloud_acted_until(at).map(|ended| now - at.saturating_sub(ended));
        Apart { seen_until: Some(self.seen_at), from: ended.map_or(self.seen_at, |ended| ended.max(self.seen_at)), until: None }
    }

    fn drain(&mut self) {
        self.parts.control.stand(Standing::Follows);
        let parts = Arc::clone(&self.parts);
        self.tasks.spawn(async move {
            parts.control.drained().await;
            Heard::Drained
        });
    }

    pub(super) fn obey(&mut self, command: Command) {
        let at = self.now();
        let (answer, said) = match command {
            Command::TakeOver(answer) => (answer, self.failover.take_over(at)),
            Command::StandDown(answer) => (answer, self.failover.stand_down(at)),
        };
        let said: Result<()> = said.map(|orders| self.carry_out(orders));
        self.show();
        // Whoever asked may be gone.
        let _heard = answer.send(said);
    }

    /// What was begun before has ended; it counts only while it is waited for.
    pub(super) fn drained(&mut self) {
        if self.failover.phase() == Phase::Draining {
            let orders = self.failover.drained(self.now());
            self.carry_out(orders);
        }
    }
}
