//! Messages that other programs wrote into the queue as sent: rows of `dm_sent`.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;

use super::store;
use crate::safari::limits::Usage;
use crate::safari::queue::counters::{is_same_day, is_same_hour};
use crate::safari::{Contact, LimitedAction, Platform, params_object};
use crate::store::Db;
use crate::{Result, Timestamp};

/// How far from a send of ours a row may lie that tells of the same message.
const TOLD_WITHIN: TimeDelta = TimeDelta::hours(1);

/// A message that a row tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    account: Platform,
    contact: Option<Contact>,
    at: Timestamp,
}

/// What other programs sent through the accounts.
#[derive(Debug, Default)]
pub(in crate::safari::queue) struct SentElsewhere {
    /// In this hour and today, by account.
    pub(in crate::safari::queue) usage: BTreeMap<(Platform, LimitedAction), Usage>,
    /// When somebody was last written to.
    pub(in crate::safari::queue) last_dm: HashMap<Contact, Timestamp>,
}

/// Reads what others wrote since that time, and today. A row that tells of a send of ours does not count again.
pub(in crate::safari::queue) async fn sent_elsewhere(db: &mut Db<'_>, since: Timestamp, now: Timestamp) -> Result<SentElsewhere> {
    let since = since.min(now - TimeDelta::days(1));
    let rows = store::dm_sent_rows(db, since).await?;
    let told: Vec<_> =
        rows.into_iter().filter_map(|(platform, params, at)| told(platform.as_deref(), params.as_deref(), at.0?)).collect();
    let contacts: Vec<_> = told.iter().filter_map(|told| told.contact.as_ref().map(ToString::to_string)).collect();
    let ours = if contacts.is_empty() { Vec::new() } else { store::dms_to(db, &contacts, since - TOLD_WITHIN).await? };
    Ok(count(&told, ours, now))
}

/// The message a row tells of; nothing when it names no platform that we know.
fn told(platform: Option<&str>, params: Option<&str>, at: Timestamp) -> Option<Told> {
    let params = params.and_then(|text| serde_json::from_str(text).ok()).unwrap_or(serde_json::Value::Null);
    let fields = params_object(&params);
    let text = |name: &str| fields.as_ref().and_then(|fields| fields.get(name)).and_then(serde_json::Value::as_str);
    // An agent of another browser writes its own name behind the platform's, and uses the same account.
    let known = |word: &str| word.trim().split('_').next().unwrap_or_default().parse::<Platform>().ok();
    let platform = platform.or_else(|| text("platform")).and_then(known)?;
    let handle = ["username", "handle", "recipient", "target", "to"].iter().find_map(|name| text(name));
    Some(Told { account: platform.account(), contact: handle.map(|handle| Contact::new(platform, handle)), at })
}

/// Counts messages; each of our sends explains one row about the same person.
fn count(told: &[Told], mut ours: Vec<(String, Timestamp)>, now: Timestamp) -> SentElsewhere {
    let mut sent = SentElsewhere::default();
    for Told { account, contact, at } in told {
        if let Some(contact) = contact {
            let last = sent.last_dm.entry(contact.clone()).or_insert(*at);
            *last = (*last).max(*at);
            let name = contact.to_string();
            let is_it = |(who, when): &(String, Timestamp)| *who == name && (*at - *when).abs() <= TOLD_WITHIN;
            if let Some(known) = ours.iter().position(is_it) {
                ours.swap_remove(known);
                continue;
            }
        }
        let usage = sent.usage.entry((*account, LimitedAction::Dm)).or_default();
        usage.today += u32::from(is_same_day(*at, now));
        usage.this_hour += u32::from(is_same_hour(*at, now));
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn bob(time: &str) -> Told {
        told(Some("instagram"), Some(r#"{"username": "@Bob"}"#), at(time)).expect("a message")
    }

    fn dms(sent: &SentElsewhere) -> (u32, u32) {
        let usage = sent.usage.get(&(Platform::Instagram, LimitedAction::Dm)).copied().unwrap_or_default();
        (usage.this_hour, usage.today)
    }

    #[test]
    fn rows_are_read_in_every_form_they_come_in() {
        let who = |platform: Option<&str>, params: Option<&str>| told(platform, params, at("2026-11-20T12:00:00Z"));
        let contact = |told: Option<Told>| told.and_then(|told| told.contact).map(|contact| contact.to_string());
        assert_eq!(contact(who(Some("instagram"), Some(r#"{"username": "@Bob"}"#))).as_deref(), Some("instagram:bob"));
        let nested = r#""{\"platform\": \"instagram\", \"handle\": \"bob\"}""#;
        assert_eq!(contact(who(None, Some(nested))).as_deref(), Some("instagram:bob"));
        assert_eq!(who(Some("linkedin_chrome"), None).map(|told| told.account), Some(Platform::Linkedin));
        assert_eq!(who(Some("Threads"), Some("bob")).map(|told| (told.account, told.contact)), Some((Platform::Instagram, None)));
        assert_eq!(who(Some("upwork"), Some("{}")), None);
        assert_eq!(who(None, None), None);
    }

    #[test]
    fn only_this_hour_and_this_day_of_utc_count() {
        let rows =
            [bob("2026-11-19T23:59:59Z"), bob("2026-11-20T00:00:00Z"), bob("2026-11-20T12:00:00Z"), bob("2026-11-21T00:00:00Z")];
        let sent = count(&rows, Vec::new(), at("2026-11-20T12:59:59Z"));
        assert_eq!(dms(&sent), (1, 2));
        assert_eq!(sent.last_dm.values().next(), Some(&at("2026-11-21T00:00:00Z")));
    }

    #[test]
    fn each_send_of_ours_explains_one_row_about_the_same_person() {
        let now = at("2026-11-20T12:30:00Z");
        let ours = |name: &str, time: &str| vec![(name.to_owned(), at(time))];
        let rows = [bob("2026-11-20T12:00:05Z"), bob("2026-11-20T12:00:06Z")];
        assert_eq!(dms(&count(&rows, ours("instagram:bob", "2026-11-20T12:00:00Z"), now)), (1, 1));
        assert_eq!(dms(&count(&rows, ours("instagram:eve", "2026-11-20T12:00:00Z"), now)), (2, 2));
        assert_eq!(dms(&count(&rows, ours("instagram:bob", "2026-11-20T10:00:00Z"), now)), (2, 2));
    }
}
