//! Every mistake a file can have, each with the line and the key it is reported under.

use proptest::prelude::*;

use super::RouteTable;
use crate::{Error, ErrorKind};

fn refused(text: &str) -> Error {
    let error = RouteTable::parse(text, "my.json").expect_err(text);
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert_eq!(context(&error, "origin"), Some("my.json"), "{error}");
    error
}

fn context<'a>(error: &'a Error, wanted: &str) -> Option<&'a str> {
    error.context().find(|(key, _)| *key == wanted).map(|(_, value)| value)
}

/// The text is refused on this line, under this key, in a sentence that contains these words.
fn check(text: &str, line: &str, key: &str, words: &str) -> Error {
    let error = refused(text);
    assert_eq!(context(&error, "line"), Some(line), "{error}");
    assert_eq!(context(&error, "key").unwrap_or(""), key, "{error}");
    assert!(error.message().contains(words), "{error}");
    error
}

#[test]
fn an_unknown_field_is_named_with_the_one_that_was_meant() {
    let text =
        "{\n  \"routes\": {\n    \"dm.send\": {\n      \"class\": \"api\",\n      \"prefered_env\": \"local\"\n    }\n  }\n}";
    let error = check(text, "5", "dm.send.prefered_env", "no such field");
    assert_eq!(context(&error, "did_you_mean"), Some("preferred_env"));
    let error = check("{\"aliases\": {},\n\"rotes\": {}}", "2", "rotes", "no such field");
    assert_eq!(context(&error, "did_you_mean"), Some("routes"));
}

