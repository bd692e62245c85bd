//! Outreach: a follow-up to every contact that is due, written by a tool and sent by the router, one agent per contact.

mod crm;
mod follow_up;

pub use crm::CrmExecutor;
pub use follow_up::{FollowUp, Outcome};
