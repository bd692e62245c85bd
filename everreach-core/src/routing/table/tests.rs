//! What the table knows, how a file changes it, and how names find their rows.

mod mistakes;
mod reload;
mod topics;

use std::time::Duration;

use super::{RouteTable, SharedRouteTable};
use crate::routing::{ActionClass, Classifier, Dedupe, Preference, Route, RouteMatch};
use crate::{ActionName, Effect, MicroUsd, Side};

fn name(text: &str) -> ActionName {
    text.parse().expect("a name")
}

fn table(text: &str) -> RouteTable {
    RouteTable::parse(text, "test.json").expect("a table")
}

fn route(table: &RouteTable, action: &str) -> Route {
    Route::clone(&table.resolve(&name(action)))
}

#[test]
fn a_partial_row_on_a_known_action_keeps_the_other_fields() {
    let before = route(&RouteTable::builtin(), "dm.send");
    let after = route(&table(r#"{"version": 1, "routes": {"dm.send": {"preferred_env": "local"}}}"#), "dm.send");
    assert_eq!((before.preferred_env, after.preferred_env), (Preference::Cloud, Preference::Local));
    assert_eq!(Route { preferred_env: before.preferred_env, ..after }, before);
}

#[test]
fn every_field_can_be_stated() {
    let text = r#"{"routes": {"shop.order": {"preferred_env": "auto", "fallback_env": "cloud", "class": "compute", "effect": "read",
        "essential": true, "cost_usd": "0.0000001", "cache_ttl_s": 60, "timeout_ms": 1500, "approval": true,
        "dedupe": "content_day", "requires": "local", "description": "look at an order"}}}"#;
    let seen = route(&table(text), "shop.order");
    let mut wanted = Route::unlisted(name("shop.order"));
    wanted.matched = RouteMatch::Exact;
    wanted.preferred_env = Preference::Auto;
    wanted.fallback_env = Some(Side::Cloud);
    wanted.class = ActionClass::Compute;
    wanted.effect = Effect::Read;
    wanted.essential = true;
    wanted.cost_usd = Some(MicroUsd::from_micros(1));
    wanted.cache_ttl = Duration::from_mins(1);
    wanted.timeout = Some(Duration::from_millis(1_500));
    wanted.approval = true;
    wanted.dedupe = Dedupe::ContentDay;
    wanted.requires = Some(Side::Local);
    wanted.description = "look at an order".to_owned();
    assert_eq!(seen, wanted);
}

#[test]
fn null_takes_back_what_may_be_absent() {
    let text = r#"{"dm.send": {"fallback_env": null, "cost_usd": null, "timeout_ms": null, "requires": null}}"#;
    let seen = route(&table(text), "dm.send");
    assert_eq!((seen.fallback_env, seen.cost_usd, seen.timeout, seen.requires), (None, None, None, None));
    assert_eq!(seen.effect, Effect::Outward);
}

#[test]
fn a_new_row_is_outward_and_unpriced_until_it_says_otherwise() {
    let seen = route(&table(r#"{"routes": {"linkedin.endorse": {}, "shop.order": {}}}"#), "linkedin.endorse");
    assert_eq!((seen.matched, seen.effect, seen.essential, seen.cost_usd), (RouteMatch::Exact, Effect::Outward, false, None));
    assert_eq!((seen.preferred_env, seen.class), (Preference::Cloud, ActionClass::Api), "the service's own row still counts");
}

#[test]
fn an_action_that_stops_being_a_read_is_no_longer_cached() {
    let text = r#"{"crm.stats": {"effect": "write"}}"#;
    assert!(!route(&RouteTable::builtin(), "crm.stats").cache_ttl.is_zero());
    assert!(route(&table(text), "crm.stats").cache_ttl.is_zero());
}

#[test]
fn the_older_form_with_rows_at_the_top_is_read_too() {
    let text = r#"{"dm.stats": {"preferred_env": "local", "fallback_env": "cloud"}, "feedback.*": {"preferred_env": "auto"}}"#;
    let table = table(text);
    assert_eq!(route(&table, "dm.stats").fallback_env, Some(Side::Cloud));
    assert_eq!(route(&table, "feedback.unheard_of").preferred_env, Preference::Auto);
}

#[test]
fn a_name_without_a_row_finds_its_service_then_the_star_then_the_default() {
    let plain = RouteTable::builtin();
    let by_service = route(&plain, "linkedin.unheard_of");
    assert_eq!((by_service.matched, by_service.preferred_env), (RouteMatch::Prefix, Preference::Cloud));
    assert_eq!((by_service.effect, by_service.essential, by_service.cost_usd), (Effect::Outward, false, None));
    assert_eq!(by_service.action, name("linkedin.unheard_of"));

    assert_eq!(route(&plain, "nobody.knows"), Route::unlisted(name("nobody.knows")));
    assert_eq!(plain.classify(&name("nobody.knows")).class, ActionClass::Compute);

    let starred = table(r#"{"*": {"preferred_env": "cloud", "fallback_env": "local", "class": "api"}}"#);
    let by_star = route(&starred, "nobody.knows");
    assert_eq!((by_star.matched, by_star.preferred_env), (RouteMatch::Prefix, Preference::Cloud));
    assert_eq!((by_star.effect, by_star.cost_usd), (Effect::Outward, None));
    assert_eq!(route(&starred, "feedback.unheard_of").preferred_env, Preference::Local, "the longer row wins");
    assert_eq!(starred.classify(&name("nobody.knows")).reason, "row *");
}

#[test]
fn aliases_lead_to_the_row_they_stand_for_through_other_aliases_too() {
    let text = r#"{"aliases": {"content.make": "content.write", "content.write": "content.gen"}, "routes": {}}"#;
    let table = table(text);
    for alias in ["content.gen", "content.write", "content.make"] {
        assert_eq!(table.resolve(&name(alias)).action, name("content.generate"));
        assert_eq!(table.canonical(&name(alias)), name("content.generate"));
    }
    assert_eq!(table.canonical(&name("nobody.knows")), name("nobody.knows"));
    assert_eq!(table.classify(&name("content.make")).reason, "row content.generate");
}

#[test]
fn an_alias_may_stand_for_a_row_of_the_same_file() {
    let table = table(r#"{"aliases": {"shop.buy": "shop.order"}, "routes": {"shop.order": {"effect": "write"}}}"#);
    assert_eq!(table.resolve(&name("shop.buy")).effect, Effect::Write);
}

#[test]
fn nearest_names_come_from_the_rows_and_from_what_the_caller_knows() {
    let table = RouteTable::builtin();
    assert_eq!(table.nearest(&name("dm.sned"), &[]), ["dm.send"]);
    assert_eq!(table.nearest(&name("shop.oder"), &[name("shop.order")]), ["shop.order"]);
    assert!(table.nearest(&name("xylophone.zzz"), &[]).is_empty());
}

#[test]
fn every_clone_of_a_shared_table_sees_a_replacement_and_its_number() {
    let shared = SharedRouteTable::new(RouteTable::builtin());
    let other = shared.clone();
    let before = shared.current();
    shared.replace(table(r#"{"dm.send": {"class": "compute"}}"#));
    assert_eq!((before.version(), other.current().version()), (1, 2));
    assert_ne!(before.digest(), other.current().digest());
    assert_eq!(other.classify(&name("dm.send")).class, ActionClass::Compute);
    shared.replace(RouteTable::builtin());
    assert_eq!((other.current().version(), other.current().digest()), (3, before.digest()));
}
