//! The limits that a service says it keeps.

use serde_json::Value;

use crate::safari::Service;

/// The limits that a service says it keeps. Without an answer, [`ServiceLimits::of_profile`] is what is known of it.
///
/// ```
/// use everreach_core::safari::Service;
/// use everreach_core::safari::limits::ServiceLimits;
/// use serde_json::json;
/// let said = json!({"messagesSentToday": 3, "messagesSentThisHour": 1, "limits": {"messagesPerHour": 10, "messagesPerDay": 30}});
/// let limits = ServiceLimits::read(Service::InstagramDm, &said);
/// assert_eq!((limits.per_hour, limits.per_day), (Some(10), Some(30)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceLimits {
    /// Sends in an hour.
    pub per_hour: Option<u32>,
    /// Sends in a day.
    pub per_day: Option<u32>,
}

impl ServiceLimits {
    /// What the contract says that a service keeps.
    ///
    /// ```
    /// use everreach_core::safari::{Service, limits::ServiceLimits};
    /// assert_eq!(ServiceLimits::of_profile(Service::TwitterDm).per_day, Some(100));
    /// ```
    #[must_use]
    pub const fn of_profile(service: Service) -> Self {
        let own = service.profile().own_limit;
        Self { per_hour: own.per_hour, per_day: own.per_day }
    }

    /// Reads the answer of a limits endpoint. The shapes differ from service to service; what the answer leaves out is taken
    /// from the contract.
    #[must_use]
    pub fn read(service: Service, answer: &Value) -> Self {
        let known = Self::of_profile(service);
        let number = |names: [&str; 4]| {
            let holders = [answer.get("limits"), answer.get("config"), Some(answer)];
            let found = holders.into_iter().flatten().find_map(|holder| names.iter().find_map(|name| holder.get(name)));
            found.and_then(Value::as_u64).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
        };
        // market-research counts requests in a window, not sends.
        if service.profile().action.is_none() {
            return known;
        }
        Self {
            per_hour: number(["messagesPerHour", "commentsPerHour", "maxMessagesPerHour", "perHour"]).or(known.per_hour),
            per_day: number(["messagesPerDay", "commentsPerDay", "maxMessagesPerDay", "perDay"]).or(known.per_day),
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
        for (service, answer, hour) in [
            (Service::InstagramDm, &dm, Some(4)),
            (Service::TwitterDm, &dm, Some(4)),
            (Service::TiktokDm, &dm, Some(4)),
            (Service::LinkedinAutomation, &linkedin, None),
            (Service::ThreadsComments, &comments, Some(4)),
            (Service::InstagramComments, &comments, Some(4)),
            (Service::TiktokComments, &comments, Some(4)),
            (Service::TwitterComments, &comments, Some(4)),
        ] {
            let read = ServiceLimits::read(service, answer);
            assert_eq!(read, ServiceLimits { per_hour: hour, per_day: Some(9) }, "{service}");
        }
    }

    #[test]
    fn an_answer_of_another_shape_leaves_what_the_contract_says() {
        for answer in [json!(null), json!([]), json!({"limits": {"messagesPerDay": "many"}}), json!({"limits": []})] {
            assert_eq!(ServiceLimits::read(Service::InstagramDm, &answer), ServiceLimits::of_profile(Service::InstagramDm));
        }
        let research = json!({"window_ms": 60000, "max_per_window": 60, "accounts": []});
        assert_eq!(ServiceLimits::read(Service::MarketResearch, &research).per_day, None);
    }
}
