//! Decisions: whether a command goes now, and if not why, and what becomes of it after a try. All of them are functions of a
//! row, the conditions of the moment and the time.
//!
//! # Law
//! The gate comes first and its refusals are final. A command waits as long as any rule says so, and each rule can be explained.

mod conditions;
mod deny_list;
mod dm_group;
mod halt;
mod next_step;
mod objections;
mod pacing;
mod person;
mod reclaim;
mod rule;
mod settlement;

pub use conditions::{BrowserRest, Conditions};
pub use deny_list::DenyList;
pub use dm_group::{DmGroup, DmGroupApproval, MAX_UNAPPROVED_DMS, needs_approval};
pub use halt::Halt;
pub use next_step::{NextStep, RuleVerdict, Verdict, explain, next_step, why};
pub use pacing::Pacing;
pub use person::{Resolution, resolve};
pub use reclaim::reclaim;
pub use rule::Rule;
pub use settlement::{RetrySchedule, Settlement, settle};
