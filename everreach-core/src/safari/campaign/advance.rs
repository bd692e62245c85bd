//! The clock's side: what a target needs next.

use super::{CampaignKind, CampaignPlan, CampaignStatus, Search, Step, Target, TargetState};
use crate::Timestamp;

/// Moves a target on as far as the time allows, and says what is to be asked of the queue. Each step comes out once: the target
/// remembers it. Write the target and the rows for the steps in one transaction, and look for replies before.
///
/// `queued → warmup → dm_sent → awaiting_reply → replied | cold`; targets of campaigns without messages end as `done`.
///
/// ```
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::campaign::{CampaignKind, CampaignPlan, CampaignStatus, Step, Target, TargetState, advance};
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let plan = CampaignPlan::new(CampaignKind::CommentWarmup, Platform::Twitter)?;
/// let mut target = Target::new("bob").with_posts(["https://x.com/bob/status/1", "https://x.com/bob/status/2", "https://x.com/bob/status/3"]);
/// let steps = advance(&mut target, &plan, CampaignStatus::Running, now);
/// assert_eq!(steps.len(), 3);
/// assert_eq!(target.state, TargetState::Warmup);
/// assert!(advance(&mut target, &plan, CampaignStatus::Running, now).is_empty(), "each step comes out once");
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[must_use]
pub fn advance(target: &mut Target, plan: &CampaignPlan, status: CampaignStatus, now: Timestamp) -> Vec<Step> {
    if status != CampaignStatus::Running || target.held.is_some() || target.state.is_terminal() {
        return Vec::new();
    }
    match target.state {
        TargetState::Queued if plan.kind == CampaignKind::ResearchSweep => search(target),
        TargetState::Queued if plan.comments > 0 => warm_up(target, plan),
        TargetState::Queued => next_dm(target, plan),
        TargetState::Warmup => after_comments(target, plan, now),
        TargetState::DmSent | TargetState::AwaitingReply => {
            target.state = TargetState::AwaitingReply;
            after_dm(target, plan, now)
        }
        _ => Vec::new(),
    }
}

fn search(target: &mut Target) -> Vec<Step> {
    match target.search {
        Search::None => {
            target.search = Search::Asked;
            vec![Step::Search]
        }
        Search::Asked => Vec::new(),
        Search::Answered => {
            target.end(TargetState::Done, None);
            Vec::new()
        }
    }
}

fn warm_up(target: &mut Target, plan: &CampaignPlan) -> Vec<Step> {
    let known = target.posts.len();
    if known >= plan.comments {
        target.state = TargetState::Warmup;
        let posts = target.posts.iter().take(plan.comments).enumerate();
        return posts.map(|(index, post_url)| Step::Comment { index, post_url: post_url.clone() }).collect();
    }
    match target.search {
        Search::None if known == 0 => {
            target.search = Search::Asked;
            vec![Step::FindPosts]
        }
        Search::Asked => Vec::new(),
        Search::None | Search::Answered => {
            target.held = Some(format!("{known} of {} posts are known; name more of them", plan.comments));
            Vec::new()
        }
    }
}

fn after_comments(target: &mut Target, plan: &CampaignPlan, now: Timestamp) -> Vec<Step> {
    if target.comments_settled.len() < plan.comments {
        return Vec::new();
    }
    if target.comments_posted == 0 {
        target.end(TargetState::Failed, Some("none of the comments could be posted".to_owned()));
        return Vec::new();
    }
    if plan.kind == CampaignKind::CommentWarmup {
        target.end(TargetState::Done, None);
        return Vec::new();
    }
    match target.last_comment_at {
        Some(last) if now < last + plan.after_comments => Vec::new(),
        _ => next_dm(target, plan),
    }
}

fn after_dm(target: &mut Target, plan: &CampaignPlan, now: Timestamp) -> Vec<Step> {
    match target.last_dm_at {
        Some(last) if now < last + plan.before_next_dm => Vec::new(),
        _ => next_dm(target, plan),
    }
}

/// Asks for the next message, unless one is open; without a next one the target is cold.
fn next_dm(target: &mut Target, plan: &CampaignPlan) -> Vec<Step> {
    if target.is_touch_open {
        return Vec::new();
    }
    match plan.next_touch(target.touch) {
        Some(touch) => {
            target.touch = Some(touch);
            target.is_touch_open = true;
            vec![Step::Dm { touch }]
        }
        None => {
            target.end(TargetState::Cold, Some("no reply".to_owned()));
            Vec::new()
        }
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
