//! The tabs of the automation window, and who has claimed them.

use std::collections::BTreeMap;

use everreach_core::Timestamp;
use serde_json::{Value, json};

/// One claim on one tab.
#[derive(Debug, Clone)]
struct Claim {
    agent: String,
    service: &'static str,
    port: u16,
    pattern: &'static str,
    tab: u32,
    claimed_at: Timestamp,
    heartbeat: Timestamp,
}

impl Claim {
    fn shown(&self) -> Value {
        json!({
            "agentId": self.agent,
            "service": self.service,
            "port": self.port,
            "urlPattern": self.pattern,
            "windowIndex": 1,
            "tabIndex": self.tab,
            "tabUrl": format!("https://{}/", self.pattern),
            "pid": std::process::id(),
            "claimedAt": self.claimed_at,
            "heartbeat": self.heartbeat,
        })
    }
}

/// Who asks for a tab.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claimant<'a> {
    pub(super) agent: &'a str,
    pub(super) service: &'static str,
    pub(super) port: u16,
    pub(super) pattern: &'static str,
}

/// The window: two tabs where two services need one each, one of every other kind.
#[derive(Debug)]
pub(super) struct TabBoard {
    open: BTreeMap<&'static str, u32>,
    claims: Vec<Claim>,
}

impl Default for TabBoard {
    fn default() -> Self {
        let open =
            [("instagram.com", 1), ("x.com", 2), ("threads.com", 1), ("tiktok.com", 2), ("linkedin.com", 1), ("google.com", 1)];
        Self { open: open.into_iter().collect(), claims: Vec::new() }
    }
}

impl TabBoard {
    /// Claims a tab, or finds the claim that stands; `None` when all of the kind are taken.
    pub(super) fn claim(&mut self, claimant: Claimant<'_>, now: Timestamp) -> Option<Value> {
        if let Some(claim) = self.claims.iter_mut().find(|claim| claim.agent == claimant.agent) {
            claim.heartbeat = now;
            return (claim.pattern == claimant.pattern).then(|| claim.shown());
        }
        let open = self.open.get(claimant.pattern).copied().unwrap_or_default();
        let is_free = |tab: &u32| !self.claims.iter().any(|claim| claim.pattern == claimant.pattern && claim.tab == *tab);
        let tab = (1..=open).find(is_free)?;
        let claim = Claim {
            agent: claimant.agent.to_owned(),
            service: claimant.service,
            port: claimant.port,
            pattern: claimant.pattern,
            tab,
            claimed_at: now,
            heartbeat: now,
        };
        let shown = claim.shown();
        self.claims.push(claim);
        Some(shown)
    }

    /// Opens one more tab of a kind.
    pub(super) fn open_one(&mut self, pattern: &'static str) {
        let count = self.open.entry(pattern).or_default();
        *count = count.saturating_add(1);
    }

    /// Refreshes a claim; false when there is none.
    pub(super) fn heartbeat(&mut self, agent: &str, now: Timestamp) -> bool {
        let claim = self.claims.iter_mut().find(|claim| claim.agent == agent);
        claim.map(|claim| claim.heartbeat = now).is_some()
    }

    pub(super) fn release(&mut self, agent: &str) {
        self.claims.retain(|claim| claim.agent != agent);
    }

    pub(super) fn shown(&self) -> Value {
        let claims: Vec<_> = self.claims.iter().map(Claim::shown).collect();
        json!({"count": claims.len(), "claims": claims})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_strangers_on_x_leave_no_tab_for_the_services() {
        let now = "2026-11-20T12:00:00Z".parse().expect("a time");
        let mut board = TabBoard::default();
        let claimant = |agent| Claimant { agent, service: "twitter-dm", port: 3003, pattern: "x.com" };
        assert!(board.claim(claimant("one"), now).is_some() && board.claim(claimant("two"), now).is_some());
        assert!(board.claim(claimant("twitter-dm-stable"), now).is_none());
        assert!(board.claim(claimant("one"), now).is_some(), "its own claim stands");
        board.release("one");
        assert!(board.claim(claimant("twitter-dm-stable"), now).is_some());
        assert!(!board.heartbeat("one", now) && board.heartbeat("two", now));
    }
}
