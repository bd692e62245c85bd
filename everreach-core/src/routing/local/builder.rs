//! How a registry is put together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Extensions;
use serde_json::Value;

use super::super::{Call, Params, ServiceListing};
use super::LocalExecutor;
use super::startup::Startup;
use crate::{ActionName, Effect, Error, ErrorKind, Id, Result};

pub(super) type Handler = Box<dyn Fn(Params, CallContext) -> BoxFuture<'static, Result<Value>> + Send + Sync>;

/// What a handler is told beside the parameters.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallContext {
    /// The action, for handlers that serve several.
    pub action: ActionName,
    /// What running it does.
    pub effect: Effect,
    /// The key under which this call happens at most once; pass it on to whatever else deduplicates.
    pub idempotency_key: Option<String>,
    /// The id that logs and events carry.
    pub request_id: Id,
    /// What came with the request: see [`RouteRequest::with_extension`](crate::routing::RouteRequest::with_extension).
    pub extensions: Extensions,
}

impl From<&Call> for CallContext {
    fn from(call: &Call) -> Self {
        Self {
            action: call.action.clone(),
            effect: call.effect,
            idempotency_key: call.idempotency_key.clone(),
            request_id: call.request_id,
            extensions: call.extensions.clone(),
        }
    }
}

pub(super) struct Entries {
    pub(super) handlers: HashMap<ActionName, (Handler, String)>,
}

impl Entries {
    pub(super) fn listing(&self) -> Vec<ServiceListing> {
        let mut listing: Vec<_> = self
            .handlers
            .iter()
            .map(|(action, (_, description))| ServiceListing::new(action.clone(), description.clone()))
            .collect();
        listing.sort_by(|one, other| one.action.cmp(&other.action));
        listing
    }
}

/// Collects handlers; see [`LocalExecutor::builder`].
pub struct LocalExecutorBuilder {
    entries: Entries,
    startup: Startup,
    first_fault: Option<Error>,
}

impl LocalExecutorBuilder {
    pub(super) fn new() -> Self {
        Self { entries: Entries { handlers: HashMap::new() }, startup: Startup::ready(), first_fault: None }
    }

    /// Adds a handler under `service.topic`.
    ///
    /// An error it returns counts as a failure of an action that ran, except for kinds that speak for themselves: `OutcomeUnknown`
    /// and `Timeout` leave the outcome unknown; refusals such as `InvalidParams`, `Unauthorized`, `RateLimited` or
    /// `RequiresLocal` mean that it did not run. It must not block its thread: time limits act where it awaits.
    #[must_use]
    pub fn handler<F, R>(mut self, action: &str, description: &str, handler: F) -> Self
    where
        F: Fn(Params, CallContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value>> + Send + 'static,
    {
        if let Err(fault) = self.insert(action, description, Box::new(move |params, context| handler(params, context).boxed())) {
            self.first_fault.get_or_insert(fault);
        }
        self
    }

    /// What runs once before the first call, `init_all_services` for a registry. When it fails, that call was not executed and
    /// the next one tries again; calls that come in meanwhile wait for it.
    #[must_use]
    pub fn init<F, R>(mut self, init: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<()>> + Send + 'static,
    {
        self.startup = Startup::with(move |_| init().boxed());
        self
    }

    /// The finished registry.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when a name is ill-formed or taken twice; the first such name is in the error.
    pub fn build(self) -> Result<LocalExecutor> {
        match self.first_fault {
            Some(fault) => Err(fault),
            None => Ok(LocalExecutor::assemble(self.entries, self.startup)),
        }
    }

    fn insert(&mut self, action: &str, description: &str, handler: Handler) -> Result<()> {
        let fault =
            |sentence| Error::new(ErrorKind::Config, sentence).with_operation("register a handler").with("action", action);
        let name = action.parse::<ActionName>().map_err(|_| fault("a handler's name has the form `service.topic`"))?;
        match self.entries.handlers.entry(name) {
            Entry::Occupied(_) => Err(fault("the action has a handler already; register each one once")),
            Entry::Vacant(place) => {
                place.insert((handler, description.to_owned()));
                Ok(())
            }
        }
    }
}

impl fmt::Debug for LocalExecutorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalExecutorBuilder").field("handlers", &self.entries.handlers.len()).finish_non_exhaustive()
    }
}
