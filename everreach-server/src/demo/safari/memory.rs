//! What one service remembers. All but its list of people it messaged is gone when its process ends.

use std::collections::HashSet;

use chrono::TimeDelta;
use everreach_core::Timestamp;
use everreach_core::safari::Service;
use everreach_core::safari::limits::Limit;
use serde_json::Value;

use super::conversations::Unread;

/// How long threads-comments answers the same comment with the same body.
const SAME_COMMENT: TimeDelta = TimeDelta::seconds(60);

/// What one service remembers.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) started_at: Timestamp,
    pub(super) limit: Limit,
    /// Whether it was told to find its tab since it started.
    pub(super) is_pinned: bool,
    /// Since when an action holds its lock.
    pub(super) locked_since: Option<Timestamp>,
    pub(super) sending_to: HashSet<String>,
    pub(super) messaged: HashSet<String>,
    pub(super) unread: Vec<Unread>,
    pub(super) jobs: u64,
    pub(super) page: Option<String>,
    sends: Vec<Timestamp>,
    comments: Vec<(String, String, Value, Timestamp)>,
    minute: (Timestamp, u32),
}

/// How many sends lie behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// In the last hour.
    pub(super) hour: u32,
    /// In the last day.
    pub(super) day: u32,
}

impl Memory {
    pub(super) fn new(service: Service, now: Timestamp) -> Self {
        Self {
            started_at: now,
            limit: Limit::of_profile(service),
            is_pinned: false,
            locked_since: None,
            sending_to: HashSet::new(),
            messaged: HashSet::new(),
            unread: Vec::new(),
            jobs: 0,
            page: None,
            sends: Vec::new(),
            comments: Vec::new(),
            minute: (now, 0),
        }
    }

    /// What is left of it when the process starts again.
    pub(super) fn restart(&mut self, service: Service, now: Timestamp) {
        let (messaged, unread) = (std::mem::take(&mut self.messaged), std::mem::take(&mut self.unread));
        *self = Self { messaged, unread, ..Self::new(service, now) };
    }

    pub(super) fn count(&mut self, now: Timestamp) {
        self.sends.retain(|sent| now - *sent < TimeDelta::days(1));
        self.sends.push(now);
    }

    pub(super) fn counts(&self, now: Timestamp) -> Counts {
        let within = |span: TimeDelta| {
            let count = self.sends.iter().filter(|sent| now - **sent < span).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        Counts { hour: within(TimeDelta::hours(1)), day: within(TimeDelta::days(1)) }
    }

    /// Whether one more request fits into this minute; how many are left, or in how many seconds the next minute starts.
    pub(super) fn take_request(&mut self, most: u32, now: Timestamp) -> Result<u32, u64> {
        let age = now - self.minute.0;
        if age >= TimeDelta::minutes(1) || age < TimeDelta::zero() {
            self.minute = (now, 0);
        }
        if self.minute.1 >= most {
            let left = TimeDelta::minutes(1) - (now - self.minute.0);
            return Err(u64::try_from(left.num_seconds()).unwrap_or_default().max(1));
        }
        self.minute.1 = self.minute.1.saturating_add(1);
        Ok(most.saturating_sub(self.minute.1))
    }

    /// Keeps the answer to a comment that is finished.
    pub(super) fn finish_comment(&mut self, url: &str, text: &str, answer: Value, now: Timestamp) {
        self.comments.retain(|(.., at)| now - *at < SAME_COMMENT);
        self.comments.push((url.to_owned(), text.to_owned(), answer, now));
    }

    /// The answer to the same comment, when that finished a moment ago.
    pub(super) fn same_comment(&self, url: &str, text: &str, now: Timestamp) -> Option<Value> {
        let same =
            |entry: &&(String, String, Value, Timestamp)| entry.0 == url && entry.1 == text && now - entry.3 < SAME_COMMENT;
        self.comments.iter().find(same).map(|(_, _, answer, _)| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn sends_leave_the_hour_and_the_day_and_a_restart_forgets_all_but_people() {
        let mut memory = Memory::new(Service::TiktokDm, at("2026-11-20T09:00:00Z"));
        memory.count(at("2026-11-20T09:00:00Z"));
        memory.count(at("2026-11-20T09:59:59Z"));
        memory.messaged.insert("bob".to_owned());
        assert_eq!(memory.counts(at("2026-11-20T10:00:00Z")), Counts { hour: 1, day: 2 });
        assert_eq!(memory.counts(at("2026-11-21T09:30:00Z")), Counts { hour: 0, day: 1 });
        memory.restart(Service::TiktokDm, at("2026-11-20T10:00:00Z"));
        assert_eq!(memory.counts(at("2026-11-20T10:00:00Z")), Counts { hour: 0, day: 0 });
        assert!(memory.messaged.contains("bob"));
    }

    #[test]
    fn requests_of_a_minute_are_counted_afresh_in_the_next() {
        let mut memory = Memory::new(Service::ThreadsComments, at("2026-11-20T09:00:00Z"));
        assert_eq!(memory.take_request(2, at("2026-11-20T09:00:10Z")), Ok(1));
        assert_eq!(memory.take_request(2, at("2026-11-20T09:00:20Z")), Ok(0));
        assert_eq!(memory.take_request(2, at("2026-11-20T09:00:20Z")), Err(40));
        assert_eq!(memory.take_request(2, at("2026-11-20T09:01:00Z")), Ok(1));
    }

    #[test]
    fn the_same_comment_is_remembered_for_a_minute() {
        let mut memory = Memory::new(Service::ThreadsComments, at("2026-11-20T09:00:00Z"));
        memory.finish_comment("u", "t", json!(1), at("2026-11-20T09:00:00Z"));
        assert_eq!(memory.same_comment("u", "t", at("2026-11-20T09:00:59Z")), Some(json!(1)));
        assert_eq!(memory.same_comment("u", "T", at("2026-11-20T09:00:59Z")), None);
        assert_eq!(memory.same_comment("u", "t", at("2026-11-20T09:01:00Z")), None);
    }
}
