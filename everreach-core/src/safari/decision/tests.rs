use std::time::Duration;

use serde_json::json;

use super::*;
use crate::safari::decision::{BrowserRest, DmGroup, DmGroupApproval, Halt};
use crate::safari::limits::{Limit, Usage};
use crate::safari::{ActiveHours, Contact, HaltCause, HealthStatus, LimitedAction, Platform, Service, ServiceHealth, Verb};

#[path = "tests/properties.rs"]
mod properties;
#[path = "tests/rates.rs"]
mod rates;

fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Everything is up and nothing was used.
fn fair() -> Conditions {
    let mut conditions = Conditions::new(chrono_tz::UTC);
    for service in Service::ALL {
        conditions.health.insert(service, ServiceHealth::new(service, HealthStatus::Healthy, "up", noon()));
    }
    conditions
}

fn dm() -> Command {
    Command::dm(Platform::Instagram, "bob", "hello", noon())
}

fn comment() -> Command {
    Command::comment(Platform::Instagram, "https://www.instagram.com/p/1/", "nice", noon())
}

fn assert_waits(command: &Command, conditions: &Conditions, now: Timestamp, rule: Rule, until: Option<Timestamp>) {
    match next_step(command, conditions, now) {
        NextStep::Wait { until: seen, why, detail } => assert_eq!((why, seen), (rule, until), "{detail}"),
        other => panic!("wanted to wait for {rule}, got {other:?}"),
    }
}

fn assert_refused(command: &Command, conditions: &Conditions, rule: Rule) {
    match next_step(command, conditions, noon()) {
        NextStep::Refuse { why, .. } => assert_eq!(why, rule),
        other => panic!("wanted a refusal by {rule}, got {other:?}"),
    }
}

fn assert_goes(command: &Command, conditions: &Conditions, now: Timestamp) {
    let step = next_step(command, conditions, now);
    assert!(matches!(step, NextStep::Dispatch(_)), "{step:?}");
}

#[test]
fn every_verb_goes_when_nothing_stands_against_it() {
    let research = Command::research(Platform::Twitter, "ai", 5, noon());
    let page = Command::new(Verb::Navigate, noon()).with_param("url", "https://x.com/home");
    let crm =
        [Verb::Sync, Verb::SyncLinkedin, Verb::Score, Verb::Generate, Verb::Pipeline].map(|verb| Command::new(verb, noon()));
    for command in [dm(), comment(), research, page].iter().chain(&crm) {
        assert_goes(command, &fair(), noon());
    }
}

#[test]
fn the_gate_speaks_before_everything_else() {
    let mut command = dm().with_param("username", "bob'; id");
    command.scheduled_for = Some(noon() + seconds(60));
    let mut conditions = Conditions::new(chrono_tz::UTC);
    conditions.is_stopped = true;
    assert_refused(&command, &conditions, Rule::Gate);
    assert_eq!(explain(&command, &conditions, noon()).len(), 1);
}

#[test]
fn nothing_goes_before_its_time() {
    let mut command = dm();
    command.scheduled_for = Some(noon() + seconds(60));
    assert_waits(&command, &fair(), noon(), Rule::Schedule, command.scheduled_for);
    assert_goes(&command, &fair(), noon() + seconds(60));
    command.next_retry_at = Some(noon() + seconds(90));
    assert_waits(&command, &fair(), noon(), Rule::Schedule, command.next_retry_at);
}

#[test]
fn the_stop_switch_holds_every_verb() {
    let mut conditions = fair();
    conditions.is_stopped = true;
    for verb in [Verb::Score, Verb::Sync, Verb::Pipeline] {
        assert_waits(&Command::new(verb, noon()), &conditions, noon(), Rule::StopSwitch, None);
    }
    assert_waits(&dm(), &conditions, noon(), Rule::StopSwitch, None);
    assert_waits(&Command::research(Platform::Twitter, "ai", 5, noon()), &conditions, noon(), Rule::StopSwitch, None);
}

#[test]
fn a_paused_campaign_holds_its_commands_and_no_others() {
    let mut conditions = fair();
    conditions.paused_campaigns.insert("c1".to_owned());
    let mut command = comment();
    command.campaign_id = Some("c1".to_owned());
    assert_waits(&command, &conditions, noon(), Rule::Campaign, None);
    command.campaign_id = Some("c2".to_owned());
    assert_goes(&command, &conditions, noon());
    assert_goes(&dm(), &conditions, noon());
}

#[test]
fn a_campaign_without_a_persons_yes_posts_no_comments_once_that_is_decided_or_too_late() {
    let mut conditions = fair();
    let mut command = comment();
    command.campaign_id = Some("c1".to_owned());
    let mut say = |approval| {
        conditions.dm_groups.insert("c1".to_owned(), DmGroup::new(11, approval));
        conditions.clone()
    };
    assert_goes(&command, &say(DmGroupApproval::Pending), noon());
    assert_waits(&command, &say(DmGroupApproval::Lapsed), noon(), Rule::Campaign, None);
    assert_refused(&command, &say(DmGroupApproval::Denied), Rule::Campaign);
}

