//! Our limits, by platform and action.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Map, Value};

use super::Limit;
use crate::safari::{LimitedAction, Platform};
use crate::{Error, ErrorKind, Result};

/// Our limits a day until somebody sets others: messages, comments.
const DEFAULTS: [(Platform, u32, u32); 6] = [
    (Platform::Instagram, 20, 50),
    (Platform::Twitter, 50, 100),
    (Platform::Tiktok, 30, 50),
    (Platform::Linkedin, 50, 20),
    (Platform::Threads, 0, 80),
    (Platform::Facebook, 0, 0),
];

/// Over all accounts together.
const COMBINED: Limit = Limit { per_hour: Some(30), per_day: Some(150) };
/// The name under which the limit over all accounts is set.
const ALL: &str = "all";

/// Our limits: `SAFARI_LIMITS`, merged over the defaults.
///
/// | platform | messages a day | comments a day |
/// |---|---|---|
/// | instagram | 20 | 50 |
/// | twitter | 50 | 100 |
/// | tiktok | 30 | 50 |
/// | linkedin | 50 | 20 |
/// | threads | 0 | 80 |
///
/// All accounts together send 30 an hour and 150 a day, set as `{"all": {"hour": 30, "day": 150}}`.
///
/// ```
/// use everreach_core::safari::limits::{Limit, LimitTable};
/// use everreach_core::safari::{LimitedAction, Platform};
/// let table: LimitTable = r#"{"instagram": {"dm": 5, "dm_hour": 2}}"#.parse()?;
/// assert_eq!(table.get(Platform::Instagram, LimitedAction::Dm), Limit { per_hour: Some(2), per_day: Some(5) });
/// assert_eq!(table.get(Platform::Instagram, LimitedAction::Comment), Limit::per_day(50));
/// let error = r#"{"instagram": {"dms": 5}}"#.parse::<LimitTable>().expect_err("a wrong name");
/// assert!(error.to_string().contains("instagram.dms"));
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitTable {
    each: BTreeMap<(Platform, LimitedAction), Limit>,
    combined: Limit,
}

impl Default for LimitTable {
    fn default() -> Self {
        let both = |(platform, dm, comment)| {
            [((platform, LimitedAction::Dm), Limit::per_day(dm)), ((platform, LimitedAction::Comment), Limit::per_day(comment))]
        };
        Self { each: DEFAULTS.into_iter().flat_map(both).collect(), combined: COMBINED }
    }
}

impl LimitTable {
    /// The limit of one action on one platform; what nobody set is 0.
    #[must_use]
    pub fn get(&self, platform: Platform, action: LimitedAction) -> Limit {
        self.each.get(&(platform, action)).copied().unwrap_or(Limit::per_day(0))
    }

    /// The limit of all accounts together: what each of them sends counts, messages and comments alike.
    ///
    /// ```
    /// use everreach_core::safari::limits::{Limit, LimitTable};
    /// assert_eq!(LimitTable::default().combined(), Limit { per_hour: Some(30), per_day: Some(150) });
    /// let table: LimitTable = r#"{"all": {"hour": 10}}"#.parse()?;
    /// assert_eq!(table.combined(), Limit { per_hour: Some(10), per_day: Some(150) });
    /// # Ok::<(), everreach_core::Error>(())
    /// ```
    #[must_use]
    pub const fn combined(&self) -> Limit {
        self.combined
    }

    /// Sets the limit of all accounts together.
    ///
    /// ```
    /// use everreach_core::safari::limits::{Limit, LimitTable};
    /// assert_eq!(LimitTable::default().with_combined(Limit::default()).combined(), Limit::default());
    /// ```
    #[must_use]
    pub const fn with_combined(mut self, limit: Limit) -> Self {
        self.combined = limit;
        self
    }