#[test]
fn an_unknown_word_is_named_with_the_words_that_are_known() {
    let error = check("{\"dm.send\":\n{\"preferred_env\":\n\"clod\"}}", "3", "dm.send.preferred_env", "not one of the words");
    assert_eq!(context(&error, "seen"), Some("\"clod\""));
    assert_eq!(context(&error, "expected"), Some("cloud | local | auto"));
    assert_eq!(context(&error, "did_you_mean"), Some("cloud"));
    check(r#"{"dm.send": {"fallback_env": "auto"}}"#, "1", "dm.send.fallback_env", "words");
    check(r#"{"dm.send": {"effect": "harmless"}}"#, "1", "dm.send.effect", "words");
    check(r#"{"dm.send": {"class": 7}}"#, "1", "dm.send.class", "words");
    check(r#"{"dm.send": {"dedupe": null}}"#, "1", "dm.send.dedupe", "words");
    check(r#"{"dm.send": {"requires": "cloud"}}"#, "1", "dm.send.requires", "words");
}

#[test]
fn ill_formed_names_are_refused() {
    check("{\"routes\": {\n\"dm.send.now\": {}}}", "2", "dm.send.now", "service.topic");
    check(r#"{"routes": {"DM.*": {}}}"#, "1", "DM.*", "service.topic");
    check(r#"{"aliases": {"gen": "content.generate"}}"#, "1", "aliases.gen", "service.topic");
    check(r#"{"aliases": {"a.b": "generate"}}"#, "1", "aliases.a.b", "service.topic");
}

#[test]
fn a_name_that_stands_twice_is_refused_with_both_lines() {
    let error = check("{\"routes\": {\n\"dm.send\": {},\n\"dm.send\": {}}}", "3", "routes.dm.send", "twice");
    assert_eq!(context(&error, "first_line"), Some("2"));
    check("{\"dm.send\": {\"class\": \"api\",\n \"class\": \"api\"}}", "2", "dm.send.class", "twice");
    check("{\"dm.send\": {\"class\": \"api\",\n \"\\u0063lass\": \"api\"}}", "2", "dm.send.class", "twice");
    check("{\"aliases\": {},\n\"aliases\": {}}", "2", "aliases", "twice");
}

#[test]
fn aliases_that_lead_nowhere_are_refused() {
    check("{\"aliases\": {\n\"a.b\": \"a.c\",\n\"a.c\": \"a.b\"}}", "2", "aliases.a.b", "circle");
    check("{\"aliases\": {\n\"a.b\": \"a.b\"}}", "2", "aliases.a.b", "itself");
    let error = check("{\"aliases\": {\n\"a.b\": \"dm.sned\"}}", "2", "aliases.a.b", "no row");
    assert_eq!(context(&error, "did_you_mean"), Some("dm.send"));
}

#[test]
fn an_alias_and_a_row_cannot_share_a_name() {
    check("{\"aliases\": {\n\"dm.send\": \"dm.queue\"}}", "2", "aliases.dm.send", "name of a row");
    check("{\"aliases\": {\"a.b\": \"dm.send\"},\n\"routes\": {\"a.b\": {}}}", "1", "aliases.a.b", "name of a row");
    let error = check("{\"routes\": {\n\"content.gen\": {}}}", "2", "content.gen", "alias");
    assert_eq!(context(&error, "stands_for"), Some("content.generate"));
}

#[test]
fn prices_and_times_have_their_limits() {
    check("{\"dm.send\": {\n\"cost_usd\": -0.01}}", "2", "dm.send.cost_usd", "less than 0");
    check(r#"{"dm.send": {"cost_usd": "cheap"}}"#, "1", "dm.send.cost_usd", "decimal");
    check(r#"{"dm.send": {"cost_usd": 1e40}}"#, "1", "dm.send.cost_usd", "decimal");
    check(r#"{"dm.stats": {"cache_ttl_s": 3601}}"#, "1", "dm.stats.cache_ttl_s", "0 to 3600");
    check(r#"{"dm.stats": {"cache_ttl_s": -1}}"#, "1", "dm.stats.cache_ttl_s", "0 to 3600");
    check(r#"{"dm.stats": {"timeout_ms": 0}}"#, "1", "dm.stats.timeout_ms", "from 1");
    let error = check("{\"dm.send\": {\n\"cache_ttl_s\": 1}}", "2", "dm.send.cache_ttl_s", "only reads");
    assert_eq!(context(&error, "effect"), Some("outward"));
    check("{\"a.b\": {\"cache_ttl_s\": 1,\n\"effect\": \"write\"}}", "1", "a.b.cache_ttl_s", "only reads");
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    check("{\"dm.send\": {\n\"essential\": \"yes\"}}", "2", "dm.send.essential", "true or false");
    check(r#"{"dm.send": {"approval": 1}}"#, "1", "dm.send.approval", "true or false");
    check(r#"{"dm.send": {"cost_usd": {}}}"#, "1", "dm.send.cost_usd", "decimal");
    check(r#"{"dm.send": {"timeout_ms": 1.5}}"#, "1", "dm.send.timeout_ms", "whole number");
    check(r#"{"dm.send": {"description": 1}}"#, "1", "dm.send.description", "text");
    check("{\"dm.send\":\n\n[1]}", "3", "dm.send", "an object of fields");
    check("{\"routes\":\n[]}", "2", "routes", "routes are an object");
    check("{\"aliases\": null}", "1", "aliases", "aliases are an object");
    check("[]", "1", "", "a route table is a JSON object");
    check("\n\"text\"", "2", "", "a route table is a JSON object");
}

#[test]
fn what_only_an_exact_row_may_state_is_refused_in_a_row_for_many() {
    check("{\"dm.*\": {\n\"effect\": \"read\"}}", "2", "dm.*.effect", "own row");
    check(r#"{"*": {"cost_usd": 0}}"#, "1", "*.cost_usd", "own row");
    let error = check(r#"{"*": {"clas": "api"}}"#, "1", "*.clas", "no such field");
    assert_eq!(context(&error, "did_you_mean"), Some("class"));
}

#[test]
fn another_version_and_rows_outside_routes_are_refused() {
    check("{\n\"version\": 2}", "2", "version", "version 1");
    check(r#"{"version": "1"}"#, "1", "version", "version 1");
    check("{\"routes\": {},\n\"dm.send\": {}}", "2", "dm.send", "move the row");
}

#[test]
fn what_is_not_json_is_refused_where_it_stops_being_json() {
    check("", "1", "", "not JSON");
    check("{\n  \"dm.send\": {\n    \"class\": \"api\",\n  }\n}", "4", "", "not JSON");
    check("{}\n{}", "2", "", "not JSON");
    check("{\"dm.send\": {\"class\": \"a\nb\"}}", "1", "", "not JSON");
    check("\u{feff}{}", "1", "", "byte order mark");
    check("{\"routes\": {\"\\ud800\": {}}}", "1", "routes", "not valid text");
}

#[test]
fn a_quoted_value_cannot_write_control_characters_into_the_error() {
    let error = refused("{\"dm.send\": {\"class\": \"\u{7f}\u{9b}31m\"}, \"x\u{9b}\": {}}");
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
    let error = refused("{\"x\u{9b}\": {}}");
    assert!(!error.to_string().chars().any(char::is_control), "{error:?}");
}

#[test]
fn files_that_cannot_be_read_are_refused_with_their_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("routes.json");
    for (make, words) in [("nothing", "cannot be read"), ("latin1", "not UTF-8"), ("folder", "file of at most")] {
        match make {
            "latin1" => std::fs::write(&path, b"{\n\"\xe9\": 1}").expect("written"),
            "folder" => {
                std::fs::remove_file(&path).expect("removed");
                std::fs::create_dir(&path).expect("made");
            }
            _ => {}
        }
        let error = RouteTable::load(&path).expect_err(make);
        assert!(error.message().contains(words), "{error}");
        assert_eq!(context(&error, "origin"), path.to_str());
        assert_eq!(context(&error, "line"), (make == "latin1").then_some("2"));
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _either_way = RouteTable::parse(&text, "any");
    }

    #[test]
    fn no_text_built_from_a_tables_own_words_makes_it_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\n", "\"routes\"", "\"aliases\"", "\"dm.send\"", "\"dm.*\"", "\"*\"", "\"class\"", "\"api\"",
            "\"cost_usd\"", "-1", "0.5", "null", "\"\\ud800\"", "\"é.ü\"", "{\"dm.send\":{", "}}",
        ]), 0..40)
    ) {
        if let Err(error) = RouteTable::parse(&parts.concat(), "any") {
            prop_assert_eq!(error.kind(), ErrorKind::Config);
            prop_assert!(context(&error, "line").is_some());
        }
    }
}
