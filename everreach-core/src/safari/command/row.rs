//! The row.

use serde::Serialize;
use serde_json::{Map, Value};

use super::CommandStatus;
use crate::safari::{Platform, Verb};
use crate::{Id, Timestamp};

/// Platform words of other programs that work through the same table.
const FOREIGN_PLATFORMS: [&str; 2] = ["linkedin_chrome", "upwork"];

/// One row of `safari_command_queue`.
///
/// Nothing in it has been checked: rows come from the cloud and from other programs. [`check`](crate::safari::gate::check) makes
/// something of it that may be sent.
///
/// ```
/// use everreach_core::safari::{Command, Platform, Verb};
/// use serde_json::json;
/// let now = "2026-11-20T12:00:00Z".parse().expect("a time");
/// let command = Command::new(Verb::SendDm, now)
///     .on(Platform::Instagram)
///     .with_param("username", "bob")
///     .with_param("text", "hello");
/// assert_eq!(command.params, json!({"username": "bob", "text": "hello"}));
/// assert_eq!((command.priority, command.verb()), (5, Some(Verb::SendDm)));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Command {
    /// Its id.
    pub id: Id,
    /// What it asks for: one of our verbs, or a word of another program.
    pub action: String,
    /// The platform, where the row names one.
    pub platform: Option<String>,
    /// The parameters as they were written; see [`params_object`](super::params_object).
    pub params: Value,
    /// Lower goes first; 5 when nobody said.
    pub priority: i32,
    /// Where it stands.
    pub status: CommandStatus,
    /// Not before this time.
    pub scheduled_for: Option<Timestamp>,
    /// How many repeats have been used.
    pub retry_count: u32,
    /// Not before this time, after a try that did not do it.
    pub next_retry_at: Option<Timestamp>,
    /// The campaign it belongs to.
    pub campaign_id: Option<String>,
    /// The rows it was written together with.
    pub batch_id: Option<String>,
    /// Who has it, or had it last.
    pub worker_id: Option<String>,
    /// What came of it.
    pub result: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl Command {
    /// A new command without parameters, of priority 5, pending.
    #[must_use]
    pub fn new(verb: Verb, now: Timestamp) -> Self {
        Self {
            id: Id::new(),
            action: verb.as_str().to_owned(),
            platform: None,
            params: Value::Object(Map::new()),
            priority: 5,
            status: CommandStatus::Pending,
            scheduled_for: None,
            retry_count: 0,
            next_retry_at: None,
            campaign_id: None,
            batch_id: None,
            worker_id: None,
            result: None,
            error: None,
            created_at: now,
            updated_at: now,
        }
    }

    /// A direct message.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Platform};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let command = Command::dm(Platform::Linkedin, "https://www.linkedin.com/in/bob/", "hello", now);
    /// assert_eq!(command.params["username"], "https://www.linkedin.com/in/bob/");
    /// ```
    #[must_use]
    pub fn dm(platform: Platform, handle: &str, text: &str, now: Timestamp) -> Self {
        Self::new(Verb::SendDm, now).on(platform).with_param("username", handle).with_param("text", text)
    }

    /// A comment under a post.
    #[must_use]
    pub fn comment(platform: Platform, post_url: &str, text: &str, now: Timestamp) -> Self {
        Self::new(Verb::Comment, now).on(platform).with_param("postUrl", post_url).with_param("text", text)
    }

    /// A search on a platform.
    #[must_use]
    pub fn research(platform: Platform, keyword: &str, max_posts: u32, now: Timestamp) -> Self {
        Self::new(Verb::MarketResearch, now).on(platform).with_param("keyword", keyword).with_param("maxPosts", max_posts)
    }

    /// Names the platform.
    #[must_use]
    pub fn on(mut self, platform: Platform) -> Self {
        self.platform = Some(platform.as_str().to_owned());
        self
    }

    /// Sets one parameter; parameters that were no object are replaced by one.
    #[must_use]
    pub fn with_param(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(fields) = &mut self.params {
            fields.insert(name.to_owned(), value.into());
        } else {
            self.params = Value::Object(Map::from_iter([(name.to_owned(), value.into())]));
        }
        self
    }

    /// What it asks for, when that is one of ours.
    #[must_use]
    pub fn verb(&self) -> Option<Verb> {
        self.action.parse().ok()
    }

    /// Whether this queue works through the row: one of our verbs, and not addressed to another program's browser.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb};
    /// # let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let mut command = Command::new(Verb::SendDm, now);
    /// assert!(command.is_ours());
    /// command.platform = Some("linkedin_chrome".to_owned());
    /// assert!(!command.is_ours());
    /// ```
    #[must_use]
    pub fn is_ours(&self) -> bool {
        let is_foreign = |platform: &String| FOREIGN_PLATFORMS.iter().any(|foreign| foreign.eq_ignore_ascii_case(platform));
        self.verb().is_some() && !self.platform.as_ref().is_some_and(is_foreign)
    }

    /// Its first possible moment: the later one of `scheduled_for` and `next_retry_at`; `None` for at once.
    ///
    /// ```
    /// # use everreach_core::safari::{Command, Verb};
    /// # let now: everreach_core::Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    /// let mut command = Command::new(Verb::Score, now);
    /// command.scheduled_for = Some(now);
    /// assert_eq!(command.due_at(), Some(now));
    /// ```
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        self.scheduled_for.max(self.next_retry_at)
    }

    /// What the queue is ordered by: priority, then age, then id.
    #[must_use]
    pub const fn turn(&self) -> (i32, Timestamp, Id) {
        (self.priority, self.created_at, self.id)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().expect("a time")
    }

    #[test]
    fn a_lower_number_goes_before_an_older_row() {
        let older = Command::new(Verb::Score, now());
        let mut urgent = Command::new(Verb::Score, now() + Duration::from_secs(60));
        urgent.priority = 1;
        let younger = Command::new(Verb::Score, now() + Duration::from_secs(1));
        let mut rows = [younger.clone(), older.clone(), urgent.clone()];
        rows.sort_by_key(Command::turn);
        assert_eq!(rows.map(|row| row.id), [urgent.id, older.id, younger.id]);
    }

    #[test]
    fn a_row_is_due_when_both_of_its_times_have_come() {
        let mut command = Command::new(Verb::Score, now());
        assert_eq!(command.due_at(), None);
        command.scheduled_for = Some(now() + Duration::from_secs(5));
        command.next_retry_at = Some(now() + Duration::from_secs(9));
        assert_eq!(command.due_at(), command.next_retry_at);
    }

    #[test]
    fn rows_with_words_of_other_programs_are_not_ours() {
        let mut command = Command::new(Verb::SendDm, now());
        for action in ["dm_sent", "prospect_discover", "instagram:dm", ""] {
            command.action = action.to_owned();
            assert!(!command.is_ours(), "{action:?}");
        }
    }

    #[test]
    fn setting_a_parameter_replaces_parameters_that_were_no_object() {
        let mut command = Command::new(Verb::Score, now());
        command.params = json!([1]);
        assert_eq!(command.with_param("limit", 3).params, json!({"limit": 3}));
    }
}
