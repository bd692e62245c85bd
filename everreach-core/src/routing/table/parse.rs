//! Reading a route table's text: which sections it has, which rows, and what each field of a row says.

use std::time::Duration;

use super::json::{Member, Source};
use crate::routing::{ActionClass, Dedupe, Preference, Route};
use crate::{ActionName, Effect, MicroUsd, Result, Side};

const VERSION: u64 = 1;
const LONGEST_TTL_S: u64 = 3_600;
const LONGEST_TIMEOUT_MS: u64 = 3_600_000;

const SECTIONS: [&str; 3] = ["version", "aliases", "routes"];
const PREFIX_FIELDS: [&str; 3] = ["preferred_env", "fallback_env", "class"];
const FIELDS: [&str; 12] = [
    "preferred_env",
    "fallback_env",
    "class",
    "effect",
    "essential",
    "cost_usd",
    "cache_ttl_s",
    "timeout_ms",
    "approval",
    "dedupe",
    "requires",
    "description",
];

const PREFERENCES: [(&str, Preference); 3] =
    [("cloud", Preference::Cloud), ("local", Preference::Local), ("auto", Preference::Auto)];
const SIDES: [(&str, Side); 2] = [("cloud", Side::Cloud), ("local", Side::Local)];
const CLASSES: [(&str, ActionClass); 2] = [("compute", ActionClass::Compute), ("api", ActionClass::Api)];
const EFFECTS: [(&str, Effect); 5] = [
    ("read", Effect::Read),
    ("compute", Effect::Compute),
    ("write", Effect::Write),
    ("outward", Effect::Outward),
    ("process", Effect::Process),
];
const DEDUPES: [(&str, Dedupe); 2] = [("none", Dedupe::None), ("content_day", Dedupe::ContentDay)];

/// What one file states, in its own order.
pub(super) struct TableFile<'a> {
    pub(super) aliases: Vec<Member<'a>>,
    pub(super) routes: Vec<Row<'a>>,
}

/// One row of a file.
pub(super) struct Row<'a> {
    /// Its name and value as they stand in the file.
    pub(super) member: Member<'a>,
    /// What it speaks of.
    pub(super) pattern: Pattern,
    fields: Vec<Member<'a>>,
}

/// What a row speaks of.
pub(super) enum Pattern {
    /// `service.topic`
    Exact(ActionName),
    /// `service.*`
    Service(String),
    /// `*`
    Everything,
}

/// What the rows `service.*` and `*` say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) preferred_env: Preference,
    pub(super) fallback_env: Option<Side>,
    pub(super) class: ActionClass,
}

impl<'a> TableFile<'a> {
    /// Reads `{"version", "aliases", "routes"}`, or the older form in which the rows stand at the top.
    pub(super) fn read(source: &Source<'a>) -> Result<Self> {
        let mut file = Self { aliases: Vec::new(), routes: Vec::new() };
        let members = source.members()?;
        let is_flat = members.iter().all(|member| member.name != "routes");
        for member in members {
            match member.name.as_str() {
                "version" => check_version(source, &member)?,
                "aliases" => file.aliases = source.members_of(member.text(), "aliases", "aliases are an object: name to name")?,
                "routes" => {
                    for row in source.members_of(member.text(), "routes", "routes are an object: action to row")? {
                        file.routes.push(Row::read(source, row)?);
                    }
                }
                name if is_row_name(name) && is_flat => file.routes.push(Row::read(source, member)?),
                name if is_row_name(name) => {
                    return Err(member.error(source, "", "this file has `routes`; move the row into it"));
                }
                _ => return Err(member.unknown_field(source, "", &SECTIONS)),
            }
        }
        Ok(file)
    }
}

impl<'a> Row<'a> {
    fn read(source: &Source<'a>, member: Member<'a>) -> Result<Self> {
        let pattern = match (member.name.as_str(), member.name.strip_suffix(".*")) {
            ("*", _) => Pattern::Everything,
            (_, Some(service)) if ActionName::new(service, "topic").is_ok() => Pattern::Service(service.to_owned()),
            (name, _) => Pattern::Exact(name.parse().map_err(|error| {
                let message = "a row's name is `service.topic`, `service.*` or `*`, in lower_snake_case";
                member.error(source, "", message).with_source(error)
            })?),
        };
        let fields = source.members_of(member.text(), &member.name, "a row is an object of fields")?;
        Ok(Self { member, pattern, fields })
    }

