use std::time::Duration;

use super::*;
use crate::safari::campaign::{Report, Touch, apply};
use crate::safari::{DispatchVerdict, Platform, Repeat};

#[path = "tests/properties.rs"]
mod properties;

const HOUR: Duration = Duration::from_secs(3_600);
const SENT: DispatchVerdict = DispatchVerdict::Sent;
const REFUSED: DispatchVerdict = DispatchVerdict::Refused(Repeat::Never);

fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn plan(kind: CampaignKind) -> CampaignPlan {
    CampaignPlan::new(kind, Platform::Twitter).expect("a plan")
}

fn posts(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("https://x.com/bob/status/{index}")).collect()
}

fn go(target: &mut Target, plan: &CampaignPlan, now: Timestamp) -> Vec<Step> {
    advance(target, plan, CampaignStatus::Running, now)
}

fn settle_comments(target: &mut Target, verdict: DispatchVerdict, now: Timestamp) {
    for index in 0..3 {
        apply(target, &Report::CommentSettled { index, verdict }, now);
    }
}

fn settle_dm(target: &mut Target, touch: Touch, verdict: DispatchVerdict, now: Timestamp) {
    apply(target, &Report::DmSettled { touch, verdict, detail: "x".to_owned() }, now);
}

/// A target that was warmed up and got its first message at noon.
fn written_to() -> Target {
    let mut target = Target::new("bob").with_posts(posts(3));
    let plan = plan(CampaignKind::DmSequence);
    assert_eq!(go(&mut target, &plan, noon() - 25 * HOUR).len(), 3);
    settle_comments(&mut target, SENT, noon() - 24 * HOUR);
    assert_eq!(go(&mut target, &plan, noon()), [Step::Dm { touch: Touch::FirstDm }]);
    settle_dm(&mut target, Touch::FirstDm, SENT, noon());
    target
}

#[test]
fn a_target_that_never_replies_goes_the_whole_way_and_ends_cold() {
    let plan = plan(CampaignKind::DmSequence);
    let mut target = Target::new("bob");
    assert_eq!(go(&mut target, &plan, noon()), [Step::FindPosts]);
    assert_eq!(go(&mut target, &plan, noon()), []);
    apply(&mut target, &Report::SearchAnswered { posts: posts(5) }, noon());
    let comments = go(&mut target, &plan, noon());
    assert_eq!(comments.len(), 3);
    assert_eq!(target.state, TargetState::Warmup);
    let mut now = noon() + HOUR;
    settle_comments(&mut target, SENT, now);
    assert_eq!(go(&mut target, &plan, now + 24 * HOUR - Duration::from_micros(1)), [], "24 hours are waited");
    now += 24 * HOUR;
    for (touch, is_last) in [(Touch::FirstDm, false), (Touch::FollowUp, false), (Touch::FinalTouch, true)] {
        assert_eq!(go(&mut target, &plan, now), [Step::Dm { touch }]);
        assert_eq!(go(&mut target, &plan, now + 500 * HOUR), [], "{touch} is open");
        settle_dm(&mut target, touch, SENT, now);
        if is_last {
            assert_eq!(target.state, TargetState::Cold);
        } else {
            assert_eq!(go(&mut target, &plan, now + 72 * HOUR - Duration::from_micros(1)), []);
            assert_eq!(target.state, TargetState::AwaitingReply);
        }
        now += 72 * HOUR;
    }
    assert_eq!(go(&mut target, &plan, now + 10_000 * HOUR), []);
}

#[test]
fn a_message_that_was_just_sent_is_dm_sent_until_the_clock_looks_again() {
    let mut target = written_to();
    assert_eq!(target.state, TargetState::DmSent);
    assert_eq!(go(&mut target, &plan(CampaignKind::DmSequence), noon()), []);
    assert_eq!(target.state, TargetState::AwaitingReply);
}

#[test]
fn who_replied_gets_nothing_more_at_any_stage() {
    let plan = plan(CampaignKind::DmSequence);
    let mut early = Target::new("bob");
    let mut warm = Target::new("bob").with_posts(posts(3));
    let _ = go(&mut warm, &plan, noon());
    for target in [&mut early, &mut warm, &mut written_to()] {
        apply(target, &Report::Replied, noon());
        assert_eq!(target.state, TargetState::Replied);
        assert_eq!(go(target, &plan, noon() + 1_000 * HOUR), []);
    }
}

#[test]
fn fewer_than_three_posts_hold_the_target_until_a_person_names_more() {
    let plan = plan(CampaignKind::CommentWarmup);
    let mut target = Target::new("bob").with_posts(posts(2));
    assert_eq!(go(&mut target, &plan, noon()), []);
    assert_eq!(target.held.as_deref(), Some("2 of 3 posts are known; name more of them"));
    apply(&mut target, &Report::PostsNamed { posts: posts(3) }, noon());
    assert_eq!(go(&mut target, &plan, noon()).len(), 3);
    let mut searched = Target::new("bob");
    assert_eq!(go(&mut searched, &plan, noon()), [Step::FindPosts]);
    apply(&mut searched, &Report::SearchAnswered { posts: Vec::new() }, noon());
    assert_eq!(go(&mut searched, &plan, noon()), []);
    assert!(searched.held.is_some());
}

