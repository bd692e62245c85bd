//! Many messages at once need a person.

use serde::Serialize;

/// How many messages one request, campaign or batch may hold without a person's word.
pub const MAX_UNAPPROVED_DMS: u32 = 10;

/// Whether so many messages in one request, campaign or batch need a person's word. Messages written one by one need none.
///
/// ```
/// use everreach_core::safari::decision::needs_approval;
/// assert!(!needs_approval(10) && needs_approval(11));
/// ```
#[must_use]
pub const fn needs_approval(dms: u32) -> bool {
    dms > MAX_UNAPPROVED_DMS
}

/// What a person said about a group of messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DmGroupApproval {
    /// Nothing yet.
    #[default]
    Pending,
    /// Yes.
    Approved,
    /// No; for a batch also nothing in time.
    Denied,
    /// Nothing in time: a campaign is held until a person is asked again.
    Lapsed,
}

/// The messages of one campaign or batch, and what a person said about them.
///
/// ```
/// use everreach_core::safari::decision::{DmGroup, DmGroupApproval};
/// assert!(DmGroup::new(3, DmGroupApproval::Pending).may_go());
/// assert!(!DmGroup::new(11, DmGroupApproval::Pending).may_go());
/// assert!(DmGroup::new(11, DmGroupApproval::Approved).may_go());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DmGroup {
    /// How many messages it holds in all, sent ones included.
    pub dms: u32,
    /// What a person said.
    pub approval: DmGroupApproval,
}

impl DmGroup {
    /// A group of so many.
    #[must_use]
    pub const fn new(dms: u32, approval: DmGroupApproval) -> Self {
        Self { dms, approval }
    }

    /// Whether its messages may go. A refusal counts even when nobody needed to be asked.
    #[must_use]
    pub const fn may_go(self) -> bool {
        match self.approval {
            DmGroupApproval::Approved => true,
            DmGroupApproval::Denied | DmGroupApproval::Lapsed => false,
            DmGroupApproval::Pending => !needs_approval(self.dms),
        }
    }
}
