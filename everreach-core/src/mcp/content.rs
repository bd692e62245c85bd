//! The blocks that a tool's answer consists of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Resource, ResourceContents};

/// One block of an answer.
///
/// ```
/// use everreach_core::mcp::Content;
/// let content: Content = serde_json::from_str(r#"{"type": "text", "text": "3 files"}"#)?;
/// assert_eq!(content, Content::text("3 files"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Content {
    /// Text.
    Text {
        /// The text.
        text: String,
    },
    /// A picture.
    Image {
        /// Its bytes in base64.
        data: String,
        /// Its media type.
        mime_type: String,
    },
    /// A sound.
    Audio {
        /// Its bytes in base64.
        data: String,
        /// Its media type.
        mime_type: String,
    },
    /// Something that can be read.
    ResourceLink(Resource),
    /// Something that was read already.
    Resource {
        /// What was read.
        resource: ResourceContents,
    },
    /// A block of a kind that is not known here, as it came.
    #[serde(untagged)]
    Other(Value),
}

impl Content {
    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The text, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text } => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_look_as_the_protocol_writes_them() {
        let (data, mime_type) = ("aGk=".to_owned(), "image/png".to_owned());
        for (content, wire) in [
            (Content::text("hi"), json!({"type": "text", "text": "hi"})),
            (Content::Image { data, mime_type }, json!({"type": "image", "data": "aGk=", "mimeType": "image/png"})),
            (
                Content::ResourceLink(Resource::new("file:///a", "a")),
                json!({"type": "resource_link", "uri": "file:///a", "name": "a"}),
            ),
            (
                Content::Resource { resource: ResourceContents::text("file:///a", "hi") },
                json!({"type": "resource", "resource": {"uri": "file:///a", "text": "hi"}}),
            ),
        ] {
            assert_eq!(serde_json::to_value(&content).expect("JSON"), wire);
            assert_eq!(serde_json::from_value::<Content>(wire).expect("a block"), content);
        }
    }

    #[test]
    fn a_block_of_a_later_revision_is_kept_as_it_came() {
        let wire = json!({"type": "hologram", "data": "aGk=", "depth": 3});
        let content: Content = serde_json::from_value(wire.clone()).expect("a block");
        assert_eq!(content, Content::Other(wire.clone()));
        assert_eq!(serde_json::to_value(&content).expect("JSON"), wire);
    }
}
