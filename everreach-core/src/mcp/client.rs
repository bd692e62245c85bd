//! The client: one connection to one server.

use async_trait::async_trait;

use super::{Resource, ResourceContents, ServerInfo, Tool, ToolCall, ToolResult};
use crate::Result;

/// Speaks to one server of the Model Context Protocol. Where it is and how to get in is told to the implementor when it is made.
///
/// # Law
/// - [`McpClient::connect`] before everything else. Before it, and after [`McpClient::close`], every other request fails with
///   [`Unreachable`](crate::ErrorKind::Unreachable) and sends nothing.
/// - A tool that ran and failed is an answer with [`ToolResult::is_error`]; an error means that no answer came or that it was not one.
/// - It is honest about what may have run. Every call of a tool counts as outward, whatever the server hints: once its first byte left,
///   a timeout, a broken connection or an abandoned future is [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown), and
///   [`Unreachable`](crate::ErrorKind::Unreachable) only what provably did not leave. It never repeats a call by itself, a connection
///   that had to be made anew included; lists and reads it may repeat.
/// - It returns within [`ToolCall::timeout`], give or take a scheduling delay. Requests run side by side.
/// - Lists are whole, all pages of them, in the server's order. What a server writes (descriptions, instructions, hints) is passed on
///   as data; the client never acts on it.
///
/// ```
/// use everreach_core::mcp::{McpClient, ToolCall};
/// use everreach_core::{Error, ErrorKind, Result};
///
/// async fn first_line(files: &dyn McpClient, path: &str) -> Result<String> {
///     files.connect().await?;
///     let answer = files.call_tool(ToolCall::new("read_file").with_argument("path", path)).await?;
///     let text = answer.content.iter().find_map(|part| part.as_text()).unwrap_or_default();
///     if answer.is_error {
///         return Err(Error::new(ErrorKind::HandlerError, "the file cannot be read").with("tool", text));
///     }
///     Ok(text.lines().next().unwrap_or_default().to_owned())
/// }
/// ```
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait McpClient: Send + Sync + 'static {
    /// Opens the connection and agrees on a revision. When it is open already, answers what was agreed on.
    ///
    /// # Errors
    /// [`Unreachable`](crate::ErrorKind::Unreachable) when nobody answers, [`Timeout`](crate::ErrorKind::Timeout),
    /// [`Unauthorized`](crate::ErrorKind::Unauthorized) or [`Forbidden`](crate::ErrorKind::Forbidden), or
    /// [`Config`](crate::ErrorKind::Config) when there is no revision that both speak.
    async fn connect(&self) -> Result<ServerInfo>;

    /// The tools on offer; none when the server offers no tools.
    ///
    /// # Errors
    /// As [`McpClient::connect`].
    async fn list_tools(&self) -> Result<Vec<Tool>>;

    /// The resources on offer; none when the server offers no resources.
    ///
    /// # Errors
    /// As [`McpClient::connect`].
    async fn list_resources(&self) -> Result<Vec<Resource>>;

    /// Calls a tool, once.
    ///
    /// # Errors
    /// As [`McpClient::connect`] when the call did not leave; [`NotFound`](crate::ErrorKind::NotFound) for a tool that the server does
    /// not have, [`InvalidParams`](crate::ErrorKind::InvalidParams) for arguments that it refuses, and
    /// [`OutcomeUnknown`](crate::ErrorKind::OutcomeUnknown) when the call left and no answer came.
    async fn call_tool(&self, call: ToolCall) -> Result<ToolResult>;

    /// Reads a resource; a folder may answer in several parts.
    ///
    /// # Errors
    /// As [`McpClient::connect`]; [`NotFound`](crate::ErrorKind::NotFound) for a resource that the server does not have.
    async fn read_resource(&self, uri: &str) -> Result<Vec<ResourceContents>>;

    /// Ends the connection; requests under way end with it. When it is closed already, nothing happens.
    ///
    /// # Errors
    /// When the other side could not be told; the connection is closed nevertheless.
    async fn close(&self) -> Result<()>;
}

const _OBJECT_SAFE: Option<&dyn McpClient> = None;
