//! What the demo service computes: figures of a text.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Words a minute at which people read silently.
const READING_PACE: f64 = 238.0;

/// How many most frequent words are told.
const TOP: usize = 5;

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '\'').filter(|word| !word.is_empty())
}

fn sentence_count(text: &str) -> usize {
    text.split(['.', '!', '?', '…']).filter(|part| part.chars().any(char::is_alphanumeric)).count()
}

/// Words, characters and lines.
pub(super) fn word_count(text: &str) -> Value {
    json!({"words": words(text).count(), "characters": text.chars().count(), "lines": text.lines().count()})
}

/// The text as the end of a URL: lower-case words joined with dashes.
pub(super) fn slug(text: &str) -> Value {
    let lower = text.to_lowercase().replace('\'', "");
    json!({"slug": words(&lower).collect::<Vec<_>>().join("-")})
}

/// Lengths, variety, the most frequent words and the time it takes to read.
pub(super) fn statistics(text: &str) -> Value {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut total, mut letters) = (0_u32, 0_u32);
    for word in words(text) {
        *counts.entry(word.to_lowercase()).or_default() += 1;
        total = total.saturating_add(1);
        letters = letters.saturating_add(u32::try_from(word.chars().count()).unwrap_or(u32::MAX));
    }
    let distinct = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    let sentences = u32::try_from(sentence_count(text)).unwrap_or(u32::MAX);
    let mut frequent: Vec<(String, usize)> = counts.into_iter().collect();
    frequent.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    frequent.truncate(TOP);
    json!({
        "words": total,
        "sentences": sentences,
        "words_per_sentence": ratio(total, sentences),
        "letters_per_word": ratio(letters, total),
        "variety": ratio(distinct, total),
        "reading_seconds": (f64::from(total) / READING_PACE * 60.0).round(),
        "frequent": frequent.into_iter().map(|(word, count)| json!({"word": word, "count": count})).collect::<Vec<_>>(),
    })
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { (f64::from(part) / f64::from(whole) * 100.0).round() / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_any_alphabet() {
        assert_eq!(word_count("Guten Tag,\nschöne Welt!"), json!({"words": 4, "characters": 23, "lines": 2}));
        assert_eq!(word_count(""), json!({"words": 0, "characters": 0, "lines": 0}));
    }

    #[test]
    fn a_slug_is_safe_in_a_url() {
        assert_eq!(slug("  Don't panic: 10 Tips & Tricks! ")["slug"], "dont-panic-10-tips-tricks");
    }

    #[test]
    fn statistics_of_a_text_and_of_nothing() {
        let figures = statistics("Tea is good. Tea is hot!");
        assert_eq!((figures["words"].as_u64(), figures["sentences"].as_u64()), (Some(6), Some(2)));
        assert_eq!(figures["frequent"][0], json!({"word": "is", "count": 2}));
        assert_eq!(figures["variety"], 0.67);
        assert_eq!(statistics("")["words_per_sentence"], 0.0);
    }
}
