//! Files of schedules: what is laid over what, and what is said of mistakes.

use super::*;
use crate::schedule::Overlap;

fn refusal(text: &str) -> String {
    let error = Jobs::parse(text, "mine.json", chrono_tz::America::New_York).expect_err("it is wrong");
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    let text = error.to_string();
    assert!(text.contains("mine.json"), "{text}");
    text
}

fn with(job: &str) -> String {
    format!(r#"{{"version": 1, "jobs": {{"mine": {job}}}}}"#)
}

fn job<'a>(jobs: &'a Jobs, name: &str) -> &'a Job {
    jobs.get(&name.parse().expect("a name")).unwrap_or_else(|| panic!("there is no {name}"))
}

#[test]
fn the_built_in_jobs_are_the_ones_that_are_asked_for() {
    let jobs = Jobs::builtin(chrono_tz::America::New_York).expect("the built-in schedule");
    let routine = job(&jobs, "daily_routine");
    let chain: Vec<_> = routine.chain.iter().map(|step| step.action.as_str()).collect();
    let expected = [
        "system.heartbeat",
        "revenue.dashboard",
        "feedback.universal_cycle",
        "linkedin.status",
        "social.metrics",
        "feedback.twitter_cycle",
    ];
    assert_eq!(chain, expected);
    assert_eq!(routine.chain.iter().filter(|step| step.optional).count(), 1);
    assert_eq!((routine.timing.text(), routine.timing.zone()), ("0 6 * * *", chrono_tz::UTC));
    assert_eq!(routine.missed, MissedRuns::Once { within: Duration::from_secs(6 * 3_600) });
    let report = job(&jobs, "cost_report");
    assert_eq!((report.timing.text(), report.timing.zone()), ("0 23 * * *", chrono_tz::America::New_York));
    let disabled: Vec<_> = jobs.iter().filter(|job| !job.enabled).map(|job| job.name.as_str()).collect();
    assert_eq!(disabled, ["code_loop"]);
    assert!(jobs.iter().all(|job| job.enabled == job.disabled_because.is_none()), "what is off says why");
    assert_eq!(job(&jobs, "safari_queue_processor").timing.text(), "*/15 * * * *");
}

#[test]
fn a_file_changes_what_it_states_and_leaves_the_rest() {
    let text = r#"{"version": 1, "jobs": {
        "daily_routine": {"schedule": "30 5 * * *", "timezone": "Europe/Berlin"},
        "code_loop": {"enabled": true},
        "mine": {"schedule": "0 12 * * *", "overlap": "allow", "missed": {"all": {"max": 3, "within_s": 7200}}, "fires_on": "local",
            "timezone": "local", "chain": [{"action": "dm.stats", "params": {"days": 7}, "timeout_s": 5}]}
    }}"#;
    let jobs = Jobs::parse(text, "mine.json", chrono_tz::America::New_York).expect("a schedule");
    let routine = job(&jobs, "daily_routine");
    assert_eq!((routine.timing.to_string().as_str(), routine.chain.len()), ("30 5 * * * Europe/Berlin", 6));
    let code = job(&jobs, "code_loop");
    assert!(code.enabled && code.disabled_because.is_none());
    let mine = job(&jobs, "mine");
    assert_eq!((mine.overlap, mine.missed), (Overlap::Allow, MissedRuns::All { max: 3, within: Duration::from_secs(7_200) }));
    assert_eq!(mine.chain[0].timeout, Some(Duration::from_secs(5)));
    assert!(jobs.iter().count() > 10, "the built-in ones are still there");
}

#[test]
fn each_mistake_is_named_with_its_place() {
    for (text, place) in [
        (r#"{"version": 2, "jobs": {}}"#.to_owned(), "key: version"),
        (r#"{"version": 1, "job": {}}"#.to_owned(), "unknown field `job`"),
        (r#"{"version": 1, "jobs": []}"#.to_owned(), "key: jobs"),
        (r#"{"version": 1, "jobs": {"a": {}, "a": {}}}"#.to_owned(), "`a` stands here twice"),
        (r#"{"version": 1, "jobs": {"#.to_owned(), "EOF"),
        (r#"{"version": 1, "jobs": {"Daily Routine": {}}}"#.to_owned(), "key: jobs.Daily Routine"),
        (with("{}"), "missing field `schedule`"),
        (with(r#"{"schedule": "0 6 * * *"}"#), "missing field `chain`"),
        (with(r#"{"schedule": "0 6 * * *", "chain": []}"#), "key: jobs.mine.chain"),
        (with(r#"{"schedule": "0 6 * * *", "chain": ["dm.stats"], "rate": 5}"#), "unknown field `rate`"),
        (with(r#"{"schedule": "61 6 * * *", "chain": ["dm.stats"]}"#), "key: jobs.mine.schedule"),
        (with(r#"{"schedule": "0 6 * * * *", "chain": ["dm.stats"]}"#), "five fields"),
        (with(r#"{"schedule": "0 6 * * *", "timezone": "Mars", "chain": ["dm.stats"]}"#), "key: jobs.mine.timezone, seen: Mars"),
        (with(r#"{"schedule": "0 6 * * *", "timezone": "local", "chain": ["dm.stats"]}"#), "differs between machines"),
        (with(r#"{"schedule": "0 6 * * *", "chain": ["dm.stats", "Nope"]}"#), "key: jobs.mine.chain[1]"),
        (with(r#"{"schedule": "0 6 * * *", "chain": [{"action": "dm.stats", "x": 1}]}"#), "jobs.mine.chain[0]"),
        (with(r#"{"schedule": "0 6 * * *", "chain": ["dm.stats"], "timeout_s": 0}"#), "key: jobs.mine.timeout_s"),
        (with(r#"{"schedule": "0 6 * * *", "chain": ["dm.stats"], "missed": "once"}"#), "jobs.mine.missed"),
        (with(r#"{"schedule": "0 6 * * *", "chain": ["dm.stats"], "missed": {"all": {"max": 0, "within_s": 5}}}"#), "missed.max"),
        (
            with(
                r#"{"schedule": "0 6 * * *", "chain": ["dm.stats"], "fires_on": "cloud", "missed": {"once": {"within_s": 60}}}"#,
            ),
            "shorter than mirror_after_s",
        ),
    ] {
        let said = refusal(&text);
        assert!(said.contains(place), "{text}\nsays: {said}\nnot: {place}");
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Jobs::load(Path::new("no/such/schedule.json"), chrono_tz::UTC).expect_err("there is none");
    assert!(error.to_string().contains("no/such/schedule.json"), "{error}");
}

#[test]
fn an_action_that_nobody_knows_is_told_and_allowed() {
    let jobs = Jobs::parse(&with(r#"{"schedule": "0 6 * * *", "chain": ["no.such"]}"#), "mine.json", chrono_tz::UTC);
    let unknown = jobs.expect("it is allowed").unknown_actions(|action| action.as_str() != "no.such");
    assert_eq!(unknown.iter().map(|(job, action)| format!("{job} {action}")).collect::<Vec<_>>(), ["mine no.such"]);
}
