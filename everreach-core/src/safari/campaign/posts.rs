//! Posts of a target.

use crate::safari::wire::ResearchRow;
use crate::safari::{Contact, Platform};

/// What is searched for to find posts of somebody.
///
/// ```
/// use everreach_core::safari::{Platform, campaign::posts_keyword};
/// assert_eq!(posts_keyword(Platform::Twitter, "bob"), "from:bob");
/// assert_eq!(posts_keyword(Platform::Threads, "bob"), "bob");
/// ```
#[must_use]
pub fn posts_keyword(platform: Platform, handle: &str) -> String {
    match platform {
        Platform::Twitter => format!("from:{handle}"),
        _ => handle.to_owned(),
    }
}

/// The posts among those found that are the target's own: a search also finds posts about somebody. At most as many as are
/// wanted, in the order in which they were found.
///
/// ```
/// use everreach_core::safari::campaign::posts_by;
/// use everreach_core::safari::gate::{Work, check};
/// use everreach_core::safari::{Command, Contact, Platform, wire::research_rows};
/// use serde_json::json;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let search = check(&Command::research(Platform::Twitter, "from:bob", 20, now))?;
/// let Work::Research(search) = search.work() else { panic!("a search") };
/// let found = research_rows(search, &json!({"posts": [
///     {"author": "@Bob", "url": "https://x.com/bob/status/1"},
///     {"author": "eve", "url": "https://x.com/eve/status/2"}
/// ]}));
/// assert_eq!(posts_by(&found, &Contact::new(Platform::Twitter, "bob"), 3), ["https://x.com/bob/status/1"]);
/// # Ok::<(), everreach_core::safari::gate::Refusal>(())
/// ```
#[must_use]
pub fn posts_by(found: &[ResearchRow], target: &Contact, wanted: usize) -> Vec<String> {
    let own = found.iter().filter(|row| Contact::new(row.platform, &row.author) == *target);
    own.take(wanted).map(|row| row.post_url.clone()).collect()
}