    /// The limit of each platform and action, in order.
    ///
    /// ```
    /// use everreach_core::safari::limits::LimitTable;
    /// assert_eq!(LimitTable::default().iter().count(), 12);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = (Platform, LimitedAction, Limit)> {
        self.each.iter().map(|((platform, action), limit)| (*platform, *action, *limit))
    }

    fn merge(&mut self, platform: Platform, fields: &Map<String, Value>) -> Result<()> {
        for (name, value) in fields {
            let key = format!("{platform}.{}", name.escape_debug());
            let (word, is_hourly) = name.strip_suffix("_hour").map_or((name.as_str(), false), |word| (word, true));
            let action: LimitedAction = word
                .parse()
                .map_err(|_| wrong("a limit is called dm, comment, dm_hour or comment_hour; correct its name", &key))?;
            let number = number(value, &key)?;
            let limit = self.each.entry((platform, action)).or_default();
            if is_hourly {
                limit.per_hour = Some(number);
            } else {
                limit.per_day = Some(number);
            }
        }
        Ok(())
    }

    fn merge_combined(&mut self, fields: &Map<String, Value>) -> Result<()> {
        for (name, value) in fields {
            let key = format!("{ALL}.{}", name.escape_debug());
            let limit = match name.as_str() {
                "hour" => &mut self.combined.per_hour,
                "day" => &mut self.combined.per_day,
                _ => return Err(wrong("the limit over all accounts is called hour or day; correct its name", &key)),
            };
            *limit = Some(number(value, &key)?);
        }
        Ok(())
    }
}

fn number(value: &Value, key: &str) -> Result<u32> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| wrong("a limit is a whole number from 0 on", key).with("seen", value))
}

fn wrong(message: &'static str, key: &str) -> Error {
    Error::new(ErrorKind::Config, message).with_operation("read the limits").with("setting", "SAFARI_LIMITS").with("key", key)
}

impl FromStr for LimitTable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let parsed: Value =
            serde_json::from_str(text).map_err(|source| wrong("the limits are not JSON", "(all of it)").with_source(source))?;
        let shape = "limits are an object of platforms, each with an object of numbers, as in {\"instagram\": {\"dm\": 10}}";
        let Value::Object(platforms) = parsed else { return Err(wrong(shape, "(all of it)")) };
        let mut table = Self::default();
        for (name, fields) in &platforms {
            let Value::Object(fields) = fields else {
                return Err(wrong(shape, &name.escape_debug().to_string()).with("seen", fields));
            };
            if name == ALL {
                table.merge_combined(fields)?;
                continue;
            }
            let platform = name.parse().map_err(|_| {
                let known = Platform::ALL.map(Platform::as_str).join(" ");
                wrong("there is no such platform", &name.escape_debug().to_string()).with("known", format!("{known} {ALL}"))
            })?;
            table.merge(platform, fields)?;
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_requirement() {
        let table = LimitTable::default();
        let of = |platform| LimitedAction::ALL.map(|action| table.get(platform, action).per_day.expect("a daily limit"));
        assert_eq!(of(Platform::Instagram), [20, 50]);
        assert_eq!(of(Platform::Twitter), [50, 100]);
        assert_eq!(of(Platform::Tiktok), [30, 50]);
        assert_eq!(of(Platform::Linkedin), [50, 20]);
        assert_eq!(of(Platform::Threads), [0, 80]);
        assert!(table.iter().all(|(_, _, limit)| limit.per_hour.is_none()), "hourly limits are the services' own");
    }

    #[test]
    fn an_empty_object_changes_nothing() {
        assert_eq!("{}".parse::<LimitTable>().expect("limits"), LimitTable::default());
        assert_eq!(r#"{"twitter": {}}"#.parse::<LimitTable>().expect("limits"), LimitTable::default());
    }

    #[test]
    fn mistakes_name_the_setting_and_the_key() {
        for (text, key) in [
            ("", "(all of it)"),
            ("[]", "(all of it)"),
            ("{\"instagram\": {\"dm\": 1}", "(all of it)"),
            (r#"{"instagrm": {"dm": 1}}"#, "instagrm"),
            (r#"{"instagram": 5}"#, "instagram"),
            (r#"{"instagram": {"dms": 5}}"#, "instagram.dms"),
            (r#"{"instagram": {"dm_day": 5}}"#, "instagram.dm_day"),
            (r#"{"instagram": {"dm": -1}}"#, "instagram.dm"),
            (r#"{"instagram": {"dm": 1.5}}"#, "instagram.dm"),
            (r#"{"instagram": {"dm": "5"}}"#, "instagram.dm"),
            (r#"{"instagram": {"dm": null}}"#, "instagram.dm"),
            (r#"{"twitter": {"comment_hour": 5000000000}}"#, "twitter.comment_hour"),
            (r#"{"all": {"dm": 5}}"#, "all.dm"),
            (r#"{"all": {"hour": "5"}}"#, "all.hour"),
            (r#"{"all": 5}"#, "all"),
        ] {
            let error = text.parse::<LimitTable>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::Config);
            let context: Vec<_> = error.context().collect();
            assert!(context.contains(&("setting", "SAFARI_LIMITS")) && context.contains(&("key", key)), "{text}: {error}");
        }
    }
}
