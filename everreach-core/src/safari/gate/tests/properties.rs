//! What holds for anything that comes in.

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::row;
use crate::safari::gate::{Dispatchable, Work, check};
use crate::safari::{Platform, Verb};

/// Any JSON, three levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        nasty_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{1,8}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Texts that are likely to hurt, and texts that are likely to pass.
fn nasty_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z@._'\"`$\\\\ \\n()-]{0,24}",
        "[a-zA-Z0-9._-]{1,20}",
        "https://(x\\.com|www\\.instagram\\.com|www\\.tiktok\\.com|threads\\.net|www\\.linkedin\\.com)[:/@a-z0-9?#&%'$`\\\\. -]{0,30}",
        "(\\{|\\[)[\"a-z:,{}]{0,20}",
    ]
}

fn any_params() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "username",
        "handle",
        "profileUrl",
        "text",
        "message",
        "postUrl",
        "url",
        "platform",
        "keyword",
        "maxPosts",
        "limit",
        "min_score",
        "force",
        "useAI",
    ]);
    let value = prop_oneof![3 => nasty_text().prop_map(Value::from), 1 => any_json()];
    let object = prop::collection::vec((names, value), 0..6).prop_map(|fields| {
        Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    });
    prop_oneof![4 => object.clone(), 1 => any_json(), 1 => object.prop_map(|object| Value::from(object.to_string()))]
}

fn any_action() -> impl Strategy<Value = String> {
    let ours = prop::sample::select(Verb::ALL.to_vec()).prop_map(|verb| verb.to_string());
    prop_oneof![9 => ours, 1 => any::<String>()]
}

fn any_platform() -> impl Strategy<Value = Option<String>> {
    let ours = prop::sample::select(Platform::ALL.to_vec()).prop_map(|platform| Some(platform.to_string()));
    prop_oneof![4 => ours, 1 => Just(None), 1 => any::<String>().prop_map(Some)]
}

fn assert_harmless(dispatchable: &Dispatchable) {
    let name = |text: &str| {
        assert!(
            !text.contains(['\'', '"', '`', '\\', '$']) && !text.contains(|c: char| c.is_whitespace() || c.is_control()),
            "{text:?}"
        )
    };
    let address = |text: &str, platform: Option<Platform>| {
        name(text);
        let url = url::Url::parse(text).expect("an address");
        assert!(
            url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && url.port().is_none(),
            "{text}"
        );
        let host = url.host_str().expect("a host");
        assert!(platform.is_none_or(|platform| platform.owns_host(host)), "{text}");
    };
    let words = |text: &str| {
        assert!(!text.contains(['`', '\\']) && !text.contains("$(") && !text.trim().is_empty(), "{text:?}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{text:?}");
    };
    match dispatchable.work() {
        Work::Dm(dm) => {
            words(&dm.text);
            match dm.platform {
                Platform::Linkedin => address(&dm.recipient, Some(dm.platform)),
                _ => {
                    name(&dm.recipient);
                    assert!(dm.recipient.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)), "{:?}", dm.recipient);
                }
            }
        }
        Work::Comment(comment) => {
            address(&comment.post_url, Some(comment.platform));
            comment.text.iter().for_each(|text| words(text));
        }
        Work::Research(research) => words(&research.keyword),
        Work::Navigation(navigation) => address(&navigation.url, navigation.platform),
        Work::Crm(crm) => assert!(crm.limit <= 1_000 && crm.min_score <= 100),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_makes_the_gate_panic_and_nothing_harmful_passes(action in any_action(), platform in any_platform(), params in any_params()) {
        if let Ok(dispatchable) = check(&row(&action, platform.as_deref(), params)) {
            assert_harmless(&dispatchable);
        }
    }

    #[test]
    fn any_name_and_text_either_pass_harmless_or_are_refused(name in nasty_text(), text in nasty_text(), platform in any_platform()) {
        let params = serde_json::json!({"username": name, "text": text});
        if let Ok(dispatchable) = check(&row("send_dm", platform.as_deref(), params)) {
            assert_harmless(&dispatchable);
        }
    }

    #[test]
    fn good_names_and_plain_texts_always_pass(name in "@?[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}", text in "[a-zA-Z ,.!?]{0,60}[a-zA-Z]") {
        let params = serde_json::json!({"username": name, "text": text});
        let passed = check(&row("send_dm", Some("instagram"), params));
        prop_assert!(passed.is_ok(), "{passed:?}");
    }

    #[test]
    fn what_passed_passes_again_unchanged(name in nasty_text(), text in nasty_text()) {
        if let Ok(first) = check(&row("send_dm", Some("linkedin"), serde_json::json!({"username": name, "text": text}))) {
            let Work::Dm(dm) = first.work() else { panic!("a message") };
            let again = check(&row("send_dm", Some("linkedin"), serde_json::json!({"profileUrl": dm.recipient, "text": dm.text})));
            let again = again.expect("what passed passes");
            prop_assert_eq!(again.work(), first.work());
        }
    }
}
