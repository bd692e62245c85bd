//! What each rule has against a command.

use super::next_step::{Asked, Verdict};
use super::{DmGroupApproval, MAX_UNAPPROVED_DMS};
use crate::Timestamp;
use crate::safari::gate::Work;
use crate::safari::limits::{Room, Usage, Window, room};

pub(super) fn stop_switch(asked: &Asked<'_>) -> Verdict {
    if asked.conditions.is_stopped {
        return Verdict::wait(None, "the stop switch is set");
    }
    Verdict::pass("not set")
}

pub(super) fn schedule(asked: &Asked<'_>) -> Verdict {
    match asked.command.due_at().filter(|due| *due > asked.now) {
        Some(due) if Some(due) == asked.command.next_retry_at => Verdict::wait(Some(due), format!("it is tried again at {due}")),
        Some(due) => Verdict::wait(Some(due), format!("it is scheduled for {due}")),
        None => Verdict::pass("its time has come"),
    }
}

pub(super) fn campaign(asked: &Asked<'_>) -> Verdict {
    let Some(id) = &asked.command.campaign_id else { return Verdict::pass("it belongs to none") };
    match asked.conditions.dm_groups.get(id).map(|group| group.approval) {
        // Its comments go no further than its messages.
        Some(DmGroupApproval::Denied) => Verdict::refuse(format!("a person refused campaign {id}, or did not answer in time")),
        Some(DmGroupApproval::Lapsed) => {
            Verdict::wait(None, format!("nobody agreed to campaign {id} in time: resume it to be asked again"))
        }
        _ if asked.conditions.paused_campaigns.contains(id) => Verdict::wait(None, format!("campaign {id} is paused")),
        _ => match asked.dispatchable.contact() {
            Some(contact) if asked.conditions.replied.contains(&(id.clone(), contact.clone())) => {
                Verdict::refuse(format!("{contact} has replied, and campaign {id} sends them nothing more"))
            }
            _ => Verdict::pass("not paused"),
        },
    }
}

pub(super) fn deny_list(asked: &Asked<'_>) -> Verdict {
    match asked.dispatchable.contact() {
        Some(contact) if asked.conditions.deny_list.denies(contact) => {
            Verdict::refuse(format!("{contact} is on the deny list and is never contacted"))
        }
        Some(_) => Verdict::pass("not on the deny list"),
        None => Verdict::pass("it names nobody"),
    }
}

pub(super) fn contact(asked: &Asked<'_>) -> Verdict {
    let Work::Dm(dm) = asked.dispatchable.work() else { return Verdict::pass("it is no message") };
    let last = asked.conditions.last_dm.get(&dm.contact);
    match last.filter(|last| asked.now < **last + asked.conditions.contact_floor) {
        Some(last) => {
            let hours = asked.conditions.contact_floor.as_secs() / 3_600;
            Verdict::refuse(format!("{} was written to at {last}, and nobody is written to twice in {hours} hours", dm.contact))
        }
        None => Verdict::pass("not written to lately"),
    }
}

pub(super) fn approval(asked: &Asked<'_>) -> Verdict {
    if !matches!(asked.dispatchable.work(), Work::Dm(_)) {
        return Verdict::pass("it is no message");
    }
    let groups = [("campaign", &asked.command.campaign_id), ("batch", &asked.command.batch_id)];
    for (kind, id) in groups.into_iter().filter_map(|(kind, id)| Some((kind, id.as_ref()?))) {
        let Some(group) = asked.conditions.dm_groups.get(id) else {
            return Verdict::wait(None, format!("it is not known how many messages {kind} {id} holds"));
        };
        match group.approval {
            _ if group.may_go() => {}
            DmGroupApproval::Denied => {
                return Verdict::refuse(format!("a person refused {kind} {id}, or did not answer in time"));
            }
            _ => {
                let what =
                    format!("{kind} {id} holds {} messages; more than {} need a person's word", group.dms, MAX_UNAPPROVED_DMS);
                return Verdict::wait(None, what);
            }
        }
    }
    Verdict::pass("none needed, or given")
}

pub(super) fn halt(asked: &Asked<'_>) -> Verdict {
    let charges = asked.dispatchable.charges();
    let mut concerned: Vec<_> = charges.iter().map(|(platform, action, _)| (*platform, Some(*action))).collect();
    if concerned.is_empty() {
        concerned.extend(asked.dispatchable.platform().map(|platform| (platform, None)));
    }
    let stops = asked
        .conditions
        .halts
        .iter()
        .filter(|halt| concerned.iter().any(|(platform, action)| halt.stops(*platform, *action, asked.now)));
    // What a person has to end outlasts what ends by itself.
    match stops.max_by_key(|halt| (halt.until.is_none(), halt.until)) {
        Some(halt) => {
            let action = halt.action.map_or("everything", |action| action.as_str());
            let end = halt.until.map_or_else(|| "a person resumes it".to_owned(), |until| until.to_string());
            Verdict::wait(halt.until, format!("{action} on {} is stopped by {} until {end}", halt.account, halt.cause))
        }
        None => Verdict::pass("not stopped"),
    }
}

