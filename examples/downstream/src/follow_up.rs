//! One follow-up: lease the contact, reserve the money, have the text written, send it.

use std::sync::Arc;

use everreach_core::MicroUsd;
use everreach_core::cost::CostRequest;
use everreach_core::mcp::{McpClient, ToolCall};
use everreach_core::prelude::{Call, CostGuard, Error, ErrorKind, Executor, Params, Result};
use everreach_core::swarm::{LeaseRequest, SwarmCoordinator};
use serde_json::Value;

/// What a text costs to write.
const PRICE_OF_A_TEXT: MicroUsd = MicroUsd::from_micros(4_000);

/// What became of a follow-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The message went out.
    Sent,
    /// Another agent has the contact.
    Busy,
    /// The month's money is spent.
    NoMoney,
    /// The message may or may not have gone out: the CRM is to be looked at, nothing is repeated.
    Unknown,
}

/// Writes follow-ups.
pub struct FollowUp {
    /// This agent.
    pub agent_id: String,
    /// Who may work on whom.
    pub coordinator: Arc<dyn SwarmCoordinator>,
    /// Who has the money.
    pub guard: Arc<dyn CostGuard>,
    /// Who writes the text.
    pub writer: Arc<dyn McpClient>,
    /// Who sends it.
    pub sender: Arc<dyn Executor>,
}

impl FollowUp {
    /// Writes to one contact.
    ///
    /// # Errors
    /// Whatever is neither of the outcomes.
    pub async fn write_to(&self, contact: &str) -> Result<Outcome> {
        let lease = match self.coordinator.acquire(LeaseRequest::new(contact, &self.agent_id)).await {
            Ok(lease) => lease,
            Err(error) if error.kind() == ErrorKind::Conflict => return Ok(Outcome::Busy),
            Err(error) => return Err(error),
        };
        let outcome = self.write(contact).await;
        // A release that is refused says that the lease is over already, which is what was wanted.
        drop(self.coordinator.release(&lease).await);
        outcome
    }

    async fn write(&self, contact: &str) -> Result<Outcome> {
        let request = CostRequest::new("content.generate".parse()?, PRICE_OF_A_TEXT);
        let held = match self.guard.reserve(request).await {
            Ok(held) => held,
            Err(error) if error.kind() == ErrorKind::CostCapExceeded => return Ok(Outcome::NoMoney),
            Err(error) => return Err(error),
        };
        let written = self.writer.call_tool(ToolCall::new("write_follow_up").with_argument("contact", contact)).await;
        let text = match written {
            Ok(answer) if !answer.is_error => answer.content.iter().find_map(|part| part.as_text().map(str::to_owned)),
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::Unreachable => {
                self.guard.release(&held).await?;
                return Err(error);
            }
            // It may have run: the money stays held until somebody knows.
            Err(error) => return Err(error),
        };
        self.guard.settle(&held, PRICE_OF_A_TEXT).await?;
        let text =
            text.ok_or_else(|| Error::new(ErrorKind::HandlerError, "the writer wrote nothing").with("contact", contact))?;

        let params: Params = [("contact", contact), ("text", &text)]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), Value::from(value)))
            .collect();
        let sent = self.sender.execute(&Call::new("dm.send".parse()?, params)).await;
        match (sent.outcome, sent.result) {
            (everreach_core::Outcome::Unknown, _) => Ok(Outcome::Unknown),
            (_, Ok(_)) => Ok(Outcome::Sent),
            (_, Err(error)) => Err(error),
        }
    }
}
