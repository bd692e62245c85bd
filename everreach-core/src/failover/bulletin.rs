//! What people are told, and how often.

use std::collections::HashMap;
use std::time::Duration;

use super::Notice;

/// Keeps a link that comes and goes from sending a message each time: the same one is sent again only after a while, and only if it is
/// still what people need to hear.
///
/// ```
/// use everreach_core::failover::{Bulletin, Notice};
/// use std::time::Duration;
/// let at = Duration::from_secs;
/// let mut bulletin = Bulletin::new(at(600));
/// let mut heard = Vec::new();
/// for minute in 0..10 {
///     let happened = if minute % 2 == 0 { Notice::CloudFailed } else { Notice::CloudRestored };
///     heard.extend(bulletin.add(happened, at(minute * 60)));
/// }
/// assert_eq!(heard, [Notice::CloudFailed, Notice::CloudRestored], "one message each");
/// assert_eq!(bulletin.due(at(3_600)), None, "it is still restored");
/// ```
#[derive(Debug, Clone)]
pub struct Bulletin {
    again_after: Duration,
    sent_at: HashMap<Notice, Duration>,
    /// What was heard last about the cloud, and what is so.
    told: Notice,
    is_so: Notice,
}

impl Bulletin {
    /// Nothing was told; the same message is sent again no sooner than this.
    #[must_use]
    pub fn new(again_after: Duration) -> Self {
        Self { again_after, sent_at: HashMap::new(), told: Notice::CloudRestored, is_so: Notice::CloudRestored }
    }

    /// Something happened at this monotonic time; the message to send now, if there is one.
    pub fn add(&mut self, notice: Notice, at: Duration) -> Option<Notice> {
        match notice {
            Notice::CloudFailed | Notice::CloudRestored => {
                self.is_so = notice;
                self.due(at)
            }
            _ if notice.is_for_people() => self.send(notice, at),
            _ => None,
        }
    }

    /// What was held back and has to be said now, because it is still so.
    pub fn due(&mut self, at: Duration) -> Option<Notice> {
        if self.is_so == self.told {
            return None;
        }
        let sent = self.send(self.is_so, at)?;
        self.told = sent;
        Some(sent)
    }

    fn send(&mut self, notice: Notice, at: Duration) -> Option<Notice> {
        if self.sent_at.get(&notice).is_some_and(|sent| at.saturating_sub(*sent) < self.again_after) {
            return None;
        }
        self.sent_at.insert(notice, at);
        Some(notice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_held_back_is_said_later_if_it_is_still_so() {
        let at = Duration::from_secs;
        let mut bulletin = Bulletin::new(at(600));
        assert_eq!(bulletin.add(Notice::CloudFailed, at(0)), Some(Notice::CloudFailed));
        assert_eq!(bulletin.add(Notice::CloudRestored, at(60)), Some(Notice::CloudRestored));
        assert_eq!(bulletin.add(Notice::CloudFailed, at(120)), None);
        assert_eq!(
            (bulletin.due(at(599)), bulletin.due(at(600)), bulletin.due(at(700))),
            (None, Some(Notice::CloudFailed), None)
        );
    }

    #[test]
    fn only_what_people_have_to_know_is_sent_to_them() {
        let mut bulletin = Bulletin::new(Duration::from_secs(600));
        let silent = [Notice::CloudOffline, Notice::CloudOnline, Notice::TookOver, Notice::HandedBack, Notice::OwnNetworkDown];
        for notice in silent {
            assert_eq!(bulletin.add(notice, Duration::ZERO), None, "{notice:?}");
        }
        assert_eq!(bulletin.add(Notice::NeedsPerson, Duration::ZERO), Some(Notice::NeedsPerson));
    }
}
