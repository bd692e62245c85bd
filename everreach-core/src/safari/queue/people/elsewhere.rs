//! Messages that other programs sent, as far as they say so.

use super::store;
use crate::safari::Contact;
use crate::safari::queue::row::Moment;
use crate::store::Db;
use crate::{Result, Timestamp};

/// Where other programs keep what they sent: statements that fit the tables that are there.
#[derive(Debug, Clone, Default)]
pub(in crate::safari::queue) struct Elsewhere {
    pub(super) statements: Vec<String>,
}

/// The columns of a table, by name; empty when it does not exist.
pub(super) struct Columns(pub(super) Vec<String>);

impl Columns {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|column| column == name)
    }

    fn first<'a>(&self, names: &[&'a str]) -> Option<&'a str> {
        names.iter().copied().find(|name| self.has(name))
    }

    /// The first of these that is filled, as text.
    fn filled(&self, names: &[&str]) -> Option<String> {
        let present: Vec<_> =
            names.iter().filter(|name| self.has(name)).map(|name| format!("CAST(sent.{name} AS TEXT)")).collect();
        match present.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            many => Some(format!("COALESCE({})", many.join(", "))),
        }
    }
}

/// Looks which tables and columns there are. The shapes of the messages' table differ, and both ways of marking what was
/// outbound are read.
pub(in crate::safari::queue) async fn discover(db: &mut Db<'_>) -> Result<Elsewhere> {
    let contacts = store::columns(db, "crm_contacts").await?;
    let mut statements = Vec::new();
    for table in ["crm_messages", "dm_sent"] {
        let columns = store::columns(db, table).await?;
        statements.extend(statement(table, &columns, &contacts));
    }
    Ok(Elsewhere { statements })
}

/// The times of the newest messages to somebody; nothing when the table cannot tell.
fn statement(table: &str, sent: &Columns, contacts: &Columns) -> Option<String> {
    let time = sent.filled(&["sent_at", "created_at", "timestamp_str"])?;
    let direct = sent.first(&["username", "handle", "recipient", "target"]);
    let through = (sent.has("contact_id") && contacts.has("id")).then(|| contacts.first(&["username"])).flatten();
    let (join, handle) = match (direct, through) {
        (Some(direct), _) => (String::new(), format!("sent.{direct}")),
        (None, Some(through)) => {
            let join = " JOIN crm_contacts AS person ON CAST(person.id AS TEXT) = CAST(sent.contact_id AS TEXT)";
            (join.to_owned(), format!("person.{through}"))
        }
        (None, None) => return None,
    };
    let platform = match (sent.has("platform"), join.is_empty()) {
        (true, _) => "sent.platform",
        (false, false) if contacts.has("platform") => "person.platform",
        _ => return None,
    };
    let mut conditions =
        format!("lower(CAST({platform} AS TEXT)) = $1 AND ltrim(lower(CAST({handle} AS TEXT)), '@') = $2 AND {time} IS NOT NULL");
    let mut outbound = Vec::new();
    if sent.has("direction") {
        outbound.push("lower(COALESCE(CAST(sent.direction AS TEXT), '')) = 'outbound'");
    }
    if sent.has("is_outbound") {
        outbound.push("lower(COALESCE(CAST(sent.is_outbound AS TEXT), '')) IN ('1', 't', 'true')");
    }
    if !outbound.is_empty() {
        conditions.push_str(&format!(" AND ({})", outbound.join(" OR ")));
    }
    if sent.has("message_type") {
        conditions.push_str(" AND lower(COALESCE(CAST(sent.message_type AS TEXT), 'dm')) <> 'comment'");
    }
    Some(store::newest(table, &time, &join, &conditions))
}

/// When another program last wrote to somebody, as far as it says so.
pub(in crate::safari::queue) async fn last_dm_elsewhere(
    db: &mut Db<'_>,
    elsewhere: &Elsewhere,
    contact: &Contact,
    since: Timestamp,
) -> Result<Option<Timestamp>> {
    let mut last = None;
    for statement in &elsewhere.statements {
        for time in store::times(db, statement, contact).await? {
            last = last.max(Moment::parse(&time).0.filter(|at| *at > since));
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &str) -> Columns {
        Columns(names.split_whitespace().map(str::to_owned).collect())
    }

    #[test]
    fn each_known_shape_can_be_asked_and_a_table_that_cannot_tell_is_not() {
        let contacts = columns("id platform username");
        for shape in [
            "contact_id conversation_id platform direction body sent_at",
            "platform username sender text is_outbound message_id timestamp_str",
            "platform username text is_outbound message_type sent_at metadata",
        ] {
            assert!(statement("crm_messages", &columns(shape), &contacts).is_some(), "{shape}");
        }
        for shape in ["", "platform username body", "contact_id body", "username sent_at"] {
            assert!(statement("crm_messages", &columns(shape), &contacts).is_none(), "{shape}");
        }
        assert!(statement("crm_messages", &columns("contact_id platform sent_at"), &columns("")).is_none());
    }
}
