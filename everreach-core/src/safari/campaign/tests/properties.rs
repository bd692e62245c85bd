//! What holds whatever happens, in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Event {
    Advance,
    Wait(u64),
    Pause,
    Resume,
    Restart,
    Search(usize),
    Comment(usize, DispatchVerdict),
    Dm(Touch, DispatchVerdict),
    Replied,
    OptedOut,
    PostsNamed(usize),
}

fn verdict() -> impl Strategy<Value = DispatchVerdict> {
    prop_oneof![
        4 => Just(SENT),
        2 => Just(DispatchVerdict::SentUnverified),
        1 => Just(DispatchVerdict::Unknown),
        1 => Just(DispatchVerdict::Duplicate),
        1 => Just(REFUSED),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => Just(Event::Advance),
        6 => (0_u64..90).prop_map(Event::Wait),
        1 => Just(Event::Pause),
        2 => Just(Event::Resume),
        1 => Just(Event::Restart),
        3 => (0_usize..6).prop_map(Event::Search),
        6 => (0_usize..3, verdict()).prop_map(|(index, verdict)| Event::Comment(index, verdict)),
        6 => (prop::sample::select(Touch::ALL.to_vec()), verdict()).prop_map(|(touch, verdict)| Event::Dm(touch, verdict)),
        1 => prop_oneof![3 => Just(Event::Advance), 1 => Just(Event::Replied), 1 => Just(Event::OptedOut)],
        2 => (0_usize..5).prop_map(Event::PostsNamed),
    ]
}

/// What the world has seen of one target.
#[derive(Default)]
struct World {
    asked: BTreeSet<String>,
    open: Option<Touch>,
    is_unknown: bool,
    last_sent: Option<Timestamp>,
    dms: usize,
}

fn report(world: &mut World, target: &mut Target, touch: Touch, verdict: DispatchVerdict, now: Timestamp) {
    // The queue only reports about what it was asked for.
    if world.open != Some(touch) {
        return;
    }
    if verdict == DispatchVerdict::Unknown {
        world.is_unknown = true;
    } else {
        world.open = None;
        world.is_unknown = false;
        if matches!(verdict, DispatchVerdict::Sent | DispatchVerdict::SentUnverified) {
            world.last_sent = Some(now);
        }
    }
    settle_dm(target, touch, verdict, now);
}

fn play(kind: CampaignKind, platform: Platform, events: &[Event]) -> Result<(), TestCaseError> {
    let plan = CampaignPlan::new(kind, platform).expect("a plan");
    let mut target = Target::new("bob");
    let mut status = CampaignStatus::Running;
    let mut world = World::default();
    let mut now = noon();
    let mut ended: Option<Target> = None;
    for event in events {
        match event {
            Event::Wait(hours) => now += HOUR * u32::try_from(*hours).expect("small"),
            Event::Pause => status = status.pause().expect("not over"),
            Event::Resume => status = status.resume().expect("not over"),
            Event::Restart => {
                let stored = serde_json::to_string(&target).expect("json");
                target = serde_json::from_str(&stored).expect("a target");
            }
            Event::Search(found) => apply(&mut target, &Report::SearchAnswered { posts: posts(*found) }, now),
            Event::Comment(index, verdict) => {
                apply(&mut target, &Report::CommentSettled { index: *index, verdict: *verdict }, now)
            }
            Event::Dm(touch, verdict) => report(&mut world, &mut target, *touch, *verdict, now),
            Event::Replied => apply(&mut target, &Report::Replied, now),
            Event::OptedOut => apply(&mut target, &Report::OptedOut, now),
            Event::PostsNamed(count) => apply(&mut target, &Report::PostsNamed { posts: posts(*count) }, now),
            Event::Advance => {
                let was_terminal = target.state.is_terminal();
                let steps = advance(&mut target, &plan, status, now);
                prop_assert!(status == CampaignStatus::Running || steps.is_empty(), "pause holds");
                prop_assert!(!was_terminal || steps.is_empty(), "nothing after the end");
                for step in steps {
                    prop_assert!(world.asked.insert(step.key("c1", "bob")), "{step:?} is asked for twice");
                    if let Step::Dm { touch } = step {
                        prop_assert!(world.open.is_none() && !world.is_unknown, "{touch} while another one is open");
                        prop_assert!(
                            world.last_sent.is_none_or(|last| now - last >= chrono::TimeDelta::hours(72)),
                            "{touch} too early"
                        );
                        prop_assert!(kind == CampaignKind::DmSequence, "this campaign sends no messages");
                        world.open = Some(touch);
                        world.dms += 1;
                    }
                }
            }
        }
        prop_assert!(world.dms <= 3);
        match &ended {
            Some(end) => prop_assert_eq!(end, &target, "the end is the end"),
            None if target.state.is_terminal() => ended = Some(target.clone()),
            None => {}
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn no_target_gets_a_message_twice_or_too_early_or_after_the_end(events in prop::collection::vec(event(), 1..120)) {
        play(CampaignKind::DmSequence, Platform::Twitter, &events)?;
    }

    #[test]
    fn the_same_holds_without_comments(events in prop::collection::vec(event(), 1..80)) {
        play(CampaignKind::DmSequence, Platform::Linkedin, &events)?;
    }

    #[test]
    fn campaigns_without_messages_send_none(events in prop::collection::vec(event(), 1..80)) {
        play(CampaignKind::CommentWarmup, Platform::Twitter, &events)?;
        play(CampaignKind::ResearchSweep, Platform::Twitter, &events)?;
    }

    /// Left alone, with everything that is asked for answered, every target comes to its end.
    #[test]
    fn every_target_that_is_served_comes_to_an_end(verdicts in prop::collection::vec(verdict(), 8), hours in 1_u32..40) {
        let plan = plan(CampaignKind::DmSequence);
        let mut target = Target::new("bob");
        let mut now = noon();
        let mut verdicts = verdicts.into_iter().cycle();
        for _ in 0..1_000 {
            for step in go(&mut target, &plan, now) {
                let verdict = match verdicts.next().expect("endless") {
                    DispatchVerdict::Unknown => SENT,
                    known => known,
                };
                match step {
                    Step::FindPosts => apply(&mut target, &Report::SearchAnswered { posts: posts(4) }, now),
                    Step::Comment { index, .. } => apply(&mut target, &Report::CommentSettled { index, verdict }, now),
                    Step::Dm { touch } => settle_dm(&mut target, touch, verdict, now),
                    Step::Search => {}
                }
            }
            now += HOUR * hours;
        }
        prop_assert!(target.state.is_terminal(), "{target:?}");
    }
}
