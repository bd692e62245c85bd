//! What holds under any conditions.

use proptest::prelude::*;

use super::*;
use crate::safari::decision::settle;
use crate::safari::decision::{RetrySchedule, Settlement};
use crate::safari::limits::{Counter, Room};
use crate::safari::{DispatchOutcome, DispatchVerdict, Reason, Repeat};

#[derive(Debug, Clone)]
struct Weather {
    is_stopped: bool,
    hour: u32,
    used: u32,
    sent_ago: u64,
    rest: u64,
    held: u64,
    is_down: bool,
    is_denied: bool,
    halt: bool,
    due_in: i64,
}

fn weather() -> impl Strategy<Value = Weather> {
    let first = (any::<bool>(), 0_u32..24, 0_u32..40, 0_u64..300, 0_u64..200);
    let second = (0_u64..100, any::<bool>(), any::<bool>(), any::<bool>(), -100_i64..100);
    (first, second).prop_map(|((is_stopped, hour, used, sent_ago, rest), (held, is_down, is_denied, halt, due_in))| Weather {
        is_stopped: is_stopped && used.is_multiple_of(3),
        hour,
        used,
        sent_ago,
        rest: rest.saturating_sub(100),
        held: held.saturating_sub(50),
        is_down: is_down && used.is_multiple_of(2),
        is_denied: is_denied && used.is_multiple_of(5),
        halt: halt && used.is_multiple_of(7),
        due_in,
    })
}

fn under(weather: &Weather, now: Timestamp) -> (Command, Conditions) {
    let mut command = dm();
    command.scheduled_for = Some(now + chrono::TimeDelta::seconds(weather.due_in));
    let mut conditions = fair();
    conditions.is_stopped = weather.is_stopped;
    let key = (Platform::Instagram, LimitedAction::Dm);
    conditions.usage.insert(key, Usage { this_hour: weather.used / 3, today: weather.used });
    conditions.last_sent.insert(key, now - seconds(weather.sent_ago));
    conditions.rest = Some(BrowserRest::new(now + seconds(weather.rest), None));
    conditions.browser_held_until = Some(now + seconds(weather.held));
    if weather.is_down {
        conditions
            .health
            .insert(Service::InstagramDm, ServiceHealth::new(Service::InstagramDm, HealthStatus::Timeout, "late", now));
    }
    if weather.is_denied {
        conditions.deny_list.add(Contact::new(Platform::Instagram, "bob"));
    }
    if weather.halt {
        conditions.halts.push(Halt::after(HaltCause::PlatformLimit, Platform::Instagram, None, now));
    }
    (command, conditions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Nothing goes against any rule, worked out here a second time in other words.
    #[test]
    fn a_command_goes_exactly_when_no_rule_objects(weather in weather()) {
        let now = noon() + chrono::TimeDelta::hours(i64::from(weather.hour) - 12);
        let (command, conditions) = under(&weather, now);
        let may_go = !weather.is_stopped
            && weather.due_in <= 0
            && !weather.is_denied
            && !weather.halt
            && !weather.is_down
            && weather.used < 20
            && weather.used / 3 < 10
            && (9..21).contains(&weather.hour)
            && weather.sent_ago >= 120
            && weather.rest == 0
            && weather.held == 0;
        let step = next_step(&command, &conditions, now);
        prop_assert_eq!(matches!(step, NextStep::Dispatch(_)), may_go, "{:?}", step);
    }

    /// The sentence and the explanation say the same, and a stated time is in the future.
    #[test]
    fn the_explanation_agrees_with_the_step(weather in weather()) {
        let now = noon() + chrono::TimeDelta::hours(i64::from(weather.hour) - 12);
        let (command, conditions) = under(&weather, now);
        let objection = explain(&command, &conditions, now).into_iter().find(|said| !matches!(said.verdict, Verdict::Pass(_)));
        match (next_step(&command, &conditions, now), objection) {
            (NextStep::Dispatch(_), None) => {}
            (NextStep::Wait { until, why, detail }, Some(said)) => {
                prop_assert_eq!(said.rule, why);
                prop_assert_eq!(said.verdict.detail(), detail);
                prop_assert!(until.is_none_or(|until| until > now));
            }
            (NextStep::Refuse { why, detail, .. }, Some(said)) => {
                prop_assert_eq!(said.rule, why);
                prop_assert_eq!(said.verdict.detail(), detail);
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }

    /// A queue that only follows these decisions never passes a limit, never sends too closely, and never repeats what may have
    /// been sent.
    #[test]
    fn a_queue_that_obeys_never_passes_a_limit(outcomes in prop::collection::vec(0_u8..6, 1..200), step in 20_u64..900, limit in 0_u32..25) {
        let mut conditions = fair();
        conditions.active_hours = ActiveHours::ALWAYS;
        conditions.limits = format!(r#"{{"instagram": {{"dm": {limit}, "dm_hour": 4}}}}"#).parse().expect("limits");
        let key = (Platform::Instagram, LimitedAction::Dm);
        let mut counter = Counter::default();
        let mut sends: Vec<Timestamp> = Vec::new();
        let mut command = dm();
        let mut now = noon();
        for (index, kind) in outcomes.iter().enumerate() {
            now += seconds(step);
            conditions.usage.insert(key, counter.usage(now));
            let NextStep::Dispatch(dispatchable) = next_step(&command, &conditions, now) else { continue };
            for (platform, action, count) in dispatchable.charges() {
                prop_assert_eq!(counter.take(count, conditions.limit(platform, action), now), Room::Open);
            }
            let outcome = match kind {
                0 => DispatchOutcome::sent("sent"),
                1 => DispatchOutcome::new(DispatchVerdict::SentUnverified, Reason::Unverified, "sent"),
                2 => DispatchOutcome::unknown(Reason::TimedOut, "late"),
                3 => DispatchOutcome::refused(Repeat::Free, Reason::NoTab, "no tab"),
                4 => DispatchOutcome::refused(Repeat::Counted, Reason::PageFailed, "page"),
                _ => DispatchOutcome::refused(Repeat::Never, Reason::RecipientNotFound, "nobody"),
            };
            conditions.last_sent.insert(key, now);
            if outcome.verdict.uses_limit() {
                sends.push(now);
            } else {
                counter.give_back(1, now);
            }
            match settle(&outcome, command.retry_count, &RetrySchedule::default(), now, 0.5) {
                Settlement::Again { at, retry_count } => {
                    prop_assert!(!outcome.verdict.uses_limit(), "{:?} is tried again", outcome.verdict);
                    command.next_retry_at = Some(at);
                    command.retry_count = retry_count;
                }
                _ => command = Command::dm(Platform::Instagram, &format!("bob{index}"), "hello", now),
            }
        }
        for send in &sends {
            let in_day = sends.iter().filter(|other| other.date_naive() == send.date_naive()).count();
            prop_assert!(in_day <= usize::try_from(limit).expect("small"), "{in_day} in a day");
            let hour = |at: &Timestamp| at.timestamp() / 3_600;
            prop_assert!(sends.iter().filter(|other| hour(other) == hour(send)).count() <= 4);
        }
        prop_assert!(sends.windows(2).all(|pair| pair[1] - pair[0] >= chrono::TimeDelta::seconds(120)));
    }
}
