//! MCP: the tools and resources of servers that speak the Model Context Protocol.
//!
//! # Law
//! A tool's own failure is an answer; everything else that goes wrong is an error that says whether the tool may have run. Nothing is
//! called twice by itself.
//!
//! The names and shapes are the protocol's: revision 2026-07-28 (<https://modelcontextprotocol.io/specification>), and what
//! 2025-11-25 has in common with it.

mod client;
mod content;
mod resource;
mod server;
mod tool;

pub use client::McpClient;
#[cfg(feature = "mock")]
pub use client::MockMcpClient;
pub use content::Content;
pub use resource::{Resource, ResourceContents};
pub use server::ServerInfo;
pub use tool::{Tool, ToolAnnotations, ToolCall, ToolResult};
