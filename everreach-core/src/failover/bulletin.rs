//! What people are told, and how often.

use std::collections::HashMap;
use std::time::Duration;

use super::Notice;

/// Waits after a message that could not be delivered; the last one is kept to.
const PAUSES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];

/// Keeps a link that comes and goes from sending a message each time: the same one is sent again only after a while, and only if it is
/// still what people need to hear. A message counts once it was delivered; until then it is tried again for as long as it is so.
///
/// ```
/// use everreach_core::failover::{Bulletin, Notice};
/// use std::time::Duration;
/// let at = Duration::from_secs;
/// let mut bulletin = Bulletin::new(at(600));
/// let mut heard = Vec::new();
/// for minute in 0..10 {
///     bulletin.add(if minute % 2 == 0 { Notice::CloudFailed } else { Notice::CloudRestored }, at(minute * 60));
///     if let Some(message) = bulletin.next(at(minute * 60)) {
///         heard.push(message);
///         bulletin.delivered(at(minute * 60));
///     }
/// }
/// assert_eq!(heard, [Notice::CloudFailed, Notice::CloudRestored], "one message each");
/// assert_eq!(bulletin.next(at(3_600)), None, "it is still restored");
/// ```
#[derive(Debug, Clone)]
pub struct Bulletin {
    again_after: Duration,
    sent_at: HashMap<Notice, Duration>,
    /// What was heard last about the cloud, and what is so.
    told: Notice,
    is_so: Notice,
    /// What else is to be said, oldest first.
    waiting: Vec<Notice>,
    under_way: Option<Notice>,
    failures: usize,
    not_before: Duration,
}

impl Bulletin {
    /// Nothing was told; the same message is sent again no sooner than this.
    #[must_use]
    pub fn new(again_after: Duration) -> Self {
        Self {
            again_after,
            sent_at: HashMap::new(),
            told: Notice::CloudRestored,
            is_so: Notice::CloudRestored,
            waiting: Vec::new(),
            under_way: None,
            failures: 0,
            not_before: Duration::ZERO,
        }
    }

    /// Something happened at this monotonic time.
    pub fn add(&mut self, notice: Notice, at: Duration) {
        match notice {
            Notice::CloudFailed | Notice::CloudRestored => {
                self.is_so = notice;
                // What was to be said of a cloud that was away is over with it.
                self.waiting.retain(|waiting| notice == Notice::CloudFailed || *waiting == Notice::NotGranted);
            }
            _ if notice.is_for_people() && self.is_spaced(notice, at) && !self.waiting.contains(&notice) => {
                self.waiting.push(notice);
            }
            _ => {}
        }
    }

    /// The message to send now, if there is one; it is under way until it is said what became of it.
    pub fn next(&mut self, at: Duration) -> Option<Notice> {
        if self.under_way.is_some() || at < self.not_before {
            return None;
        }
        let has_changed = self.is_so != self.told && self.is_spaced(self.is_so, at);
        self.under_way = if has_changed { Some(self.is_so) } else { self.waiting.first().copied() };
        self.under_way
    }

    /// The message that was under way was delivered.
    pub fn delivered(&mut self, at: Duration) {
        let Some(notice) = self.under_way.take() else { return };
        self.failures = 0;
        self.sent_at.insert(notice, at);
        if matches!(notice, Notice::CloudFailed | Notice::CloudRestored) {
            self.told = notice;
        }
        self.waiting.retain(|waiting| *waiting != notice);
    }

    /// It was not: what is so then is tried again after a while.
    pub fn failed(&mut self, at: Duration) {
        self.under_way = None;
        self.not_before = at + PAUSES[self.failures.min(PAUSES.len() - 1)];
        self.failures += 1;
    }

    fn is_spaced(&self, notice: Notice, at: Duration) -> bool {
        self.sent_at.get(&notice).is_none_or(|sent| at.saturating_sub(*sent) >= self.again_after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    /// What is said at this second, and heard.
    fn heard(bulletin: &mut Bulletin, second: u64) -> Option<Notice> {
        let notice = bulletin.next(at(second));
        bulletin.delivered(at(second));
        notice
    }

    #[test]
    fn what_was_held_back_is_said_later_if_it_is_still_so() {
        let mut bulletin = Bulletin::new(at(600));
        bulletin.add(Notice::CloudFailed, at(0));
        assert_eq!(heard(&mut bulletin, 0), Some(Notice::CloudFailed));
        bulletin.add(Notice::CloudRestored, at(60));
        assert_eq!(heard(&mut bulletin, 60), Some(Notice::CloudRestored));
        bulletin.add(Notice::CloudFailed, at(120));
        let later = [120, 599, 600, 700].map(|second| heard(&mut bulletin, second));
        assert_eq!(later, [None, None, Some(Notice::CloudFailed), None]);
    }

    #[test]
    fn what_could_not_be_delivered_is_tried_again_for_as_long_as_it_is_so() {
        let mut bulletin = Bulletin::new(at(600));
        bulletin.add(Notice::CloudFailed, at(0));
        bulletin.add(Notice::NeedsPerson, at(0));
        let mut tried = Vec::new();
        for second in 0..1_000 {
            if let Some(notice) = bulletin.next(at(second)) {
                assert_eq!(bulletin.next(at(second)), None, "one at a time");
                tried.push((second, notice));
                bulletin.failed(at(second));
            }
        }
        let seconds: Vec<_> = tried.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds[..5], [0, 5, 35, 155, 275]);
        assert!(seconds.len() > 8 && tried.iter().all(|(_, notice)| *notice == Notice::CloudFailed));
        assert_eq!(heard(&mut bulletin, 1_200), Some(Notice::CloudFailed));
        assert_eq!(heard(&mut bulletin, 1_201), Some(Notice::NeedsPerson));
        assert_eq!(heard(&mut bulletin, 1_202), None);
    }

    #[test]
    fn of_an_outage_that_nobody_could_be_told_of_nothing_is_said_once_it_is_over() {
        let mut bulletin = Bulletin::new(at(600));
        bulletin.add(Notice::CloudFailed, at(0));
        bulletin.add(Notice::NeedsPerson, at(0));
        assert_eq!(bulletin.next(at(0)), Some(Notice::CloudFailed));
        bulletin.failed(at(10));
        bulletin.add(Notice::CloudRestored, at(200));
        assert_eq!(heard(&mut bulletin, 300), None);
        bulletin.add(Notice::CloudFailed, at(400));
        assert_eq!(heard(&mut bulletin, 400), Some(Notice::CloudFailed), "it was never sent");
    }

    #[test]
    fn only_what_people_have_to_know_is_sent_to_them() {
        let mut bulletin = Bulletin::new(at(600));
        for notice in [Notice::CloudOffline, Notice::CloudOnline, Notice::TookOver, Notice::HandedBack, Notice::OwnNetworkDown] {
            bulletin.add(notice, at(0));
            assert_eq!(bulletin.next(at(0)), None, "{notice:?}");
        }
        bulletin.add(Notice::NeedsPerson, at(0));
        assert_eq!(bulletin.next(at(0)), Some(Notice::NeedsPerson));
    }
}
