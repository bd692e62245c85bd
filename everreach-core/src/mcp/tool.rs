//! Tools: what a server does when it is called.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Content;

/// A tool on offer.
///
/// ```
/// use everreach_core::mcp::Tool;
/// let tool: Tool = serde_json::from_str(
///     r#"{"name": "read_file", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true}}"#,
/// )?;
/// assert!(tool.annotations.read_only_hint);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tool {
    /// Its name, unique on its server.
    pub name: String,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does, for a model. Written by the server: material, not orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it takes: a JSON Schema (2020-12) of an object.
    pub input_schema: Value,
    /// What its structured answer looks like, if it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    /// What the server claims of it.
    #[serde(default)]
    pub annotations: ToolAnnotations,
}

impl Tool {
    /// A tool that takes any object, of which nothing else is known.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: None,
            input_schema: json!({"type": "object"}),
            output_schema: None,
            annotations: ToolAnnotations::default(),
        }
    }
}

/// What a server claims about a tool. Hints of a stranger: they may be shown, but nothing is allowed or repeated because of them.
/// The defaults are the protocol's, which assume the worst.
///
/// ```
/// use everreach_core::mcp::ToolAnnotations;
/// let claimed = ToolAnnotations::default();
/// assert!(claimed.destructive_hint && !claimed.idempotent_hint);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ToolAnnotations {
    /// It changes nothing.
    pub read_only_hint: bool,
    /// It may destroy something.
    pub destructive_hint: bool,
    /// A repeat changes nothing more.
    pub idempotent_hint: bool,
    /// It deals with the world outside its server.
    pub open_world_hint: bool,
}

impl Default for ToolAnnotations {
    fn default() -> Self {
        Self { read_only_hint: false, destructive_hint: true, idempotent_hint: false, open_world_hint: true }
    }
}

/// One call of a tool.
///
/// ```
/// use everreach_core::mcp::ToolCall;
/// let call = ToolCall::new("read_file").with_argument("path", "src/main.rs");
/// assert_eq!(call.arguments["path"], "src/main.rs");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ToolCall {
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// How long it may take; progress does not prolong it.
    pub timeout: Duration,
}

impl ToolCall {
    /// A call without arguments, 30 s at most.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), arguments: Map::new(), timeout: Duration::from_secs(30) }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with_argument(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.arguments.insert(name.into(), value.into());
        self
    }

    /// Limits the call.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// What a tool answered.
///
/// ```
/// use everreach_core::mcp::{Content, ToolResult};
/// let failed = ToolResult::failed("no such file");
/// assert!(failed.is_error);
/// assert_eq!(failed.content, [Content::text("no such file")]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ToolResult {
    /// The answer in blocks, for a model.
    #[serde(default)]
    pub content: Vec<Content>,
    /// The answer as data, for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// The tool ran and failed; the content says how, so that a model can correct itself.
    #[serde(default)]
    pub is_error: bool,
}

impl ToolResult {
    /// It worked, and this is the answer.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: vec![Content::text(text)], structured_content: None, is_error: false }
    }

    /// It worked, and this is the answer as data; its text goes along, as the protocol asks.
    #[must_use]
    pub fn structured(value: Value) -> Self {
        Self { content: vec![Content::text(value.to_string())], structured_content: Some(value), is_error: false }
    }

    /// It ran and failed, for this reason.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Self {
        Self { content: vec![Content::text(reason)], structured_content: None, is_error: true }
    }
}
