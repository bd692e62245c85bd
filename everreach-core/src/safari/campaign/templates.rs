//! The words of a campaign.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Step, Touch};
use crate::safari::Platform;
use crate::{Error, ErrorKind, Result};

/// The words of a campaign, with `{handle}` and `{platform}` to be filled in. What is left out is written by
/// `content.generate`.
///
/// ```
/// use everreach_core::safari::Platform;
/// use everreach_core::safari::campaign::{Step, Templates, Touch};
/// let templates: Templates = r#"{"first_dm": "Hi {handle}, I liked your post on {platform}."}"#.parse()?;
/// let first = Step::Dm { touch: Touch::FirstDm };
/// assert_eq!(templates.text(&first, "bob", Platform::Twitter).as_deref(), Some("Hi bob, I liked your post on Twitter."));
/// assert_eq!(templates.text(&Step::Dm { touch: Touch::FollowUp }, "bob", Platform::Twitter), None);
/// # Ok::<(), everreach_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Templates {
    /// The comments, taken in turn.
    pub comments: Vec<String>,
    /// The first message.
    pub first_dm: Option<String>,
    /// The one after no reply.
    pub follow_up: Option<String>,
    /// The last one.
    pub final_touch: Option<String>,
}

impl Templates {
    /// The words of one step; `None` when it needs none or there are none for it.
    #[must_use]
    pub fn text(&self, step: &Step, handle: &str, platform: Platform) -> Option<String> {
        let template = match step {
            Step::Comment { index, .. } => self.comments.get(index.checked_rem(self.comments.len())?),
            Step::Dm { touch: Touch::FirstDm } => self.first_dm.as_ref(),
            Step::Dm { touch: Touch::FollowUp } => self.follow_up.as_ref(),
            Step::Dm { touch: Touch::FinalTouch } => self.final_touch.as_ref(),
            Step::FindPosts | Step::Search => None,
        }?;
        Some(template.replace("{platform}", platform.title()).replace("{handle}", handle))
    }
}

impl FromStr for Templates {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let parsed: std::result::Result<Self, _> = serde_path_to_error::deserialize(&mut reader);
        parsed.map_err(|source| {
            let message = "a template file is a JSON object with comments (a list), first_dm, follow_up and final_touch (texts)";
            let key = source.path().to_string();
            Error::new(ErrorKind::InvalidInput, message)
                .with_operation("read the templates")
                .with("key", key)
                .with("seen", source.inner())
                .with_source(source)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_taken_in_turn() {
        let templates: Templates = r#"{"comments": ["one", "two {handle}"]}"#.parse().expect("templates");
        let text = |index| templates.text(&Step::Comment { index, post_url: String::new() }, "bob", Platform::Threads);
        assert_eq!([text(0), text(1), text(2)].map(Option::unwrap), ["one", "two bob", "one"]);
        assert_eq!(
            Templates::default().text(&Step::Comment { index: 0, post_url: String::new() }, "bob", Platform::Threads),
            None
        );
    }

    #[test]
    fn mistakes_name_the_key() {
        for (text, key) in
            [(r#"{"comments": ["a", 7]}"#, "comments[1]"), (r#"{"first": "a"}"#, "first"), (r#"{"first_dm": []}"#, "first_dm")]
        {
            let error = text.parse::<Templates>().expect_err(text);
            assert!(error.context().any(|(name, value)| name == "key" && value == key), "{text}: {error}");
        }
        assert!("not json".parse::<Templates>().is_err());
    }
}
