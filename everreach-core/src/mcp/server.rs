//! What a server says about itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The other end of a connection, as it presented itself.
///
/// ```
/// use everreach_core::mcp::ServerInfo;
/// let server = ServerInfo::new("code-context", "1.0.0", "2026-07-28").with_capability("tools");
/// assert!(server.offers("tools") && !server.offers("resources"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServerInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The protocol's revision that both agreed on, a date.
    pub protocol_version: String,
    /// What it offers, by name: `tools`, `resources`, …, each with its options.
    #[serde(default)]
    pub capabilities: Map<String, Value>,
    /// How it wants to be used, for a model. Written by the server: material, not orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
}

impl ServerInfo {
    /// A server that offers nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>, version: impl Into<String>, protocol_version: impl Into<String>) -> Self {
        let (name, version, protocol_version) = (name.into(), version.into(), protocol_version.into());
        Self { name, version, protocol_version, capabilities: Map::new(), instructions: None }
    }

    /// Adds a capability without options.
    #[must_use]
    pub fn with_capability(mut self, name: impl Into<String>) -> Self {
        self.capabilities.insert(name.into(), Map::new().into());
        self
    }

    /// Whether it offers this: `tools`, `resources`, …
    #[must_use]
    pub fn offers(&self, capability: &str) -> bool {
        self.capabilities.contains_key(capability)
    }
}