#[test]
fn people_on_the_deny_list_are_neither_written_to_nor_commented_on() {
    let mut conditions = fair();
    conditions.deny_list.add(Contact::new(Platform::Instagram, "Bob"));
    assert_refused(&dm(), &conditions, Rule::DenyList);
    let thread = Command::comment(Platform::Threads, "https://www.threads.com/@bob/post/1", "nice", noon());
    assert_refused(&thread, &conditions, Rule::DenyList);
    assert_goes(&Command::dm(Platform::Twitter, "bob", "hello", noon()), &conditions, noon());
}

#[test]
fn nobody_is_written_to_twice_in_24_hours() {
    let mut conditions = fair();
    conditions.active_hours = ActiveHours::ALWAYS;
    conditions.last_dm.insert(Contact::new(Platform::Instagram, "bob"), noon() - seconds(24 * 3_600 - 1));
    assert_refused(&dm(), &conditions, Rule::Contact);
    assert_goes(&dm(), &conditions, noon() + seconds(1));
    assert_goes(&comment(), &conditions, noon());
}

#[test]
fn more_than_ten_messages_in_a_campaign_or_batch_wait_for_a_person() {
    for is_campaign in [true, false] {
        let mut command = dm();
        *(if is_campaign { &mut command.campaign_id } else { &mut command.batch_id }) = Some("g1".to_owned());
        let mut conditions = fair();
        assert_waits(&command, &conditions, noon(), Rule::Approval, None);
        conditions.dm_groups.insert("g1".to_owned(), DmGroup::new(10, DmGroupApproval::Pending));
        assert_goes(&command, &conditions, noon());
        conditions.dm_groups.insert("g1".to_owned(), DmGroup::new(11, DmGroupApproval::Pending));
        assert_waits(&command, &conditions, noon(), Rule::Approval, None);
        conditions.dm_groups.insert("g1".to_owned(), DmGroup::new(11, DmGroupApproval::Approved));
        assert_goes(&command, &conditions, noon());
        conditions.dm_groups.insert("g1".to_owned(), DmGroup::new(11, DmGroupApproval::Denied));
        assert_refused(&command, &conditions, if is_campaign { Rule::Campaign } else { Rule::Approval });
    }
    let mut command = comment();
    command.campaign_id = Some("g1".to_owned());
    assert_goes(&command, &fair(), noon());
}

#[test]
fn a_stopped_account_stops_what_it_is_about_on_all_its_platforms() {
    let mut conditions = fair();
    conditions.halts.push(Halt::after(HaltCause::Captcha, Platform::Instagram, Some(LimitedAction::Dm), noon()));
    let thread = Command::comment(Platform::Threads, "https://www.threads.com/@a/post/1", "nice", noon());
    let search = Command::research(Platform::Instagram, "ai", 5, noon());
    for command in [dm(), comment(), thread, search, Command::new(Verb::Pipeline, noon())] {
        assert_waits(&command, &conditions, noon(), Rule::Halt, None);
    }
    assert_goes(&Command::dm(Platform::Twitter, "bob", "hello", noon()), &conditions, noon());
    assert_goes(&Command::new(Verb::Score, noon()), &conditions, noon());
}

#[test]
fn an_action_block_rests_that_action_for_a_day() {
    let mut conditions = fair();
    conditions.halts.push(Halt::after(HaltCause::ActionBlock, Platform::Instagram, Some(LimitedAction::Comment), noon()));
    assert_waits(&comment(), &conditions, noon(), Rule::Halt, Some(noon() + seconds(86_400)));
    assert_goes(&dm(), &conditions, noon());
    assert_goes(&comment(), &conditions, noon() + seconds(86_400));
}

#[test]
fn a_service_that_is_down_or_unknown_is_waited_for() {
    let mut conditions = fair();
    conditions
        .health
        .insert(Service::InstagramDm, ServiceHealth::new(Service::InstagramDm, HealthStatus::Down, "refused", noon()));
    assert_waits(&dm(), &conditions, noon(), Rule::Health, None);
    assert_goes(&comment(), &conditions, noon());
    conditions.health.clear();
    assert_waits(&comment(), &conditions, noon(), Rule::Health, None);
    assert_goes(&Command::new(Verb::Score, noon()), &conditions, noon());
}

#[test]
fn a_full_day_waits_for_midnight_utc_and_a_full_hour_for_the_next() {
    let mut conditions = fair();
    conditions.usage.insert((Platform::Instagram, LimitedAction::Dm), Usage { this_hour: 0, today: 20 });
    let midnight = "2026-11-21T00:00:00Z".parse().expect("a time");
    assert_waits(&dm(), &conditions, noon(), Rule::Limit, Some(midnight));
    conditions.usage.insert((Platform::Instagram, LimitedAction::Dm), Usage { this_hour: 10, today: 10 });
    let next = "2026-11-20T13:00:00Z".parse().expect("a time");
    assert_waits(&dm(), &conditions, noon() + seconds(60), Rule::Limit, Some(next));
}