#[test]
fn a_warm_up_is_done_when_its_comments_are_settled() {
    let plan = plan(CampaignKind::CommentWarmup);
    for (verdict, state) in [
        (SENT, TargetState::Done),
        (DispatchVerdict::SentUnverified, TargetState::Done),
        (DispatchVerdict::Unknown, TargetState::Done),
        (REFUSED, TargetState::Failed),
    ] {
        let mut target = Target::new("bob").with_posts(posts(3));
        let _ = go(&mut target, &plan, noon());
        settle_comments(&mut target, verdict, noon());
        assert_eq!(go(&mut target, &plan, noon()), []);
        assert_eq!(target.state, state, "{verdict}");
    }
}

#[test]
fn a_comment_that_is_reported_twice_counts_once() {
    let plan = plan(CampaignKind::CommentWarmup);
    let mut target = Target::new("bob").with_posts(posts(3));
    let _ = go(&mut target, &plan, noon());
    for _ in 0..3 {
        apply(&mut target, &Report::CommentSettled { index: 0, verdict: SENT }, noon());
    }
    let _ = go(&mut target, &plan, noon());
    assert_eq!((target.state, target.comments_posted), (TargetState::Warmup, 1));
}

#[test]
fn an_unknown_message_holds_the_target_until_somebody_says_what_became_of_it() {
    let plan = plan(CampaignKind::DmSequence);
    for (verdict, state) in [(SENT, TargetState::AwaitingReply), (REFUSED, TargetState::Cold)] {
        let mut target = written_to();
        let later = noon() + 72 * HOUR;
        assert_eq!(go(&mut target, &plan, later), [Step::Dm { touch: Touch::FollowUp }]);
        settle_dm(&mut target, Touch::FollowUp, DispatchVerdict::Unknown, later);
        assert_eq!(go(&mut target, &plan, later + 1_000 * HOUR), []);
        settle_dm(&mut target, Touch::FollowUp, verdict, later + HOUR);
        assert_eq!(go(&mut target, &plan, later + 2 * HOUR), []);
        assert_eq!(target.state, state);
    }
}

#[test]
fn who_cannot_be_written_to_fails_at_first_and_goes_cold_later() {
    let plan = plan(CampaignKind::DmSequence);
    for verdict in [REFUSED, DispatchVerdict::Duplicate] {
        let mut target = Target::new("bob").with_posts(posts(3));
        let _ = go(&mut target, &plan, noon());
        settle_comments(&mut target, SENT, noon());
        assert_eq!(go(&mut target, &plan, noon() + 24 * HOUR).len(), 1);
        settle_dm(&mut target, Touch::FirstDm, verdict, noon() + 24 * HOUR);
        assert_eq!(target.state, TargetState::Failed, "{verdict}");
        let mut target = written_to();
        assert_eq!(go(&mut target, &plan, noon() + 72 * HOUR).len(), 1);
        settle_dm(&mut target, Touch::FollowUp, verdict, noon() + 72 * HOUR);
        assert_eq!(target.state, TargetState::Cold, "{verdict}");
    }
}

#[test]
fn without_comments_on_the_platform_the_message_comes_first() {
    let plan = CampaignPlan::new(CampaignKind::DmSequence, Platform::Linkedin).expect("a plan");
    let mut target = Target::new("bob");
    assert_eq!(go(&mut target, &plan, noon()), [Step::Dm { touch: Touch::FirstDm }]);
    settle_dm(&mut target, Touch::FirstDm, SENT, noon());
    assert_eq!(target.state, TargetState::DmSent);
}

#[test]
fn a_sweep_searches_once_and_is_done() {
    let plan = plan(CampaignKind::ResearchSweep);
    let mut target = Target::new("ai automation");
    assert_eq!(go(&mut target, &plan, noon()), [Step::Search]);
    assert_eq!(go(&mut target, &plan, noon()), []);
    apply(&mut target, &Report::SearchAnswered { posts: Vec::new() }, noon());
    assert_eq!(go(&mut target, &plan, noon()), []);
    assert_eq!(target.state, TargetState::Done);
}

#[test]
fn a_campaign_that_does_not_run_issues_nothing_and_goes_on_where_it_was() {
    let plan = plan(CampaignKind::DmSequence);
    for status in [CampaignStatus::Paused, CampaignStatus::Cancelled, CampaignStatus::Completed] {
        let mut target = written_to();
        let before = target.clone();
        assert_eq!(advance(&mut target, &plan, status, noon() + 500 * HOUR), []);
        assert_eq!(target, before);
        assert_eq!(go(&mut target, &plan, noon() + 500 * HOUR), [Step::Dm { touch: Touch::FollowUp }]);
    }
}

#[test]
fn campaigns_that_no_service_can_do_are_refused() {
    for (kind, platform) in [
        (CampaignKind::CommentWarmup, Platform::Linkedin),
        (CampaignKind::DmSequence, Platform::Threads),
        (CampaignKind::DmSequence, Platform::Facebook),
        (CampaignKind::ResearchSweep, Platform::Linkedin),
    ] {
        assert!(CampaignPlan::new(kind, platform).is_err(), "{kind} {platform}");
    }
}

#[test]
fn the_rows_of_every_step_pass_the_gate() {
    let plan = plan(CampaignKind::DmSequence);
    let steps = [
        Step::FindPosts,
        Step::Search,
        Step::Comment { index: 0, post_url: posts(1).remove(0) },
        Step::Dm { touch: Touch::FirstDm },
    ];
    for step in steps {
        let command = step.command(&plan, "c1", "bob", Some("hello"), noon());
        assert!(crate::safari::gate::check(&command).is_ok(), "{step:?}");
        assert_eq!(command.campaign_id.as_deref(), Some("c1"));
        let wordless = step.command(&plan, "c1", "bob", None, noon());
        assert_eq!(crate::safari::gate::check(&wordless).is_err(), step.needs_text(), "{step:?}");
    }
}
