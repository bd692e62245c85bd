//! The rules that EventBridge is given, beside the jobs that they fire.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use everreach_core::Timestamp;
use everreach_core::schedule::eventbridge::ScheduleExpression;
use everreach_core::schedule::{FiresOn, Jobs};

/// The expression of each rule in the template, by the job that its target names.
fn rules() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/infra/eventbridge.yaml");
    let template = std::fs::read_to_string(path).expect("the template");
    let (mut rules, mut expression) = (BTreeMap::new(), None);
    for line in template.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("ScheduleExpression: ") {
            expression = Some(text.trim_matches('"').to_owned());
        }
        if let Some((_, rest)) = line.split_once("PathParameterValues: [") {
            let job = rest.split(']').next().expect("a list").to_owned();
            rules.insert(job, expression.take().expect("an expression before its target"));
        }
    }
    assert_eq!(expression, None, "each rule has a target");
    rules
}

#[test]
fn each_rule_of_the_template_is_valid_and_fires_when_its_job_does() {
    let jobs = Jobs::builtin(chrono_tz::UTC).expect("the built-in schedule");
    let from: Timestamp = "2026-11-20T00:00:30Z".parse().expect("a time");
    let to = from + TimeDelta::days(400);
    let rules = rules();
    for (name, rule) in &rules {
        let ScheduleExpression::Cron(rule) = rule.parse().unwrap_or_else(|error| panic!("{name}: {error}")) else {
            panic!("{name} is no rate");
        };
        let job = jobs.get(&name.parse().expect("a name")).unwrap_or_else(|| panic!("there is no job {name}"));
        let by_rule: Vec<_> = std::iter::successors(rule.after(from), |at| rule.after(*at)).take_while(|at| *at <= to).collect();
        assert_eq!(job.timing.between(from, to, 10_000), by_rule, "{name}");
    }
    for job in jobs.iter().filter(|job| job.fires_on == FiresOn::Cloud) {
        assert!(rules.contains_key(job.name.as_str()), "{} has no rule", job.name);
    }
}
