//! What is valid, what is not, and when it fires, checked against croner.

use chrono::TimeDelta;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use proptest::prelude::*;

use super::{CronExpression, ScheduleExpression};
use crate::Timestamp;
use crate::schedule::{FiresOn, Jobs};

fn cron(text: &str) -> CronExpression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn next(text: &str, from: &str) -> String {
    let found = cron(text).after(from.parse().expect("a time"));
    found.map_or_else(|| "never".to_owned(), |at| at.format("%Y-%m-%d %H:%M").to_string())
}

#[test]
fn every_documented_form_is_read() {
    for good in [
        "cron(0 10 * * ? *)",
        "cron(15 12 * * ? *)",
        "cron(0 18 ? * MON-FRI *)",
        "cron(0 8 1 * ? *)",
        "cron(0/10 * ? * MON-FRI *)",
        "cron(0/5 8-17 ? * MON-FRI *)",
        "cron(0 9 ? * 2#1 *)",
        "cron(15 10 ? * 6L 2019-2022)",
        "cron(0 6 L * ? *)",
        "cron(0 6 15W * ? *)",
        "cron(30 */6 * * ? *)",
        "cron(0 6 ? * L *)",
        "cron(0 0 29 FEB ? 2028/4)",
        "cron(0 6 ? jan,Mar sun 1970-2199)",
        "rate(1 minute)",
        "rate(5 minutes)",
        "rate(1 hour)",
        "rate(7 days)",
    ] {
        let read: ScheduleExpression = good.parse().unwrap_or_else(|error| panic!("{good}: {error}"));
        assert_eq!(read.to_string(), good);
    }
}

#[test]
fn every_trap_is_refused() {
    for bad in [
        "",
        "0 6 * * ? *",
        "cron()",
        "cron(0 6 * * ?)",
        "cron(0 0 6 * * ? *)",
        "cron(0 6 * * * *)",
        "cron(0 6 ? * ? *)",
        "cron(0 11,15 * * 1-5 *)",
        "cron(0 11,15 * * MON-FRI *)",
        "cron(60 6 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 6 0 * ? *)",
        "cron(0 6 32 * ? *)",
        "cron(0 6 * 13 ? *)",
        "cron(0 6 ? * 0 *)",
        "cron(0 6 ? * 8 *)",
        "cron(0 6 * * ? 1969)",
        "cron(0 6 * * ? 2200)",
        "cron(0 6 ? * FRI-MON *)",
        "cron(0 6 ? * 3#6 *)",
        "cron(0 6 ? * 3#1,5#2 *)",
        "cron(0 6 ? * 3#0 *)",
        "cron(0 6 L-3 * ? *)",
        "cron(0 6 LW * ? *)",
        "cron(0 6 W * ? *)",
        "cron(0 6 1W,15W * ? *)",
        "cron(0 6 5L * ? *)",
        "cron(? 6 * * ? *)",
        "cron(0/0 6 * * ? *)",
        "cron(0/60 6 * * ? *)",
        "cron(/5 6 * * ? *)",
        "cron(0, 6 * * ? *)",
        "cron(-1 6 * * ? *)",
        "cron(+1 6 * * ? *)",
        "cron(0 6 ?,1 * MON *)",
        "CRON(0 6 * * ? *)",
        "cron(0 6 * * ? *",
        "rate(0 minutes)",
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(-5 minutes)",
        "rate(+5 minutes)",
        "rate(1.5 hours)",
        "rate(5 seconds)",
        "rate(5  minutes)",
        "rate(5)",
        "at(2026-11-20T06:00:00)",
    ] {
        assert!(bad.parse::<ScheduleExpression>().is_err(), "{bad:?} is not valid");
    }
}

#[test]
fn an_error_names_the_field_and_what_fits() {
    let error = "cron(0 6 ? * 8 *)".parse::<ScheduleExpression>().expect_err("there is no such day");
    let text = error.to_string();
    assert!(text.contains("day of week") && text.contains("1 to 7, SUN to SAT"), "{text}");
}

#[test]
fn the_corner_cases_fire_when_they_should() {
    assert_eq!(next("0 6 ? * 1 *", "2026-11-20T00:00:00Z"), "2026-11-22 06:00", "1 is Sunday");
    assert_eq!(next("0 6 ? * 7 *", "2026-11-20T00:00:00Z"), "2026-11-21 06:00", "7 is Saturday");
    assert_eq!(next("0 6 ? * L *", "2026-11-20T00:00:00Z"), "2026-11-21 06:00", "the week ends on Saturday");
    assert_eq!(next("0 6 ? * 6L *", "2026-11-01T00:00:00Z"), "2026-11-27 06:00");
    assert_eq!(next("0 6 ? * 3#2 *", "2026-11-01T00:00:00Z"), "2026-11-10 06:00");
    assert_eq!(next("0 6 ? * 1#5 *", "2026-12-01T00:00:00Z"), "2027-01-31 06:00", "December has four Sundays");
    assert_eq!(next("0 6 1W * ? *", "2026-07-31T12:00:00Z"), "2026-08-03 06:00", "not back into July");
    assert_eq!(next("0 6 15W * ? *", "2026-11-01T00:00:00Z"), "2026-11-16 06:00", "the 15th is a Sunday");
    assert_eq!(next("0 6 31W 5 ? *", "2026-05-01T00:00:00Z"), "2026-05-29 06:00", "not on into June");
    assert_eq!(next("0 6 31W * ? *", "2026-06-01T00:00:00Z"), "2026-07-31 06:00", "June is too short");
    assert_eq!(next("30 23 31 12 ? 2199", "2026-01-01T00:00:00Z"), "2199-12-31 23:30");
    assert_eq!(next("0 0 1 1 ? 1970", "2026-01-01T00:00:00Z"), "never");
    assert_eq!(next("0 0 30 2 ? *", "2026-01-01T00:00:00Z"), "never");
    assert_eq!(next("0 6 * * ? *", "2026-11-20T06:00:00Z"), "2026-11-21 06:00", "not the same moment again");
    assert_eq!(next("0 6 * * ? *", "2026-11-20T05:59:59.999Z"), "2026-11-20 06:00");
}

