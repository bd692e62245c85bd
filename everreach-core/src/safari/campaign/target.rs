//! A target of a campaign.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Touch;
use crate::Timestamp;

/// Where a target stands.
///
/// ```
/// use everreach_core::safari::campaign::TargetState;
/// assert!(TargetState::Replied.is_terminal() && TargetState::Cold.is_terminal());
/// assert_eq!(TargetState::AwaitingReply.as_str(), "awaiting_reply");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TargetState {
    /// Nothing has reached it.
    #[default]
    Queued,
    /// Comments are on their way, or have been posted and rest.
    Warmup,
    /// A message was sent just now.
    DmSent,
    /// No reply yet.
    AwaitingReply,
    /// It replied.
    Replied,
    /// It never replied, and nothing more is sent.
    Cold,
    /// All is done that the campaign does: it sends no messages.
    Done,
    /// It could not be reached.
    Failed,
}

impl TargetState {
    /// The word for it in tables and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Warmup => "warmup",
            Self::DmSent => "dm_sent",
            Self::AwaitingReply => "awaiting_reply",
            Self::Replied => "replied",
            Self::Cold => "cold",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more happens to it.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Replied | Self::Cold | Self::Done | Self::Failed)
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where the one search for a target stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Search {
    /// Not asked for.
    #[default]
    None,
    /// Asked for.
    Asked,
    /// Answered.
    Answered,
}

/// A target and all that has happened to it: enough to go on after any restart.
///
/// ```
/// use everreach_core::safari::campaign::{Target, TargetState};
/// let target = Target::new("@Bob").with_posts(["https://x.com/bob/status/1"]);
/// assert_eq!((target.handle.as_str(), target.state, target.posts.len()), ("Bob", TargetState::Queued, 1));
/// assert_eq!(serde_json::from_str::<Target>(&serde_json::to_string(&target)?)?, target);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Target {
    /// The user name without `@`, or the keyword.
    pub handle: String,
    /// Where it stands.
    pub state: TargetState,
    /// Its posts, as far as they are known.
    pub posts: Vec<String>,
    /// The search for it or its posts.
    pub search: Search,
    /// Which comments are settled, by their number.
    pub comments_settled: BTreeSet<usize>,
    /// How many of them were posted, or may have been.
    pub comments_posted: usize,
    /// When the last one was settled.
    pub last_comment_at: Option<Timestamp>,
    /// The last message that was asked for.
    pub touch: Option<Touch>,
    /// The name under which the platform showed it when it was written to, where inboxes know no other.
    #[serde(default)]
    pub shown_name: Option<String>,
    /// Whether its outcome is still open.
    pub is_touch_open: bool,
    /// When the last message was sent.
    pub last_dm_at: Option<Timestamp>,
    /// Why it is held for a person.
    pub held: Option<String>,
    /// Why it ended as it did, where that needs a reason.
    pub reason: Option<String>,
}

impl Target {
    /// A target that nothing has reached.
    #[must_use]
    pub fn new(handle: &str) -> Self {
        let handle = handle.trim();
        Self {
            handle: handle.strip_prefix('@').unwrap_or(handle).to_owned(),
            state: TargetState::Queued,
            posts: Vec::new(),
            search: Search::None,
            comments_settled: BTreeSet::new(),
            comments_posted: 0,
            last_comment_at: None,
            touch: None,
            shown_name: None,
            is_touch_open: false,
            last_dm_at: None,
            held: None,
            reason: None,
        }
    }

    /// Names posts of it, so that nobody has to search for them.
    #[must_use]
    pub fn with_posts<S: Into<String>>(mut self, posts: impl IntoIterator<Item = S>) -> Self {
        self.posts = posts.into_iter().map(Into::into).collect();
        self
    }

    /// It is over with it.
    pub(super) fn end(&mut self, state: TargetState, reason: Option<String>) {
        self.state = state;
        self.reason = reason;
        self.held = None;
        self.is_touch_open = false;
    }
}
