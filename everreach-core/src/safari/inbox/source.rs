//! Where the list comes from.

use async_trait::async_trait;

use super::Unread;
use crate::Result;
use crate::safari::Platform;

/// Reads the unread conversations of a platform.
///
/// # Law
/// It sends nothing and marks nothing as read. It does move Safari to the inbox, so whoever calls it holds the one browser. It
/// tells what it was told: an empty list means that none was seen, and a list that cannot be had is an error, never an empty
/// list.
///
/// ```
/// use async_trait::async_trait;
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::inbox::{Inbox, Unread};
///
/// struct NobodyWrote;
///
/// #[async_trait]
/// impl Inbox for NobodyWrote {
///     async fn unread(&self, _platform: Platform) -> everreach_core::Result<Unread> {
///         Ok(Unread::default())
///     }
/// }
///
/// let inbox: Box<dyn Inbox> = Box::new(NobodyWrote);
/// # drop(inbox);
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Inbox: Send + Sync + 'static {
    /// The unread conversations on this platform.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a platform without messages, any other when the list
    /// cannot be had.
    async fn unread(&self, platform: Platform) -> Result<Unread>;
}

const _OBJECT_SAFE: Option<&dyn Inbox> = None;
