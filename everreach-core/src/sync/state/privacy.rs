//! What never leaves a side, whatever kind it is put into: client data, prospects' embeddings, people's addresses and numbers.

use serde_json::Value;

use crate::{Error, ErrorKind, Result};

/// The most bytes that a payload has, as JSON.
pub const MAX_PAYLOAD: usize = 64 * 1024;
/// How deep a payload may be nested.
const MAX_DEPTH: usize = 32;
/// So many numbers in a row are an embedding, whatever their field is called.
const MAX_NUMBERS: usize = 127;

/// A word in a field's name that keeps the payload here.
struct Forbidden {
    word: &'static str,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It is the name's first word: `client`, `client_email`, `clientNotes`.
    First,
    /// It is any of the name's words: `vector`, `contact_vector`.
    Any,
    /// It stands anywhere in the name.
    Within,
}

const FORBIDDEN: [Forbidden; 5] = [
    Forbidden { word: "client", place: Place::First },
    Forbidden { word: "clients", place: Place::First },
    Forbidden { word: "embedding", place: Place::Within },
    Forbidden { word: "vector", place: Place::Any },
    Forbidden { word: "vectors", place: Place::Any },
];

/// Words in a field's name that make a row of digits a telephone number.
const NUMBERS: [&str; 6] = ["phone", "telephone", "tel", "mobile", "whatsapp", "sms"];