    /// Lays the row's fields over what is known of the action.
    pub(super) fn apply(&self, source: &Source<'_>, route: &mut Route) -> Result<()> {
        let row = self.member.name.as_str();
        let mut stated_ttl = None;
        for field in &self.fields {
            match field.name.as_str() {
                "preferred_env" => route.preferred_env = field.word(source, row, &PREFERENCES)?,
                "fallback_env" => route.fallback_env = side(source, row, field, &SIDES)?,
                "class" => route.class = field.word(source, row, &CLASSES)?,
                "effect" => route.effect = field.word(source, row, &EFFECTS)?,
                "essential" => route.essential = field.value(source, row, "essential is true or false")?,
                "cost_usd" => route.cost_usd = price(source, row, field)?,
                "cache_ttl_s" => {
                    route.cache_ttl = Duration::from_secs(cache_ttl_s(source, row, field)?);
                    stated_ttl = Some(field);
                }
                "timeout_ms" => route.timeout = timeout(source, row, field)?,
                "approval" => route.approval = field.value(source, row, "approval is true or false")?,
                "dedupe" => route.dedupe = field.word(source, row, &DEDUPES)?,
                // Nothing is out of the Mac's reach that the cloud can do.
                "requires" => route.requires = side(source, row, field, &[("local", Side::Local)])?,
                "description" => route.description = field.value(source, row, "a description is text")?,
                _ => return Err(field.unknown_field(source, row, &FIELDS)),
            }
        }
        if route.effect != Effect::Read && !route.cache_ttl.is_zero() {
            if let Some(field) = stated_ttl {
                let message = "only reads may be answered from the cache; set cache_ttl_s to 0";
                return Err(field.wrong_value(source, row, message).with("effect", route.effect));
            }
            route.cache_ttl = Duration::ZERO;
        }
        Ok(())
    }

    /// Lays a `service.*` or `*` row over what such rows said before.
    pub(super) fn apply_to_prefix(&self, source: &Source<'_>, prefix: &mut Prefix) -> Result<()> {
        let row = self.member.name.as_str();
        for field in &self.fields {
            match field.name.as_str() {
                "preferred_env" => prefix.preferred_env = field.word(source, row, &PREFERENCES)?,
                "fallback_env" => prefix.fallback_env = side(source, row, field, &SIDES)?,
                "class" => prefix.class = field.word(source, row, &CLASSES)?,
                name if FIELDS.contains(&name) => {
                    let message = "a row for many actions cannot state this; give each action its own row for it";
                    return Err(field.error(source, row, message).with("allowed", PREFIX_FIELDS.join(" ")));
                }
                _ => return Err(field.unknown_field(source, row, &PREFIX_FIELDS)),
            }
        }
        Ok(())
    }
}

fn is_row_name(name: &str) -> bool {
    name == "*" || name.contains('.')
}

fn check_version(source: &Source<'_>, member: &Member<'_>) -> Result<()> {
    let message = "this program reads route tables of version 1";
    let version: u64 = member.value(source, "", message)?;
    if version == VERSION { Ok(()) } else { Err(member.wrong_value(source, "", message)) }
}

fn side(source: &Source<'_>, row: &str, field: &Member<'_>, sides: &[(&str, Side)]) -> Result<Option<Side>> {
    if field.is_null() { Ok(None) } else { field.word(source, row, sides).map(Some) }
}

/// The price from its own digits, so that no floating point comes between; `null` is "nobody stated it".
fn price(source: &Source<'_>, row: &str, field: &Member<'_>) -> Result<Option<MicroUsd>> {
    if field.is_null() {
        return Ok(None);
    }
    let expected = "a price is a decimal number of dollars, 0 or more, or null where it is unknown";
    let quoted: Option<String> = serde_json::from_str(field.text()).ok();
    match quoted.as_deref().unwrap_or_else(|| field.text()).parse::<MicroUsd>() {
        Ok(price) if !price.is_negative() => Ok(Some(price)),
        Ok(_) => Err(field.wrong_value(source, row, "a price cannot be less than 0")),
        Err(error) => Err(field.wrong_value(source, row, expected).with_source(error)),
    }
}

fn cache_ttl_s(source: &Source<'_>, row: &str, field: &Member<'_>) -> Result<u64> {
    let expected = "cache_ttl_s is a whole number of seconds from 0 to 3600";
    let seconds = field.value(source, row, expected)?;
    if seconds <= LONGEST_TTL_S { Ok(seconds) } else { Err(field.wrong_value(source, row, expected)) }
}

fn timeout(source: &Source<'_>, row: &str, field: &Member<'_>) -> Result<Option<Duration>> {
    if field.is_null() {
        return Ok(None);
    }
    let expected = "timeout_ms is a whole number of milliseconds from 1 to 3600000, or null";
    let millis = field.value(source, row, expected)?;
    if (1..=LONGEST_TIMEOUT_MS).contains(&millis) {
        Ok(Some(Duration::from_millis(millis)))
    } else {
        Err(field.wrong_value(source, row, expected))
    }
}

impl Default for Prefix {
    /// What a name without any row has.
    fn default() -> Self {
        Self { preferred_env: Preference::Local, fallback_env: None, class: ActionClass::Compute }
    }
}
