//! A write that waits for its turn, and where its result goes.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::Db;
use crate::{Error, ErrorKind, Result};

/// A write of any result type.
pub(super) trait Write: Send {
    /// Whether somebody still waits for it.
    fn is_wanted(&self) -> bool;
    /// Runs it; says whether its changes are to be kept.
    fn run<'c>(&'c mut self, db: Db<'c>) -> BoxFuture<'c, bool>;
    /// Hands over the result; `failure` says why the commit did not happen.
    fn answer(self: Box<Self>, failure: Option<&Error>);
}

pub(super) struct PendingWrite<T, F> {
    work: Option<F>,
    result: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> PendingWrite<T, F> {
    pub(super) const fn new(work: F, reply: oneshot::Sender<Result<T>>) -> Self {
        Self { work: Some(work), result: None, reply }
    }
}

impl<T, F> Write for PendingWrite<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(Db<'c>) -> BoxFuture<'c, Result<T>> + Send + 'static,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run<'c>(&'c mut self, db: Db<'c>) -> BoxFuture<'c, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            // A defect in one write must not end the writer of the whole process.
            let result = AssertUnwindSafe(async move { work(db).await }).catch_unwind().await.unwrap_or_else(|_| {
                Err(Error::new(ErrorKind::Internal, "the write panicked: nothing of it is kept").with_operation("write"))
            });
            let keep = result.is_ok();
            self.result = Some(result);
            keep
        })
    }

    fn answer(self: Box<Self>, failure: Option<&Error>) {
        let result = match (self.result, failure) {
            (Some(Err(own)), _) => Err(own),
            (Some(Ok(value)), None) => Ok(value),
            (_, failure) => {
                let cause = failure.map_or_else(String::new, ToString::to_string);
                Err(Error::new(ErrorKind::StoreUnavailable, "the write was not committed")
                    .with_operation("write")
                    .with("cause", cause))
            }
        };
        let _caller_gone = self.reply.send(result);
    }
}
