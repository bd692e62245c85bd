//! Spacing, the limit over all accounts, and half the rate after a sign-in.

use super::*;

/// Twitter goes at half its rate for two hours more.
fn half_rate() -> Conditions {
    let mut conditions = fair();
    conditions.half_rate.insert(Platform::Twitter, noon() + seconds(7_200));
    conditions
}

fn twitter_dm() -> Command {
    Command::dm(Platform::Twitter, "bob", "hello", noon())
}

fn used(this_hour: u32, today: u32) -> Usage {
    Usage { this_hour, today }
}

#[test]
fn all_accounts_together_keep_to_thirty_an_hour_and_a_hundred_and_fifty_a_day() {
    let mut conditions = fair();
    let (next_hour, midnight) = (noon() + seconds(3_600), noon() + seconds(12 * 3_600));
    for (combined, until) in [(used(30, 30), next_hour), (used(0, 150), midnight), (used(30, 150), midnight)] {
        conditions.combined_usage = combined;
        for command in [dm(), comment(), twitter_dm(), Command::new(Verb::Pipeline, noon())] {
            assert_waits(&command, &conditions, noon(), Rule::Limit, Some(until));
        }
        assert_goes(&Command::research(Platform::Twitter, "ai", 5, noon()), &conditions, noon());
    }
    assert!(why(&dm(), &conditions, noon()).starts_with("limit: all accounts together: 150 of 150 a day used"));
    conditions.combined_usage = used(29, 149);
    assert_goes(&dm(), &conditions, noon());
    assert_waits(&Command::new(Verb::Pipeline, noon()), &conditions, noon(), Rule::Limit, Some(midnight));
}

#[test]
fn what_other_programs_sent_counts_with_all_accounts() {
    let mut conditions = fair();
    conditions.combined_usage = used(20, 20);
    conditions.sent_elsewhere.insert((Platform::Linkedin, LimitedAction::Dm), used(10, 10));
    assert_waits(&dm(), &conditions, noon(), Rule::Limit, Some(noon() + seconds(3_600)));
}

#[test]
fn a_limit_of_zero_over_all_accounts_refuses() {
    let mut conditions = fair();
    conditions.limits = r#"{"all": {"day": 0}}"#.parse().expect("limits");
    assert_refused(&dm(), &conditions, Rule::Limit);
}

#[test]
fn half_the_rate_halves_the_limits_and_doubles_the_spacing_of_that_account() {
    let mut conditions = half_rate();
    let limit = |platform, action| {
        let limit = conditions.limit(platform, action);
        (limit.per_hour, limit.per_day)
    };
    assert_eq!(limit(Platform::Twitter, LimitedAction::Dm), (Some(7), Some(25)));
    assert_eq!(limit(Platform::Twitter, LimitedAction::Comment), (Some(5), Some(15)));
    assert_eq!(limit(Platform::Tiktok, LimitedAction::Dm), (Some(10), Some(30)));
    conditions.last_sent.insert((Platform::Twitter, LimitedAction::Dm), noon() - seconds(130));
    assert_waits(&twitter_dm(), &conditions, noon(), Rule::Spacing, Some(noon() + seconds(110)));
    conditions.last_sent.clear();
    conditions.usage.insert((Platform::Twitter, LimitedAction::Dm), used(7, 7));
    assert_waits(&twitter_dm(), &conditions, noon(), Rule::Limit, Some(noon() + seconds(3_600)));
    assert!(why(&twitter_dm(), &conditions, noon()).contains("7 of 7 an hour used (at half the rate until"));
    conditions.half_rate.clear();
    assert_goes(&twitter_dm(), &conditions, noon());
}

#[test]
fn threads_goes_at_the_rate_of_the_account_it_shares() {
    let mut conditions = fair();
    conditions.half_rate.insert(Platform::Instagram, noon() + seconds(60));
    assert_eq!(conditions.limit(Platform::Threads, LimitedAction::Comment), Limit { per_hour: Some(2), per_day: Some(10) });
}

#[test]
fn what_is_too_much_for_half_the_rate_waits_for_the_full_one() {
    let pipeline = Command::new(Verb::Pipeline, noon());
    let mut conditions = half_rate();
    assert_waits(&pipeline, &conditions, noon(), Rule::Limit, Some(noon() + seconds(7_200)));
    conditions.limits = r#"{"twitter": {"dm": 9}}"#.parse().expect("limits");
    assert_refused(&pipeline, &conditions, Rule::Limit);
}

#[test]
fn an_account_that_was_signed_out_rests_a_day_and_goes_at_half_its_rate_for_a_week() {
    let day = seconds(24 * 3_600);
    let mut halt = Halt::after(HaltCause::Login, Platform::Twitter, Some(LimitedAction::Dm), noon());
    assert_eq!((halt.until, halt.half_rate_until(noon() + 99 * day)), (None, None), "nobody has signed in");
    halt.until = Some(noon() + Halt::REST_AFTER_LOGIN);
    let ends = noon() + 8 * day;
    for (at, stops, half_rate) in [
        (noon() + day - seconds(1), true, None),
        (noon() + day, false, Some(ends)),
        (ends - seconds(1), false, Some(ends)),
        (ends, false, None),
    ] {
        assert_eq!((halt.stops(Platform::Twitter, None, at), halt.half_rate_until(at)), (stops, half_rate), "{at}");
    }
    let mut blocked = Halt::after(HaltCause::ActionBlock, Platform::Twitter, Some(LimitedAction::Dm), noon());
    assert_eq!(blocked.half_rate_until(noon() + day), None);
    blocked.cause = HaltCause::PlatformLimit;
    assert_eq!(blocked.half_rate_until(noon() + day), None);
}

#[test]
fn sends_of_one_account_keep_their_distance() {
    let mut conditions = fair();
    conditions.last_sent.insert((Platform::Instagram, LimitedAction::Dm), noon() - seconds(30));
    assert_waits(&dm(), &conditions, noon(), Rule::Spacing, Some(noon() + seconds(90)));
    for other in [comment(), Command::dm(Platform::Twitter, "bob", "hello", noon())] {
        assert_waits(&other, &conditions, noon(), Rule::Spacing, Some(noon() + seconds(30)));
        assert_goes(&other, &conditions, noon() + seconds(30));
    }
    conditions.pacing.min_delay = Some(Duration::ZERO);
    assert_goes(&dm(), &conditions, noon());
}
