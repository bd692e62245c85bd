//! The inbox: who has written, as far as the services can see.
//!
//! # Law
//! A conversation in the list is an unread one. One that is not in it proves nothing: the services see only what is on the
//! screen, and whoever reads an inbox by hand takes conversations off the list. LinkedIn's names people as they are shown, so somebody
//! of the same name is taken for the target: then nothing more is sent to the target, which is the safe side.

mod source;
mod unread;
#[cfg(test)]
mod unread_tests;

pub use source::Inbox;
#[cfg(feature = "mock")]
pub use source::MockInbox;
pub use unread::{Unread, UnreadConversation};
