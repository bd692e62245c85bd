//! One limit: so many an hour, so many a day.

use serde::Serialize;
use serde_json::Value;

use super::Usage;
use crate::safari::Service;

/// How many of one action an account may do. `None` is no limit, 0 is never.
///
/// ```
/// use everreach_core::safari::Service;
/// use everreach_core::safari::limits::Limit;
/// let ours = Limit::per_day(20);
/// let theirs = Limit::of_profile(Service::InstagramDm);
/// assert_eq!(ours.stricter(theirs), Limit { per_hour: Some(10), per_day: Some(20) });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(clippy::exhaustive_structs, reason = "an hour and a day is all there is")]
pub struct Limit {
    /// In an hour of UTC.
    pub per_hour: Option<u32>,
    /// In a day of UTC.
    pub per_day: Option<u32>,
}

impl Limit {
    /// So many a day, and no limit by the hour.
    #[must_use]
    pub const fn per_day(per_day: u32) -> Self {
        Self { per_hour: None, per_day: Some(per_day) }
    }

    /// The stricter one of both, by the hour and by the day.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        let lower = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { per_hour: lower(self.per_hour, other.per_hour), per_day: lower(self.per_day, other.per_day) }
    }

    /// What is left of it when so many were used.
    ///
    /// ```
    /// use everreach_core::safari::limits::{Limit, Usage};
    /// let left = Limit::per_day(20).less(Usage { this_hour: 1, today: 3 });
    /// assert_eq!(left, Limit::per_day(17));
    /// assert_eq!(left.less(Usage { this_hour: 0, today: 90 }), Limit::per_day(0));
    /// ```
    #[must_use]
    pub fn less(self, used: Usage) -> Self {
        let left = |limit: Option<u32>, used: u32| limit.map(|limit| limit.saturating_sub(used));
        Self { per_hour: left(self.per_hour, used.this_hour), per_day: left(self.per_day, used.today) }
    }

    /// Half of it, and at least one where it lets any go.
    ///
    /// ```
    /// use everreach_core::safari::limits::Limit;
    /// assert_eq!(Limit { per_hour: Some(15), per_day: Some(1) }.halved(), Limit { per_hour: Some(7), per_day: Some(1) });
    /// assert_eq!(Limit::per_day(0).halved(), Limit::per_day(0));
    /// ```
    #[must_use]
    pub fn halved(self) -> Self {
        let half = |limit: Option<u32>| limit.map(|limit| (limit / 2).max(limit.min(1)));
        Self { per_hour: half(self.per_hour), per_day: half(self.per_day) }
    }

    /// What a service is known to keep before it was asked.
    #[must_use]
    pub const fn of_profile(service: Service) -> Self {
        service.profile().own_limit
    }

    /// Reads the answer of a service's limits endpoint. The shapes differ from service to service; what the answer leaves out
    /// is taken from [`Limit::of_profile`].
    ///
    /// ```
    /// use everreach_core::safari::{Service, limits::Limit};
    /// use serde_json::json;
    /// let said = json!({"commentsThisHour": 1, "commentsToday": 3, "limits": {"commentsPerHour": 4, "commentsPerDay": 9}});
    /// assert_eq!(Limit::read(Service::TwitterComments, &said), Limit { per_hour: Some(4), per_day: Some(9) });
    /// ```
    #[must_use]
    pub fn read(service: Service, answer: &Value) -> Self {
        let known = Self::of_profile(service);
        // market-research counts requests in a window, not sends.
        if service.profile().action.is_none() {
            return known;
        }
        let number = |names: [&str; 2]| {
            let holders = [answer.get("limits"), answer.get("config")];
            let found = holders.into_iter().flatten().find_map(|holder| names.iter().find_map(|name| holder.get(name)));
            found.and_then(Value::as_u64).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        Self {
            per_hour: number(["messagesPerHour", "commentsPerHour"]).or(known.per_hour),
            per_day: number(["messagesPerDay", "commentsPerDay"]).or(known.per_day),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_the_contract_is_read() {
        let dm = json!({"limits": {"messagesPerHour": 4, "messagesPerDay": 9, "minDelayMs": 1}, "activeHours": {"start": 9}});
        let linkedin = json!({"config": {"messagesPerDay": 9}, "current": {"messagesToday": 1}, "withinActiveHours": true});
        let comments = json!({"commentsThisHour": 0, "commentsToday": 0, "limits": {"commentsPerHour": 4, "commentsPerDay": 9}});
        for (service, answer, per_hour) in [
            (Service::InstagramDm, &dm, Some(4)),
            (Service::TwitterDm, &dm, Some(4)),
            (Service::TiktokDm, &dm, Some(4)),
            (Service::LinkedinAutomation, &linkedin, None),
            (Service::ThreadsComments, &comments, Some(4)),
            (Service::InstagramComments, &comments, Some(4)),
            (Service::TiktokComments, &comments, Some(4)),
            (Service::TwitterComments, &comments, Some(4)),
        ] {
            assert_eq!(Limit::read(service, answer), Limit { per_hour, per_day: Some(9) }, "{service}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_leaves_what_the_contract_says() {
        for answer in [json!(null), json!([]), json!({"limits": {"messagesPerDay": "many"}}), json!({"limits": []})] {
            assert_eq!(Limit::read(Service::InstagramDm, &answer), Limit::of_profile(Service::InstagramDm));
        }
        let research = json!({"window_ms": 60000, "max_per_window": 60, "accounts": []});
        assert_eq!(Limit::read(Service::MarketResearch, &research), Limit::default());
    }
}
