use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::Timestamp;

fn keys(text: &str) -> SealingKeys {
    SealingKeys::parse(&text.into()).expect("keys")
}

fn key_of(byte: u8) -> String {
    BASE64.encode([byte; 32])
}

fn document() -> Document {
    Document {
        kind: StateKind::Pipeline,
        key: "deals/1".parse().expect("a key"),
        id: Id::new(),
        number: 7,
        base: None,
        node: "mac".to_owned(),
        side: Side::Local,
        payload: json!({"stage": "negotiation"}),
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn refusal(keys: &SealingKeys, sealed: &str, document: &Document) -> String {
    let error = keys.open(sealed, document).expect_err("it does not open");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let said = format!("{error} {error:?}");
    assert!(said.contains("deals/") || document.key.as_str() != "deals/1", "it names the row: {said}");
    assert!(!said.contains("negotiation"), "it shows no content: {said}");
    said
}

#[test]
fn what_was_sealed_opens_and_never_looks_the_same_twice() {
    let (keys, document) = (keys(&key_of(1)), document());
    let (first, second) = (keys.seal(&document).expect("sealed"), keys.seal(&document).expect("sealed"));
    assert_ne!(first, second);
    assert!(!first.contains("negotiation"));
    assert_eq!(keys.open(&first, &document).expect("it opens"), document.payload);
}

#[test]
fn a_payload_moved_to_another_row_version_or_sender_does_not_open() {
    let (keys, document) = (keys(&key_of(1)), document());
    let sealed = keys.seal(&document).expect("sealed");
    let moves: [fn(&mut Document); 6] = [
        |other| other.kind = StateKind::CrmStats,
        |other| other.key = "deals/2".parse().expect("a key"),
        |other| other.id = Id::new(),
        |other| other.number = 8,
        |other| other.node = "cloud".to_owned(),
        |other| other.side = Side::Cloud,
    ];
    for change in moves {
        let mut other = document.clone();
        change(&mut other);
        assert!(refusal(&keys, &sealed, &other).contains("another row"));
    }
}

#[test]
fn what_was_cut_or_sealed_with_another_key_is_refused_with_the_reason() {
    let (own, document) = (keys(&key_of(1)), document());
    let sealed = own.seal(&document).expect("sealed");
    let (name, body) = sealed.split_once(':').expect("a name");
    assert!(refusal(&own, name, &document).contains("name:base64"));
    assert!(refusal(&own, &format!("{name}:%%%"), &document).contains("base64"));
    assert!(refusal(&own, &format!("{name}:{}", &body[..16]), &document).contains("cut"));
    assert!(refusal(&own, &format!("{name}:{}", &body[..body.len() - 4]), &document).contains("changed"));
    assert!(refusal(&keys(&key_of(2)), &sealed, &document).contains("not in SYNC_ENCRYPTION_KEY"));
    let (one, other) = (keys(&format!("k1:{}", key_of(1))), keys(&format!("k1:{}", key_of(2))));
    assert!(refusal(&other, &one.seal(&document).expect("sealed"), &document).contains("of this name differs"));
}

#[test]
fn a_key_is_replaced_without_a_moment_in_which_nothing_opens() {
    let document = document();
    let (old, new) = (format!("k0:{}", key_of(1)), format!("k1:{}", key_of(2)));
    let steps = [old.clone(), format!("{old},{new}"), format!("{new}, {old}"), new];
    for pair in steps.windows(2) {
        let (before, after) = (keys(&pair[0]), keys(&pair[1]));
        for (sealing, opening) in [(&before, &after), (&after, &before)] {
            let sealed = sealing.seal(&document).expect("sealed");
            assert!(opening.open(&sealed, &document).is_ok(), "{pair:?} {sealing:?} {opening:?}");
        }
    }
}

#[test]
fn a_key_that_is_none_is_refused_without_being_shown() {
    let short = BASE64.encode([7_u8; 31]);
    let two = format!("{},{}", key_of(1), key_of(1));
    for text in ["", "hunter2", short.as_str(), "a name:hunter2", two.as_str(), &format!("k1:{},", key_of(1))] {
        let error = SealingKeys::parse(&text.into()).expect_err("no key");
        assert_eq!(error.kind(), ErrorKind::Config);
        let said = format!("{error} {error:?}");
        assert!(said.contains("SYNC_ENCRYPTION_KEY") && !said.contains("hunter2") && !said.contains(&short), "{said}");
    }
    let unpadded = key_of(1).trim_end_matches('=').to_owned();
    assert_eq!(keys(&unpadded).names().next(), keys(&key_of(1)).names().next());
}

proptest! {
    #[test]
    fn one_changed_byte_anywhere_is_noticed(place in 0_usize..1_000, bit in 0_u8..8, text in ".{0,40}") {
        let (keys, mut document) = (keys(&key_of(3)), document());
        document.payload = json!({ "text": text });
        let sealed = keys.seal(&document).expect("sealed");
        prop_assert_eq!(keys.open(&sealed, &document).expect("it opens"), document.payload.clone());
        let (name, body) = sealed.split_once(':').expect("a name");
        let mut bytes = BASE64.decode(body).expect("base64");
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        let changed = format!("{name}:{}", BASE64.encode(bytes));
        prop_assert!(keys.open(&changed, &document).is_err());
    }
}
