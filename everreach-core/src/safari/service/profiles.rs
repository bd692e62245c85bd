//! The table of the nine services.

use std::time::Duration;

use super::{ActiveHours, Identity, Service, ServiceProfile, SessionNeed, TokenNeed};
use crate::safari::limits::Limit;
use crate::safari::{LimitedAction, Platform};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const NINE_TO_NINE: Option<ActiveHours> = Some(ActiveHours::NINE_TO_NINE);

const fn own(per_hour: u32, per_day: u32) -> Limit {
    Limit { per_hour: Some(per_hour), per_day: Some(per_day) }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// In the order of [`Service::ALL`].
pub(super) static PROFILES: [ServiceProfile; 9] = [
    ServiceProfile {
        service: Service::InstagramDm,
        name: "instagram-dm",
        platform: Some(Platform::Instagram),
        action: Some(LimitedAction::Dm),
        port: 3001,
        other_port: Some(3100),
        url_setting: "SAFARI_INSTAGRAM_DM_URL",
        token_setting: "SAFARI_INSTAGRAM_DM_TOKEN",
        token: TokenNeed::None,
        path: "/api/messages/send-to",
        timeout: seconds(120),
        limits_path: Some("/api/rate-limits"),
        own_limit: own(10, 30),
        active_hours: NINE_TO_NINE,
        tab: "instagram.com",
        session: SessionNeed::Finds,
        health_interval: MINUTE,
        identity: Identity::MessageCounter,
    },
    ServiceProfile {
        service: Service::TwitterDm,
        name: "twitter-dm",
        platform: Some(Platform::Twitter),
        action: Some(LimitedAction::Dm),
        port: 3003,
        other_port: None,
        url_setting: "SAFARI_TWITTER_DM_URL",
        token_setting: "SAFARI_TWITTER_DM_TOKEN",
        token: TokenNeed::None,
        path: "/api/twitter/messages/send-to",
        timeout: seconds(90),
        limits_path: Some("/api/twitter/rate-limits"),
        own_limit: own(15, 100),
        active_hours: NINE_TO_NINE,
        tab: "x.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::ThreadsComments,
        name: "threads-comments",
        platform: Some(Platform::Threads),
        action: Some(LimitedAction::Comment),
        port: 3004,
        other_port: None,
        url_setting: "SAFARI_THREADS_COMMENTS_URL",
        token_setting: "SAFARI_THREADS_COMMENTS_TOKEN",
        token: TokenNeed::Required,
        path: "/api/threads/comments/post",
        timeout: seconds(45),
        limits_path: Some("/api/threads/rate-limits"),
        own_limit: own(5, 20),
        active_hours: None,
        tab: "threads.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::InstagramComments,
        name: "instagram-comments",
        platform: Some(Platform::Instagram),
        action: Some(LimitedAction::Comment),
        port: 3005,
        other_port: None,
        url_setting: "SAFARI_INSTAGRAM_COMMENTS_URL",
        token_setting: "SAFARI_INSTAGRAM_COMMENTS_TOKEN",
        token: TokenNeed::Required,
        path: "/api/instagram/comments/post",
        timeout: seconds(45),
        limits_path: Some("/api/instagram/rate-limits"),
        own_limit: own(5, 15),
        active_hours: NINE_TO_NINE,
        tab: "instagram.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::TiktokComments,
        name: "tiktok-comments",
        platform: Some(Platform::Tiktok),
        action: Some(LimitedAction::Comment),
        port: 3006,
        other_port: None,
        url_setting: "SAFARI_TIKTOK_COMMENTS_URL",
        token_setting: "SAFARI_TIKTOK_COMMENTS_TOKEN",
        token: TokenNeed::IfSet,
        path: "/api/tiktok/comments/post",
        timeout: seconds(120),
        limits_path: Some("/api/tiktok/rate-limits"),
        own_limit: own(5, 15),
        active_hours: None,
        tab: "tiktok.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::TwitterComments,
        name: "twitter-comments",
        platform: Some(Platform::Twitter),
        action: Some(LimitedAction::Comment),
        port: 3007,
        other_port: None,
        url_setting: "SAFARI_TWITTER_COMMENTS_URL",
        token_setting: "SAFARI_TWITTER_COMMENTS_TOKEN",
        token: TokenNeed::Required,
        path: "/api/twitter/comments/post",
        timeout: seconds(120),
        limits_path: Some("/api/twitter/rate-limits"),
        own_limit: own(10, 30),
        active_hours: None,
        tab: "x.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::TiktokDm,
        name: "tiktok-dm",
        platform: Some(Platform::Tiktok),
        action: Some(LimitedAction::Dm),
        port: 3102,
        other_port: None,
        url_setting: "SAFARI_TIKTOK_DM_URL",
        token_setting: "SAFARI_TIKTOK_DM_TOKEN",
        token: TokenNeed::None,
        path: "/api/tiktok/messages/send-to",
        timeout: seconds(180),
        limits_path: Some("/api/tiktok/rate-limits"),
        own_limit: own(10, 50),
        active_hours: NINE_TO_NINE,
        tab: "tiktok.com",
        session: SessionNeed::Finds,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::LinkedinAutomation,
        name: "linkedin-automation",
        platform: Some(Platform::Linkedin),
        action: Some(LimitedAction::Dm),
        port: 3105,
        other_port: None,
        url_setting: "SAFARI_LINKEDIN_AUTOMATION_URL",
        token_setting: "SAFARI_LINKEDIN_AUTOMATION_TOKEN",
        token: TokenNeed::Required,
        path: "/api/linkedin/messages/send-to",
        timeout: seconds(90),
        limits_path: Some("/api/linkedin/rate-limits"),
        own_limit: Limit { per_hour: None, per_day: Some(50) },
        // What it keeps to; its /health says 8 to 18.
        active_hours: NINE_TO_NINE,
        tab: "linkedin.com",
        session: SessionNeed::EnsureFirst,
        health_interval: MINUTE,
        identity: Identity::ServiceName,
    },
    ServiceProfile {
        service: Service::MarketResearch,
        name: "market-research",
        platform: None,
        action: None,
        port: 3106,
        other_port: None,
        url_setting: "SAFARI_MARKET_RESEARCH_URL",
        token_setting: "SAFARI_MARKET_RESEARCH_TOKEN",
        token: TokenNeed::IfSet,
        path: "/api/research",
        timeout: seconds(60),
        limits_path: None,
        own_limit: Limit { per_hour: None, per_day: None },
        active_hours: None,
        tab: "google.com",
        session: SessionNeed::FrontTab,
        health_interval: SECOND,
        identity: Identity::ServiceName,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_names() {
        for service in Service::ALL {
            let profile = service.profile();
            assert_eq!(profile.service, service);
            assert_eq!(serde_json::to_string(&service).expect("json"), format!("\"{}\"", profile.name));
            assert_eq!(profile.name.parse::<Service>().expect("its name"), service);
        }
    }

    #[test]
    fn ports_and_settings_are_those_of_the_contract() {
        let ports: Vec<_> = PROFILES.iter().map(|profile| profile.port).collect();
        assert_eq!(ports, [3001, 3003, 3004, 3005, 3006, 3007, 3102, 3105, 3106]);
        for profile in &PROFILES {
            let infix = profile.name.replace('-', "_").to_uppercase();
            assert_eq!(profile.url_setting, format!("SAFARI_{infix}_URL"));
            assert_eq!(profile.token_setting, format!("SAFARI_{infix}_TOKEN"));
        }
    }

    #[test]
    fn only_the_two_that_leak_are_asked_for_their_health_once_a_minute() {
        let slow: Vec<_> =
            PROFILES.iter().filter(|profile| profile.health_interval == MINUTE).map(|profile| profile.name).collect();
        assert_eq!(slow, ["instagram-dm", "linkedin-automation"]);
    }

    #[test]
    fn only_instagram_dm_has_a_second_port_and_names_it_in_its_hint() {
        for profile in &PROFILES {
            assert_eq!(profile.down_hint().is_some(), profile.service == Service::InstagramDm, "{}", profile.name);
        }
    }

    #[test]
    fn no_timeout_is_shorter_than_the_contract_allows() {
        let wanted = [120, 90, 45, 45, 120, 120, 180, 90, 60].map(Duration::from_secs);
        assert_eq!(PROFILES.each_ref().map(|profile| profile.timeout), wanted);
    }
}
