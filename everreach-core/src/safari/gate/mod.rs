//! The input gate: what may leave this machine.
//!
//! # Law
//! Rows come from the cloud, and what they hold ends up inside shell commands and page scripts on the Mac. The gate is the first
//! of all checks, its refusals are final, and nothing but what it let through reaches a service: only it makes a [`Dispatchable`].

mod address;
mod check;
mod comment;
mod direct_message;
mod dispatchable;
mod fields;
mod handle;
mod navigation;
mod refusal;
mod wording;
mod work;

pub use check::check;
pub use dispatchable::Dispatchable;
pub use refusal::{Refusal, RefusalCode};
pub use work::{CommentWork, CrmStep, CrmWork, DmWork, NavigationWork, Opener, ResearchWork, Work};
