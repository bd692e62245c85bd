//! The command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::Result;

/// What a command is told.
pub(crate) struct Arguments {
    pub(crate) command: String,
    pub(crate) database: String,
    /// Where the stop switch looks.
    pub(crate) folder: PathBuf,
    pub(crate) count: u32,
    /// How many commands run at a time; the default of the crate when left out.
    pub(crate) parallel: Option<u32>,
    /// Whether commands carry an idempotency key.
    pub(crate) keyed: bool,
    /// The daily and hourly limit; as good as none when left out.
    pub(crate) limit: Option<u32>,
    /// Messages that wait in lanes whose limit is used up.
    pub(crate) exhausted: u32,
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let command = words.next().ok_or("the command is missing: see main.rs")?;
        let mut given = BTreeMap::new();
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} has no value"))?;
            given.insert(name, value);
        }
        let number = |name: &str| given.get(name).map(|value| value.parse::<u32>()).transpose();
        Ok(Self {
            command,
            database: given.get("--database").ok_or("--database is missing")?.clone(),
            folder: given.get("--folder").ok_or("--folder is missing")?.into(),
            count: number("--count")?.unwrap_or(0),
            parallel: number("--parallel")?,
            keyed: given.get("--keys").is_some_and(|word| word == "yes"),
            limit: number("--limit")?,
            exhausted: number("--exhausted")?.unwrap_or(0),
        })
    }
}