/// Whether a payload may leave. Asked when it is recorded, again when it is sent, and by whoever receives it.
///
/// ```
/// use everreach_core::sync::state::may_leave;
/// assert!(may_leave(&serde_json::json!({"replies": 4})).is_ok());
/// let error = may_leave(&serde_json::json!({"top": [{"client_email": "jane@client.example"}]})).expect_err("client data");
/// assert!(error.to_string().contains("/top/0/client_email") && !error.to_string().contains("jane"));
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidInput`] naming the place, never the content.
pub fn may_leave(payload: &Value) -> Result<()> {
    look(payload, &mut Vec::new())?;
    let length = payload.to_string().len();
    if length > MAX_PAYLOAD {
        return Err(refusal("a payload of shared state is too large: split it over several keys")
            .with("bytes", length)
            .with("at most", MAX_PAYLOAD));
    }
    Ok(())
}

fn refusal(sentence: &'static str) -> Error {
    Error::new(ErrorKind::InvalidInput, sentence).with_operation("check shared state")
}

fn look(value: &Value, path: &mut Vec<String>) -> Result<()> {
    if path.len() > MAX_DEPTH {
        return Err(refusal("a payload of shared state is nested too deeply").with("at most", MAX_DEPTH));
    }
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, inner)| {
            if is_email(name) || is_phone(name, Numbers::Marked) {
                return Err(reaches_somebody(path));
            }
            path.push(name.clone());
            let numbers =
                if words(name).iter().any(|word| NUMBERS.contains(&word.as_str())) { Numbers::Any } else { Numbers::Marked };
            if inner.as_str().is_some_and(|text| is_phone(text, numbers)) {
                return Err(reaches_somebody(path));
            }
            if is_forbidden(name) {
                return Err(refusal("client data and embeddings never leave: take the field out").with("field", pointer(path)));
            }
            look(inner, path)?;
            path.pop();
            Ok(())
        }),
        Value::Array(items) => {
            if items.iter().filter(|item| item.is_number()).count() > MAX_NUMBERS {
                return Err(refusal("so many numbers in a row are an embedding, which never leaves: take the field out")
                    .with("field", pointer(path))
                    .with("at most", MAX_NUMBERS));
            }
            items.iter().enumerate().try_for_each(|(index, inner)| {
                path.push(index.to_string());
                look(inner, path)?;
                path.pop();
                Ok(())
            })
        }
        Value::String(text) if is_email(text) || is_phone(text, Numbers::Marked) => Err(reaches_somebody(path)),
        _ => Ok(()),
    }
}

fn reaches_somebody(path: &[String]) -> Error {
    refusal("an e-mail address or a telephone number of somebody never leaves: take the field out").with("field", pointer(path))
}

/// Whether a text is an e-mail address, alone or after a name: `jane@client.example`, `Jane <jane@client.example>`. One in the middle of
/// a sentence is content.
fn is_email(text: &str) -> bool {
    let text = text.trim();
    let text = text.rsplit_once('<').map_or(text, |(_, last)| last.trim_end_matches('>'));
    let Some((name, host)) = text.split_once('@') else { return false };
    let is_plain = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "@/<>".contains(c));
    let is_domain = host.rsplit_once('.').is_some_and(|(_, top)| top.len() > 1 && top.chars().all(char::is_alphabetic));
    is_plain(name) && is_plain(host) && is_domain
}

/// Which rows of digits are telephone numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// Those that are written as one: `+49 170 1234567`, `(555) 010-9999`.
    Marked,
    /// All: the field is called so.
    Any,
}

fn is_phone(text: &str, numbers: Numbers) -> bool {
    let text = text.trim();
    let is_written_so = text.starts_with(['+', '(']);
    (numbers == Numbers::Any || is_written_so)
        && text.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c))
        && (7..=15).contains(&text.chars().filter(char::is_ascii_digit).count())
}

fn pointer(path: &[String]) -> String {
    path.iter().map(|part| format!("/{part}")).collect()
}

fn is_forbidden(name: &str) -> bool {
    let words = words(name);
    FORBIDDEN.iter().any(|Forbidden { word, place }| match place {
        Place::First => words.first().is_some_and(|first| first == word),
        Place::Any => words.iter().any(|any| any == word),
        Place::Within => words.concat().contains(word),
    })
}

/// The words of a name in snake, kebab or camel case, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_small) {
            words.push(String::new());
        }
        if c.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_numeric();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_with_client_data_or_embeddings_are_found_however_they_are_spelled_and_however_deep() {
        for name in [
            "embedding",
            "Embeddings",
            "prospect_embedding",
            "prospectEmbedding",
            "text-embedding-3",
            "PROSPECTEmbedding",
            "vector",
            "client",
            "clients",
            "client_email",
            "clientEmail",
            "Client-Notes",
            "CLIENT_ID",
            "_client_name",
        ] {
            let error = may_leave(&json!({"a": [{"b": {name: "secret words"}}]})).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.to_string().contains(&format!("/a/0/b/{name}")), "{error}");
            assert!(!format!("{error:?}").contains("secret words"));
        }
        for name in ["replies", "http_client", "vectorised", "stage", "clientele", "embed_url"] {
            may_leave(&json!({ name: 1 })).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn addresses_and_numbers_of_people_are_found_under_any_name() {
        for private in [
            json!({"customers": [{"email": "jane@client.example"}]}),
            json!({"customers": [{"phone": "0170 1234567"}]}),
            json!({"customers": [{"mobilePhone": "555-010-9999"}]}),
            json!(["Jane <jane@client.example>"]),
            json!({"who": " jane.doe+x@mail.client.example "}),
            json!({"who": "+49 170 1234567"}),
            json!({"jane@client.example": 3}),
            json!({"+491701234567": 3}),
            json!("(555) 010-9999"),
        ] {
            let error = may_leave(&private).expect_err("it reaches somebody");
            let said = format!("{error:?} {error}");
            assert!(!said.contains("jane") && !said.contains("170") && !said.contains("010"), "{said}");
        }
        for harmless in [
            json!({"emails_sent": 4, "email_rate": 0.5, "phone": 3, "sms": "off"}),
            json!({"text": "Write to hello@brand.example, or call +49 170 1234567."}),
            json!({"handle": "@ada", "at": "2026-11-20", "id": "20261120120000", "range": "7-14", "change": "+12"}),
            json!({"url": "https://medium.example/@ada/post", "version": "tool@1.2.3", "time": "2026-11-20T12:00:00+00:00"}),
        ] {
            may_leave(&harmless).unwrap_or_else(|error| panic!("{harmless}: {error}"));
        }
    }

    #[test]
    fn a_long_row_of_numbers_is_an_embedding_under_any_name() {
        may_leave(&json!({"daily": vec![0.5; MAX_NUMBERS]})).expect("a few months of a statistic");
        may_leave(&json!({"e": vec![0.5; MAX_NUMBERS + 1]})).expect_err("an embedding");
    }

    #[test]
    fn what_is_too_large_or_too_deep_is_refused() {
        let error = may_leave(&json!({"text": "x".repeat(MAX_PAYLOAD)})).expect_err("too large");
        assert!(error.to_string().contains("too large"), "{error}");
        let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
        assert!(may_leave(&deep).expect_err("too deep").to_string().contains("deeply"));
    }

    proptest! {
        #[test]
        fn a_forbidden_word_is_found_between_any_others(before in "[a-z]{1,8}", after in "[a-z]{1,8}", separator in "[_. -]") {
            let name = format!("{before}{separator}vector{separator}{after}");
            prop_assert!(is_forbidden(&name));
        }
    }
}