#[test]
fn the_stricter_one_of_our_limit_and_the_services_counts() {
    let mut conditions = fair();
    let key = (Platform::Instagram, LimitedAction::Comment);
    conditions.usage.insert(key, Usage { this_hour: 0, today: 15 });
    assert!(
        matches!(next_step(&comment(), &conditions, noon()), NextStep::Wait { why: Rule::Limit, .. }),
        "the service keeps 15"
    );
    conditions.service_limits.insert(Service::InstagramComments, Limit::per_day(1_000));
    assert_goes(&comment(), &conditions, noon());
    conditions.usage.insert(key, Usage { this_hour: 0, today: 50 });
    assert!(matches!(next_step(&comment(), &conditions, noon()), NextStep::Wait { why: Rule::Limit, .. }), "ours are 50");
}

#[test]
fn threads_and_instagram_are_counted_together() {
    let mut conditions = fair();
    conditions.usage.insert((Platform::Instagram, LimitedAction::Comment), Usage { this_hour: 0, today: 20 });
    let thread = Command::comment(Platform::Threads, "https://www.threads.com/@a/post/1", "nice", noon());
    assert!(matches!(next_step(&thread, &conditions, noon()), NextStep::Wait { why: Rule::Limit, .. }));
}

#[test]
fn a_limit_of_zero_refuses_and_pipeline_needs_room_for_all_it_may_send() {
    let mut conditions = fair();
    conditions.limits = r#"{"instagram": {"dm": 0}}"#.parse().expect("limits");
    assert_refused(&dm(), &conditions, Rule::Limit);
    assert_refused(&Command::new(Verb::Pipeline, noon()), &conditions, Rule::Limit);
    let mut conditions = fair();
    conditions.usage.insert((Platform::Linkedin, LimitedAction::Dm), Usage { this_hour: 0, today: 41 });
    let midnight = "2026-11-21T00:00:00Z".parse().expect("a time");
    assert_waits(&Command::new(Verb::Pipeline, noon()), &conditions, noon(), Rule::Limit, Some(midnight));
}

#[test]
fn outward_commands_wait_for_the_morning_and_others_do_not() {
    let night = "2026-11-20T22:30:00Z".parse().expect("a time");
    let morning = "2026-11-21T09:00:00Z".parse().expect("a time");
    for command in [dm(), comment(), Command::new(Verb::Pipeline, noon())] {
        assert_waits(&command, &fair(), night, Rule::Hours, Some(morning));
    }
    assert_goes(&Command::research(Platform::Twitter, "ai", 5, noon()), &fair(), night);
    let mut always = fair();
    always.active_hours = ActiveHours::ALWAYS;
    assert_goes(&dm(), &always, night);
}

#[test]
fn safari_rests_after_an_unknown_outcome_and_is_used_by_one_at_a_time() {
    let mut conditions = fair();
    conditions.rest = Some(BrowserRest::new(noon() + seconds(90), Some(Service::TwitterDm)));
    assert_waits(&dm(), &conditions, noon(), Rule::Rest, Some(noon() + seconds(90)));
    assert_waits(&Command::new(Verb::Sync, noon()), &conditions, noon(), Rule::Rest, Some(noon() + seconds(90)));
    assert_goes(&Command::new(Verb::Score, noon()), &conditions, noon());
    assert_goes(&dm(), &conditions, noon() + seconds(90));
    conditions.rest = None;
    conditions.browser_held_until = Some(noon() + seconds(60));
    assert_waits(&dm(), &conditions, noon(), Rule::Browser, Some(noon() + seconds(60)));
    assert_goes(&Command::new(Verb::Generate, noon()), &conditions, noon());
}

#[test]
fn every_rule_can_be_explained_as_json() {
    let said = explain(&dm(), &fair(), noon());
    assert_eq!(said.iter().map(|said| said.rule).collect::<Vec<_>>(), Rule::ALL);
    let json = serde_json::to_value(&said).expect("json");
    assert_eq!(json[0], json!({"rule": "gate", "verdict": "pass", "until": null, "detail": "everything in it may be sent"}));
}

#[test]
fn every_status_has_its_reason() {
    let mut command = dm();
    for (status, words) in [
        (CommandStatus::Pending, "nothing stands against it"),
        (CommandStatus::Running, "another program works on it"),
        (CommandStatus::Completed, "done"),
        (CommandStatus::Failed, "without a reason"),
        (CommandStatus::Cancelled, "cancelled"),
    ] {
        command.status = status;
        assert!(why(&command, &fair(), noon()).contains(words), "{status}");
    }
    command.status = CommandStatus::Pending;
    command.platform = Some("linkedin_chrome".to_owned());
    assert!(why(&command, &fair(), noon()).contains("another program"));
}
