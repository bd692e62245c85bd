//! The inbox: who has written, as far as the services can see.
//!
//! # Law
//! A conversation in the list is an unread one. One that is not in it proves nothing: the services see only what is on the
//! screen, LinkedIn's only counts, and whoever reads an inbox by hand takes conversations off the list.

mod source;
mod unread;
#[cfg(test)]
mod unread_tests;

pub use source::Inbox;
#[cfg(feature = "mock")]
pub use source::MockInbox;
pub use unread::{Unread, UnreadConversation};