pub(super) fn health(asked: &Asked<'_>) -> Verdict {
    let Some(service) = asked.dispatchable.service() else { return Verdict::pass("it needs no service") };
    match asked.conditions.health.get(&service) {
        Some(health) if health.is_healthy() => Verdict::pass(format!("{service} is up")),
        Some(health) => Verdict::wait(None, format!("{service} is {}: {}", health.status, health.detail)),
        None => Verdict::wait(None, format!("{service} has not been looked at yet")),
    }
}

pub(super) fn limit(asked: &Asked<'_>) -> Verdict {
    let mut waits: Option<(Timestamp, String)> = None;
    for (platform, action, count) in asked.dispatchable.charges() {
        let (conditions, now) = (asked.conditions, asked.now);
        let half_rate = conditions.half_rate_until(platform);
        let rate = half_rate.map_or_else(String::new, |until| format!(" (at half the rate until {until})"));
        let (until, what) = match room(conditions.limit(platform, action), conditions.used(platform, action), count, now) {
            Room::Open => continue,
            Room::Never { limit, window } => {
                let what =
                    format!("the limit of {platform} {action} is {limit} {}{rate}, and {count} would be sent", per(window));
                let is_never =
                    matches!(room(conditions.full_limit(platform, action), Usage::default(), count, now), Room::Never { .. });
                match half_rate.filter(|_| !is_never) {
                    Some(until) => (until, what),
                    None => return Verdict::refuse(what),
                }
            }
            Room::Full { until, window, limit, used } => {
                (until, format!("{platform} {action}: {used} of {limit} {} used{rate}, anew at {until}", per(window)))
            }
        };
        if waits.as_ref().is_none_or(|(latest, _)| *latest < until) {
            waits = Some((until, what));
        }
    }
    match waits {
        Some((until, what)) => Verdict::wait(Some(until), what),
        None => combined_limit(asked),
    }
}

fn combined_limit(asked: &Asked<'_>) -> Verdict {
    let sends = asked.dispatchable.sends();
    if sends == 0 {
        return Verdict::pass("it sends nothing");
    }
    match room(asked.conditions.limits.combined(), asked.conditions.combined_used(), sends, asked.now) {
        Room::Open => Verdict::pass("there is room"),
        Room::Never { limit, window } => {
            Verdict::refuse(format!("the limit of all accounts together is {limit} {}, and {sends} would be sent", per(window)))
        }
        Room::Full { until, window, limit, used } => {
            let what = format!("all accounts together: {used} of {limit} {} used, anew at {until}", per(window));
            Verdict::wait(Some(until), what)
        }
    }
}

const fn per(window: Window) -> &'static str {
    match window {
        Window::Hour => "an hour",
        Window::Day => "a day",
    }
}

pub(super) fn hours(asked: &Asked<'_>) -> Verdict {
    let (hours, zone) = (asked.conditions.active_hours, asked.conditions.zone);
    if !asked.dispatchable.verb().is_outward() {
        return Verdict::pass("it reaches nobody");
    }
    if hours.contains(asked.now, zone) {
        return Verdict::pass(format!("it is within {hours} {zone}"));
    }
    let start = hours.next_start(asked.now, zone);
    Verdict::wait(Some(start), format!("outside of {hours} {zone}, on again at {start}"))
}

pub(super) fn spacing(asked: &Asked<'_>) -> Verdict {
    let charges = asked.dispatchable.charges();
    let next = charges.iter().filter_map(|(platform, action, _)| asked.conditions.spaced(*platform, *action)).max();
    match next.filter(|next| *next > asked.now) {
        Some(next) => Verdict::wait(Some(next), format!("the last one was sent too shortly before; next at {next}")),
        None => Verdict::pass("far enough from the last one"),
    }
}

pub(super) fn rest(asked: &Asked<'_>) -> Verdict {
    if !asked.dispatchable.verb().needs_browser() {
        return Verdict::pass("it needs no browser");
    }
    match asked.conditions.rest.filter(|rest| rest.until > asked.now) {
        Some(rest) => {
            let who = rest.service.map_or("a program", |service| service.as_str());
            Verdict::wait(
                Some(rest.until),
                format!("the last outcome of {who} is unknown, it may still be typing until {}", rest.until),
            )
        }
        None => Verdict::pass("Safari is at ease"),
    }
}

pub(super) fn browser(asked: &Asked<'_>) -> Verdict {
    if !asked.dispatchable.verb().needs_browser() {
        return Verdict::pass("it needs no browser");
    }
    match asked.conditions.browser_held_until.filter(|until| *until > asked.now) {
        Some(until) => Verdict::wait(Some(until), "another command has Safari"),
        None => Verdict::pass("Safari is free"),
    }
}
