//! What somebody may have meant: the nearest spellings.

use std::collections::BTreeSet;

use crate::ActionName;

const SHOWN: usize = 3;
/// Two whole names this alike are likely one name and a slip. Long names of unrelated actions reach about 0.6.
const LIKE_NAME: f64 = 0.65;
/// Inside one service the topics decide, and less likeness is enough.
const LIKE_TOPIC: f64 = 0.55;
/// What a topic counts that shortens another, as `gen` does `generate`, `msg` `message` and `contacts` `list_contacts`.
const SHORTENED_TOPIC: f64 = 0.7;
const SHORTEST: usize = 3;
/// Puts the asked service's own topics first.
const SAME_SERVICE: f64 = 0.2;
const LIKE_WORD: f64 = 0.5;

/// Up to three of the names, the likeliest first.
pub(super) fn names<'a>(asked: &ActionName, known: impl Iterator<Item = &'a ActionName>) -> Vec<String> {
    let known: BTreeSet<&ActionName> = known.filter(|name| *name != asked).collect();
    let mut found: Vec<(f64, &ActionName)> =
        known.into_iter().filter_map(|name| likeness(asked, name).map(|likeness| (likeness, name))).collect();
    found.sort_by(|(left, left_name), (right, right_name)| right.total_cmp(left).then_with(|| left_name.cmp(right_name)));
    found.into_iter().take(SHOWN).map(|(_, name)| name.to_string()).collect()
}

/// The word that this is a misspelling of.
pub(super) fn word<'a>(seen: &str, words: &[&'a str]) -> Option<&'a str> {
    let seen = seen.to_lowercase();
    let like = |word: &str| strsim::normalized_damerau_levenshtein(&seen, word);
    let best = words.iter().copied().max_by(|left, right| like(left).total_cmp(&like(right)))?;
    (like(best) >= LIKE_WORD).then_some(best)
}

fn likeness(asked: &ActionName, known: &ActionName) -> Option<f64> {
    let whole = strsim::normalized_damerau_levenshtein(asked.as_str(), known.as_str());
    if asked.service() != known.service() {
        return (whole >= LIKE_NAME).then_some(whole);
    }
    let (left, right) = (asked.topic(), known.topic());
    let shortened = if shortens(left, right) || shortens(right, left) { SHORTENED_TOPIC } else { 0.0 };
    let topic = strsim::normalized_damerau_levenshtein(left, right).max(shortened);
    (topic >= LIKE_TOPIC).then_some(topic + SAME_SERVICE)
}

/// Whether the short word is the end of the long one, or has the same first letter and leaves letters out.
fn shortens(short: &str, long: &str) -> bool {
    if short.len() < SHORTEST || long.ends_with(short) {
        return short.len() >= SHORTEST;
    }
    let mut letters = long.bytes();
    short.as_bytes().first() == long.as_bytes().first() && short.bytes().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest(asked: &str, known: &[&str]) -> Vec<String> {
        let known: Vec<ActionName> = known.iter().map(|name| name.parse().expect("a name")).collect();
        names(&asked.parse().expect("a name"), known.iter())
    }

    #[test]
    fn slips_in_either_word_are_recognized_and_the_same_service_comes_first() {
        assert_eq!(nearest("dm.sned", &["dm.send", "dm.stats", "email.send"]), ["dm.send"]);
        assert_eq!(nearest("dn.send", &["dm.send", "crm.stats"]), ["dm.send"]);
        assert_eq!(nearest("email.sends", &["mail.sends", "email.send"]), ["email.send", "mail.sends"]);
    }

    #[test]
    fn a_shortened_topic_finds_the_long_one() {
        assert_eq!(nearest("twitter.gen", &["twitter.generate", "twitter.metrics"]), ["twitter.generate"]);
        assert_eq!(nearest("linkedin.msg", &["linkedin.message", "linkedin.ai_message"]), ["linkedin.message"]);
        assert_eq!(nearest("crm.contacts", &["crm.list_contacts", "crm.stats"]), ["crm.list_contacts"]);
    }

    #[test]
    fn unrelated_names_are_not_offered_and_three_are_enough() {
        assert!(nearest("linkedin.foo", &["linkedin.stats", "upwork.scan"]).is_empty());
        assert_eq!(nearest("a.topics", &["a.topic1", "a.topic2", "a.topic3", "a.topic4"]).len(), 3);
    }

    #[test]
    fn a_word_is_offered_only_when_it_is_close() {
        assert_eq!(word("Clod", &["cloud", "local"]), Some("cloud"));
        assert_eq!(word("moon", &["cloud", "auto"]), None);
    }
}
