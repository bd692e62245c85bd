//! The table itself: cheap lookup over the rules.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use sha2::{Digest, Sha256};

use super::nearest;
use super::overlay::Rules;
use crate::routing::{Classification, Classifier, Route, RouteMatch};
use crate::{ActionName, Error, ErrorKind, Result};

const BUILTIN: &str = include_str!("route_table.json");
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

static BUILTIN_TABLE: LazyLock<RouteTable> = LazyLock::new(|| {
    let rules = Rules::empty().overlay(BUILTIN, "the built-in route table").unwrap_or_else(|error| {
        // A test reads the same text, so this cannot be reached; without rows every action is outward and unpriced.
        tracing::error!(%error, "the built-in route table is unreadable");
        Rules::empty()
    });
    RouteTable::new(rules, digest(&[BUILTIN]))
});

/// What is known about every action: one exact row each, aliases, and rows `service.*` and `*` for the names nobody listed.
///
/// ```
/// use everreach_core::routing::{Preference, RouteTable};
/// use everreach_core::Effect;
///
/// let table = RouteTable::parse(r#"{"dm.send": {"preferred_env": "local"}}"#, "example")?;
/// let route = table.resolve(&"dm.send".parse()?);
/// assert_eq!((route.preferred_env, route.effect), (Preference::Local, Effect::Outward));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RouteTable {
    version: u64,
    digest: String,
    rules: Rules,
    /// Every spelling with a row of its own, aliases included.
    known: HashMap<ActionName, Arc<Route>>,
}

impl RouteTable {
    /// The table that comes with this program.
    #[must_use]
    pub fn builtin() -> Self {
        BUILTIN_TABLE.clone()
    }

    /// A file's text laid over the built-in table, field by field; `origin` names the file in errors.
    ///
    /// The text is `{"version": 1, "aliases": {…}, "routes": {…}}`, or the older form with the rows at the top. A row keeps
    /// the fields it does not state. A row for an action that the built-in table does not have starts as what the name had
    /// without it: outward, not essential, without a price.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for the first mistake, with its `origin`, `line` and `key`.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let rules = BUILTIN_TABLE.rules.clone().overlay(text, origin)?;
        Ok(Self::new(rules, digest(&[BUILTIN, text])))
    }

    /// The same from a file. Blocks while reading.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when the file cannot be read, is not UTF-8, is larger than 4 MiB, or as for [`RouteTable::parse`].
    pub fn load(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let unreadable = |message: &'static str| {
            Error::new(ErrorKind::Config, message).with_operation("read route table").with("origin", &origin)
        };
        let text = read(path).map_err(|error| {
            let reason = error.to_string();
            unreadable("the route table cannot be read").with("reason", reason).with_source(error)
        })?;
        let text = text.ok_or_else(|| unreadable("a route table is a file of at most 4 MiB"))?;
        let text = String::from_utf8(text).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            unreadable("the route table is not UTF-8").with("line", line).with_source(error)
        })?;
        Self::parse(&text, &origin)
    }

    fn new(rules: Rules, digest: String) -> Self {
        let mut known: HashMap<ActionName, Arc<Route>> =
            rules.routes.iter().map(|(name, route)| (name.clone(), Arc::clone(route))).collect();
        for alias in rules.aliases.keys() {
            if let Some(route) = rules.end_of_aliases(alias).and_then(|end| rules.routes.get(end)) {
                known.insert(alias.clone(), Arc::clone(route));
            }
        }
        Self { version: 1, digest, rules, known }
    }

    pub(super) fn with_version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// What is known about the action, aliases resolved. Every name has a route.
    #[must_use]
    pub fn resolve(&self, action: &ActionName) -> Arc<Route> {
        self.known.get(action).map_or_else(|| Arc::new(self.rules.without_row(action)), Arc::clone)
    }

    /// The name that an alias stands for; any other name as it is.
    ///
    /// ```
    /// use everreach_core::routing::RouteTable;
    /// let table = RouteTable::builtin();
    /// assert_eq!(table.canonical(&"content.gen".parse()?).as_str(), "content.generate");
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub fn canonical(&self, action: &ActionName) -> ActionName {
        self.known.get(action).map_or(action, |route| &route.action).clone()
    }

    /// Up to three names that somebody may have meant, likeliest first, out of the rows and `extra`.
    ///
    /// ```
    /// use everreach_core::routing::RouteTable;
    /// assert_eq!(RouteTable::builtin().nearest(&"dm.sned".parse()?, &[]), ["dm.send"]);
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub fn nearest(&self, action: &ActionName, extra: &[ActionName]) -> Vec<String> {
        nearest::names(action, self.rules.routes.keys().chain(extra))
    }

    /// The exact rows, sorted by name.
    pub fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.rules.routes.values()
    }

    /// Which table this is since the process started: 1, and one more for each that replaced it.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// SHA-256 of the texts the table was read from, in hexadecimal: equal on two machines with equal tables.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The actions whose exact rows are new, gone or different.
    pub(super) fn changed_since<'a>(&'a self, before: &'a Self) -> Vec<&'a str> {
        let (old, new) = (&before.rules.routes, &self.rules.routes);
        let changed = new.iter().filter(|(name, route)| old.get(*name) != Some(*route)).map(|(name, _)| name.as_str());
        let gone = old.keys().filter(|name| !new.contains_key(*name)).map(ActionName::as_str);
        changed.chain(gone).collect()
    }
}

impl Classifier for RouteTable {
    fn classify(&self, action: &ActionName) -> Classification {
        let route = self.resolve(action);
        let reason = match route.matched {
            RouteMatch::Exact => format!("row {}", route.action),
            RouteMatch::Prefix if self.rules.prefixes.contains_key(action.service()) => format!("row {}.*", action.service()),
            RouteMatch::Prefix => "row *".to_owned(),
            RouteMatch::Default => "no row speaks of it".to_owned(),
        };
        Classification::new(route.class, reason)
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteTable")
            .field("version", &self.version)
            .field("digest", &self.digest)
            .field("routes", &self.rules.routes.len())
            .finish_non_exhaustive()
    }
}

/// The file's bytes; `None` for what is no file or too large, so that a pipe or a device is never read.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let length = std::fs::File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(u64::try_from(length).is_ok_and(|length| length <= LARGEST_FILE).then_some(bytes))
}

fn digest(texts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for text in texts {
        sha.update(text.as_bytes());
        // A byte that UTF-8 cannot contain, so that texts cannot run into each other.
        sha.update([0xff]);
    }
    hex::encode(sha.finalize())
}