/// The rules of the requirement.
const RULES: [(&str, &str); 4] = [
    ("daily_routine", "cron(0 6 * * ? *)"),
    ("prospect_scan", "cron(0 11,15 ? * MON-FRI *)"),
    ("content_feedback", "cron(30 */6 * * ? *)"),
    ("revenue_snapshot", "cron(0 0 * * ? *)"),
];

#[test]
fn the_cloud_jobs_fire_when_their_rules_do() {
    let jobs = Jobs::builtin(chrono_tz::UTC).expect("the built-in schedule");
    let from: Timestamp = "2026-11-20T00:00:30Z".parse().expect("a time");
    let to = from + TimeDelta::days(100);
    for (name, rule) in RULES {
        let ScheduleExpression::Cron(rule) = rule.parse().expect("a rule") else { panic!("{name} is no rate") };
        let job = jobs.get(&name.parse().expect("a name")).expect("a job");
        let by_rule: Vec<_> = std::iter::successors(rule.after(from), |at| rule.after(*at)).take_while(|at| *at <= to).collect();
        assert_eq!(job.timing.between(from, to, 1_000), by_rule, "{name}");
    }
    let in_cloud: Vec<_> = jobs.iter().filter(|job| job.fires_on == FiresOn::Cloud).map(|job| job.name.as_str()).collect();
    let mut rules = RULES.map(|(name, _)| name);
    rules.sort_unstable();
    assert_eq!(in_cloud, rules);
}

/// A field as croner writes it: it knows no `a/n`.
fn for_croner(field: &str, last: u16) -> String {
    let part = |part: &str| match part.split_once('/') {
        Some((from, step)) if from != "*" && !from.contains('-') => format!("{from}-{last}/{step}"),
        _ => part.to_owned(),
    };
    field.split(',').map(part).collect::<Vec<_>>().join(",")
}

fn oracle(text: &str) -> Cron {
    let fields: Vec<&str> = text.split(' ').collect();
    let [minute, hour, of_month, month, of_week, year] = fields[..] else { panic!("six fields") };
    let star = |field: &str| if field == "?" { "*".to_owned() } else { field.to_owned() };
    let (minute, hour, month, year) =
        (for_croner(minute, 59), for_croner(hour, 23), for_croner(month, 12), for_croner(year, 2199));
    let text = format!("0 {minute} {hour} {} {month} {} {year}", for_croner(&star(of_month), 31), for_croner(&star(of_week), 7));
    let parser = CronParser::builder().seconds(Seconds::Required).year(Year::Required).alternative_weekdays(true).build();
    parser.parse(&text).unwrap_or_else(|error| panic!("croner does not read {text}: {error}"))
}

fn numbers(first: u16, last: u16) -> impl Strategy<Value = String> {
    let value = first..=last;
    let range = (value.clone(), value.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b)));
    let step = (value.clone(), 1..=last).prop_map(|(from, step)| format!("{from}/{step}"));
    let part = prop_oneof![value.prop_map(|value| value.to_string()), range, step];
    prop_oneof![Just("*".to_owned()), prop::collection::vec(part, 1..4).prop_map(|parts| parts.join(","))]
}

fn days() -> impl Strategy<Value = (String, String)> {
    let of_month = prop_oneof![numbers(1, 31), Just("L".to_owned()), (1..=28_u16).prop_map(|day| format!("{day}W"))];
    let of_week = prop_oneof![
        numbers(1, 7),
        Just("MON-FRI".to_owned()),
        (1..=7_u16).prop_map(|day| format!("{day}L")),
        (1..=7_u16, 1..=5_u16).prop_map(|(day, nth)| format!("{day}#{nth}")),
    ];
    prop_oneof![of_month.prop_map(|days| (days, "?".to_owned())), of_week.prop_map(|days| ("?".to_owned(), days))]
}

proptest! {
    #[test]
    fn it_fires_when_croner_says(
        (minute, hour, month) in (numbers(0, 59), numbers(0, 23), numbers(1, 12)),
        (of_month, of_week) in days(),
        year in prop::sample::select(vec!["*", "2026-2099", "2027/2", "2030"]),
        start in 1_767_225_600_i64..1_924_992_000,
    ) {
        let text = format!("{minute} {hour} {of_month} {month} {of_week} {year}");
        let start = Timestamp::from_timestamp(start, 0).expect("a time");
        let oracle = oracle(&text);
        let ours = cron(&text);
        let mut at = start;
        for _ in 0..3 {
            let expected = oracle.find_next_occurrence(&at, false).ok().filter(|found| *found < "2200-01-01T00:00:00Z".parse::<Timestamp>().expect("a time"));
            let found = ours.after(at);
            prop_assert_eq!(found, expected, "{} after {}", text, at);
            let Some(next) = found else { break };
            at = next;
        }
    }
}
