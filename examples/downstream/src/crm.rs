//! The company's CRM as an executor.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use everreach_core::SharedClock;
use everreach_core::prelude::*;
use everreach_core::routing::ServiceListing;
use serde_json::{Value, json};

/// Keeps when each contact was last written to. `crm.touch` writes that down, `crm.list` tells it, `crm.import` is out of order.
#[derive(Debug)]
pub struct CrmExecutor {
    clock: SharedClock,
    touched: Mutex<BTreeMap<String, String>>,
}

impl CrmExecutor {
    /// An empty CRM.
    #[must_use]
    pub fn new(clock: SharedClock) -> Self {
        Self { clock, touched: Mutex::default() }
    }
}

#[async_trait]
impl Executor for CrmExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        match call.action.as_str() {
            "crm.list" => Execution::done(json!(*touched)),
            "crm.touch" => match call.params.get("contact").and_then(Value::as_str) {
                Some(contact) => {
                    touched.insert(contact.to_owned(), self.clock.now().to_rfc3339());
                    Execution::done(json!({"touched": contact}))
                }
                None => {
                    let error = Error::new(ErrorKind::InvalidParams, "crm.touch takes {\"contact\": \"…\"}");
                    Execution::failed(Outcome::NotExecuted, error)
                }
            },
            "crm.import" => {
                Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, "the importer is out of order"))
            }
            _ => Execution::failed(
                Outcome::NotExecuted,
                Error::new(ErrorKind::UnknownAction, "the CRM does not know the action").with("action", &call.action),
            ),
        }
    }

    async fn services(&self) -> Result<Vec<ServiceListing>> {
        let names = [("crm.list", "who was written to"), ("crm.touch", "write down a message"), ("crm.import", "read a file")];
        names.into_iter().map(|(name, text)| Ok(ServiceListing::new(name.parse()?, text))).collect()
    }
}
