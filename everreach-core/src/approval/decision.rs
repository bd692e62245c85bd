//! The decisions about an approval, as functions of a row and the time.

use super::{Approval, ApprovalState};
use crate::Timestamp;

/// Whether it still counts as open but its time is over.
pub(super) fn has_lapsed(approval: &Approval, now: Timestamp) -> bool {
    matches!(approval.state, ApprovalState::Pending | ApprovalState::Approved) && approval.expires_at <= now
}

/// Whether it was asked for by this very request.
pub(super) fn is_for(approval: &Approval, fingerprint: &str) -> bool {
    approval.fingerprint == fingerprint
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Id;

    #[test]
    fn only_open_approvals_lapse_and_they_do_so_to_the_microsecond() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
        let mut approval = Approval {
            id: Id::new(),
            kind: "call".to_owned(),
            action: "dm.bulk_send".parse().expect("a name"),
            params: serde_json::Map::new(),
            idempotency_key: "k".to_owned(),
            fingerprint: "f".to_owned(),
            state: ApprovalState::Pending,
            requested_at: now,
            expires_at: now,
            decided_at: None,
        };
        assert!(has_lapsed(&approval, now) && !has_lapsed(&approval, now - Duration::from_micros(1)));
        approval.state = ApprovalState::Approved;
        assert!(has_lapsed(&approval, now));
        for state in [ApprovalState::Denied, ApprovalState::Expired, ApprovalState::Consumed] {
            approval.state = state;
            assert!(!has_lapsed(&approval, now), "{state}");
        }
    }
}
