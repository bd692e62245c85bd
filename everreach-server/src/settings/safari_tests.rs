use std::time::Duration;

use everreach_core::safari::limits::Limit;
use everreach_core::safari::wire::ForcePolicy;
use everreach_core::safari::{ActiveHours, LimitedAction, Platform, SafariConfig, Service};
use everreach_core::{ErrorKind, Result};
use secrecy::ExposeSecret;

use super::{Layers, table};

fn safari(pairs: &[(&str, &str)]) -> Result<SafariConfig> {
    let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let settings = Layers { environment, ..Layers::default() }.load()?;
    Ok(settings.resolve()?.runtime.safari)
}

#[test]
fn what_nobody_set_is_as_the_services_are_installed() {
    let config = safari(&[("TZ", "America/Chicago")]).expect("the defaults");
    for service in Service::ALL {
        let own = config.service(service);
        assert_eq!(own.url.expect("an address").to_string(), format!("{}/", service.profile().default_url()));
        assert!(own.token.is_none(), "{service}");
    }
    assert_eq!((config.active_hours, config.zone), (ActiveHours::NINE_TO_NINE, chrono_tz::America::Chicago));
    assert_eq!((config.pacing.min_delay, config.pacing.rest_after_unknown), (None, None));
    assert_eq!((config.lease, config.dispatch.force), (Duration::from_secs(60), ForcePolicy::Ignore));
    assert_eq!(config.dispatch.crm.argv(), ["python3", "scripts/crm_brain.py"]);
    assert_eq!(config.limits, everreach_core::safari::limits::LimitTable::default());
}

#[test]
fn every_service_has_an_address_and_a_token_in_the_table() {
    for service in Service::ALL {
        let profile = service.profile();
        let url = table::by_env(profile.url_setting).expect("an address");
        assert_eq!(url.default, Some(profile.default_url().as_str()));
        assert!(table::by_env(profile.token_setting).expect("a token").is_secret);
    }
}

#[test]
fn every_value_that_is_set_arrives() {
    let config = safari(&[
        ("SAFARI_INSTAGRAM_DM_URL", "http://127.0.0.1:3100"),
        ("SAFARI_TWITTER_COMMENTS_TOKEN", "test-token-12345"),
        ("SAFARI_LIMITS", r#"{"instagram": {"dm": 5, "dm_hour": 2}}"#),
        ("SAFARI_ACTIVE_HOURS", "0-24"),
        ("SAFARI_TIMEZONE", "Europe/Berlin"),
        ("SAFARI_MIN_DELAY_MS", "0"),
        ("SAFARI_REST_AFTER_UNKNOWN_SEC", "0"),
        ("SAFARI_LEASE_SEC", "90"),
        ("SAFARI_CAMPAIGN_APPROVAL_HOURS", "48"),
        ("SAFARI_DENY_LIST_FILE", "deny.txt"),
        ("SAFARI_ALLOW_FORCE", "1"),
        ("CRM_COMMAND", r#"["/opt/py/bin/python3", "my scripts/crm.py"]"#),
        ("CRM_FOLDER", "/opt/crm"),
    ])
    .expect("it holds together");
    assert_eq!(config.service(Service::InstagramDm).url.expect("an address").port(), Some(3100));
    let token = config.service(Service::TwitterComments).token.expect("a token");
    assert_eq!(token.expose_secret(), "test-token-12345");
    assert!(config.service(Service::TwitterDm).token.is_none());
    let limit = config.limits.get(Platform::Instagram, LimitedAction::Dm);
    assert_eq!(limit, Limit { per_hour: Some(2), per_day: Some(5) });
    assert_eq!((config.active_hours, config.zone), (ActiveHours::ALWAYS, chrono_tz::Europe::Berlin));
    assert_eq!(config.pacing.min_delay, Some(Duration::ZERO));
    assert_eq!(config.pacing.rest_after_unknown, Some(Duration::ZERO));
    assert_eq!((config.lease, config.dispatch.force), (Duration::from_secs(90), ForcePolicy::Honour));
    assert_eq!(config.campaign_approval, Duration::from_secs(48 * 3_600));
    assert_eq!(config.deny_list_file.as_deref(), Some(std::path::Path::new("deny.txt")));
    assert_eq!(config.dispatch.crm.argv(), ["/opt/py/bin/python3", "my scripts/crm.py"]);
    assert_eq!(config.crm_folder.as_deref(), Some(std::path::Path::new("/opt/crm")));
}

#[test]
fn bad_values_name_the_setting_its_origin_what_was_seen_and_what_is_wanted() {
    for (name, value, seen, wanted) in [
        ("SAFARI_TWITTER_DM_URL", "127.0.0.1:3003", "127.0.0.1:3003", "a URL"),
        ("SAFARI_ACTIVE_HOURS", "9-25", "9-25", "0 to 23"),
        ("SAFARI_TIMEZONE", "Mars", "Mars", "Europe/Berlin"),
        ("SAFARI_MIN_DELAY_MS", "-1", "-1", "milliseconds from 0"),
        ("SAFARI_MIN_DELAY_MS", "86400001", "86400001", "to 86400000"),
        ("SAFARI_REST_AFTER_UNKNOWN_SEC", "1.5", "1.5", "seconds from 0"),
        ("SAFARI_LEASE_SEC", "4", "4", "from 5 to 3600"),
        ("SAFARI_CAMPAIGN_APPROVAL_HOURS", "0", "0", "from 1 to 8760"),
        ("SAFARI_ALLOW_FORCE", "always", "always", "1 or 0"),
        ("SAFARI_LIMITS", r#"{"instagram": {"dms": 5}}"#, "instagram.dms", "dm_hour"),
        ("CRM_COMMAND", "[]", "[]", "program and its arguments"),
    ] {
        let error = safari(&[(name, value)]).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Config);
        let text = error.to_string();
        for part in [name, seen, wanted, "environment"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn a_token_never_travels_in_clear_to_another_machine_and_is_not_shown() {
    let pairs = [("SAFARI_TWITTER_DM_URL", "http://mac.example:3003"), ("SAFARI_TWITTER_DM_TOKEN", "t0ken")];
    let text = safari(&pairs).expect_err("in clear").to_string();
    assert!(text.contains("SAFARI_TWITTER_DM_URL") && text.contains("https://") && !text.contains("t0ken"), "{text}");
    assert!(safari(&pairs[..1]).is_ok(), "without a token there is nothing to protect");
    let config = safari(&[("SAFARI_TWITTER_DM_URL", "https://mac.example:3003"), pairs[1]]).expect("it holds together");
    assert!(!format!("{config:?}").contains("t0ken"));
}

#[test]
fn an_unknown_zone_of_the_machine_is_read_as_utc() {
    assert_eq!(safari(&[("TZ", "Nowhere/At_All")]).expect("a zone").zone, chrono_tz::UTC);
    assert_eq!(safari(&[("TZ", ":Asia/Kolkata")]).expect("a zone").zone, chrono_tz::Asia::Kolkata);
}
