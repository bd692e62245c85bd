//! People who are never written to.

use std::collections::BTreeSet;
use std::str::FromStr;
use std::sync::Arc;

use crate::safari::{Contact, Platform};
use crate::{Error, ErrorKind, Result};

/// People who are never written to: own accounts, people who asked not to be, people who opted out.
///
/// One line each: `platform:name`, or the name alone for every platform. `#` begins a remark.
///
/// ```
/// use everreach_core::safari::decision::DenyList;
/// use everreach_core::safari::{Contact, Platform};
/// let mut list: DenyList = "# own accounts\n@me\ninstagram:Bob  # asked\n".parse()?;
/// assert!(list.denies(&Contact::new(Platform::Tiktok, "ME")));
/// assert!(list.denies(&Contact::new(Platform::Threads, "bob")), "the same account as on Instagram");
/// assert!(!list.denies(&Contact::new(Platform::Twitter, "bob")));
/// list.add(Contact::new(Platform::Twitter, "bob"));
/// assert!(list.denies(&Contact::new(Platform::Twitter, "@Bob")));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DenyList {
    // Shared: conditions are copied for each command that is looked at.
    people: Arc<BTreeSet<Contact>>,
    names: Arc<BTreeSet<String>>,
}

impl DenyList {
    /// Adds one person on one platform, as for an opt-out.
    pub fn add(&mut self, contact: Contact) {
        Arc::make_mut(&mut self.people).insert(contact);
    }

    /// Adds everybody of another list.
    ///
    /// ```
    /// use everreach_core::safari::decision::DenyList;
    /// let mut list: DenyList = "me".parse()?;
    /// list.extend(&"twitter:bob".parse()?);
    /// assert_eq!(list.iter().collect::<Vec<_>>(), ["twitter:bob", "me"]);
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    pub fn extend(&mut self, other: &Self) {
        merge(&mut self.people, &other.people);
        merge(&mut self.names, &other.names);
    }

    /// Its entries, as a file has them.
    pub fn iter(&self) -> impl Iterator<Item = String> {
        self.people.iter().map(ToString::to_string).chain(self.names.iter().cloned())
    }

    /// Whether this person is never written to.
    #[must_use]
    pub fn denies(&self, contact: &Contact) -> bool {
        self.people.contains(contact) || self.names.contains(contact.handle())
    }
}

fn merge<T: Ord + Clone>(own: &mut Arc<BTreeSet<T>>, others: &Arc<BTreeSet<T>>) {
    if own.is_empty() {
        *own = Arc::clone(others);
    } else if !others.is_empty() {
        Arc::make_mut(own).extend(others.iter().cloned());
    }
}

impl FromStr for DenyList {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (mut people, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (index, line) in text.lines().enumerate() {
            let entry = line.split('#').next().unwrap_or_default().trim();
            if entry.is_empty() {
                continue;
            }
            let wrong = |message: &'static str| {
                Error::new(ErrorKind::Config, message)
                    .with_operation("read the deny list")
                    .with("line", index + 1)
                    .with("seen", entry.escape_debug())
            };
            let (platform, name) = match entry.split_once(':') {
                Some((platform, name)) => {
                    let platform = platform.trim().parse::<Platform>();
                    (
                        Some(platform.map_err(|_| wrong("there is no such platform; write platform:name, or the name alone"))?),
                        name,
                    )
                }
                None => (None, entry),
            };
            let contact = Contact::new(platform.unwrap_or(Platform::Instagram), name);
            if contact.handle().is_empty() || contact.handle().contains(char::is_whitespace) {
                return Err(wrong("a line names one person: platform:name, or the name alone"));
            }
            match platform {
                Some(_) => people.insert(contact),
                None => names.insert(contact.handle().to_owned()),
            };
        }
        Ok(Self { people: Arc::new(people), names: Arc::new(names) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_line_is_named() {
        for (text, line) in [("a\n\nb c", "3"), ("myspace:bob", "1"), ("instagram:", "1"), ("ok\n@", "2")] {
            let error = text.parse::<DenyList>().expect_err(text);
            assert!(error.context().any(|(key, value)| key == "line" && value == line), "{text:?}: {error}");
        }
    }

    #[test]
    fn an_empty_list_denies_nobody() {
        assert!(!DenyList::default().denies(&Contact::new(Platform::Twitter, "")));
        assert_eq!("\n # nobody\n".parse::<DenyList>().expect("a list"), DenyList::default());
    }
}
