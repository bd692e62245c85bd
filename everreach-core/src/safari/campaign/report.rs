//! The world's side: what happened to a target.

use super::{Search, Target, TargetState, Touch};
use crate::Timestamp;
use crate::safari::DispatchVerdict;

/// Something that happened to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Report {
    /// The search is over; these posts were found, none when it failed.
    SearchAnswered {
        /// The posts, newest first.
        posts: Vec<String>,
    },
    /// A comment is settled: `refused` means for good.
    CommentSettled {
        /// Which one.
        index: usize,
        /// What became of it.
        verdict: DispatchVerdict,
    },
    /// A message is settled: `refused` means for good.
    DmSettled {
        /// Which one.
        touch: Touch,
        /// What became of it.
        verdict: DispatchVerdict,
        /// The same as a sentence.
        detail: String,
    },
    /// The target replied.
    Replied,
    /// The target does not want to be written to, ever.
    OptedOut,
    /// A person refused the whole campaign.
    CampaignRefused,
    /// A person named posts of the target.
    PostsNamed {
        /// The posts.
        posts: Vec<String>,
    },
}

/// Takes a report into the target. Reports about what is settled or over change nothing, so that one may come twice.
///
/// An unknown outcome of a message holds the target: nothing more is sent until a person has said what became of it, by a second
/// report about the same message. An unknown comment counts as posted.
///
/// ```
/// use everreach_core::safari::DispatchVerdict;
/// use everreach_core::safari::campaign::{Report, Target, TargetState, apply};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let mut target = Target::new("bob");
/// apply(&mut target, &Report::Replied, now);
/// assert_eq!(target.state, TargetState::Replied);
/// apply(&mut target, &Report::OptedOut, now);
/// assert_eq!(target.state, TargetState::Replied, "it is over");
/// ```
pub fn apply(target: &mut Target, report: &Report, now: Timestamp) {
    if target.state.is_terminal() {
        return;
    }
    match report {
        Report::SearchAnswered { posts } => {
            if target.search == Search::Asked {
                target.search = Search::Answered;
                target.posts.clone_from(posts);
            }
        }
        Report::CommentSettled { index, verdict } => {
            if target.state == TargetState::Warmup && target.comments_settled.insert(*index) {
                let was_posted = !matches!(verdict, DispatchVerdict::Refused(_));
                target.comments_posted += usize::from(was_posted);
                target.last_comment_at = target.last_comment_at.max(Some(now));
            }
        }
        Report::DmSettled { touch, verdict, detail } => {
            if target.touch == Some(*touch) && target.is_touch_open {
                settle_dm(target, *touch, *verdict, detail, now);
            }
        }
        Report::Replied => target.end(TargetState::Replied, None),
        Report::OptedOut => target.end(TargetState::Failed, Some("opted out".to_owned())),
        Report::CampaignRefused => {
            let end = if target.last_dm_at.is_some() { TargetState::Cold } else { TargetState::Failed };
            target.end(end, Some("a person refused the campaign".to_owned()));
        }
        Report::PostsNamed { posts } => {
            if target.state == TargetState::Queued {
                target.posts.clone_from(posts);
                target.search = Search::Answered;
                target.held = None;
            }
        }
    }
}

fn settle_dm(target: &mut Target, touch: Touch, verdict: DispatchVerdict, detail: &str, now: Timestamp) {
    match verdict {
        DispatchVerdict::Unknown => target.held = Some(format!("nobody knows whether {touch} was sent: {detail}")),
        DispatchVerdict::Sent | DispatchVerdict::SentUnverified => {
            target.is_touch_open = false;
            target.held = None;
            target.last_dm_at = target.last_dm_at.max(Some(now));
            if touch == Touch::FinalTouch {
                target.end(TargetState::Cold, Some("no reply".to_owned()));
            } else if target.state != TargetState::AwaitingReply {
                target.state = TargetState::DmSent;
            }
        }
        // Somebody else writes to this person, or we cannot: a sequence is not forced on them.
        DispatchVerdict::Duplicate | DispatchVerdict::Refused(_) => {
            let end = if target.last_dm_at.is_some() { TargetState::Cold } else { TargetState::Failed };
            target.end(end, Some(detail.to_owned()));
        }
    }
}
