//! Running something once before the first call, however many come at the same time.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use http::Extensions;
use tokio::time::{Instant, timeout_at};

use super::super::Call;
use crate::{Error, ErrorKind, Result};

const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

type Init = Box<dyn Fn(&Extensions) -> BoxFuture<'static, Result<()>> + Send + Sync>;
type Run = Shared<BoxFuture<'static, std::result::Result<(), Arc<Error>>>>;

pub(super) struct Startup {
    init: Option<Init>,
    done: AtomicBool,
    running: Mutex<Option<Run>>,
}

impl Startup {
    /// Nothing to do.
    pub(super) const fn ready() -> Self {
        Self { init: None, done: AtomicBool::new(true), running: Mutex::new(None) }
    }

    /// `init` is handed what came with the call that starts it.
    pub(super) fn with(init: impl Fn(&Extensions) -> BoxFuture<'static, Result<()>> + Send + Sync + 'static) -> Self {
        Self { init: Some(Box::new(init)), done: AtomicBool::new(false), running: Mutex::new(None) }
    }

    /// Waits until it is done, for as long as the call may take, and answers what is left of that time.
    pub(super) async fn finish_for(&self, call: &Call) -> Result<Duration> {
        let limit = call.timeout.min(FOREVER);
        if self.is_done() {
            return Ok(limit);
        }
        let deadline = Instant::now() + limit;
        let late =
            |_| Error::new(ErrorKind::StoreUnavailable, "the services are still being initialised; the call was not begun");
        timeout_at(deadline, self.finish(&call.extensions)).await.map_err(late)??;
        Ok(deadline.saturating_duration_since(Instant::now()))
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Starts it or joins the run that is going on. It goes on when its callers give up.
    async fn finish(&self, extensions: &Extensions) -> Result<()> {
        let Some(init) = &self.init else { return Ok(()) };
        let run = {
            let mut running = self.lock();
            if self.is_done() {
                return Ok(());
            }
            running.get_or_insert_with(|| start(init, extensions)).clone()
        };
        let ended = run.clone().await;
        let mut running = self.lock();
        match ended {
            Ok(()) => {
                self.done.store(true, Ordering::Release);
                *running = None;
                Ok(())
            }
            Err(cause) => {
                if running.as_ref().is_some_and(|current| current.ptr_eq(&run)) {
                    *running = None;
                }
                Err(Error::new(ErrorKind::StoreUnavailable, "the services could not be initialised; the next call tries again")
                    .with_operation("initialise services")
                    .with("cause", &cause)
                    .with_source(cause))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Run>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(init: &Init, extensions: &Extensions) -> Run {
    let work = AssertUnwindSafe(init(extensions)).catch_unwind().map(|ended| {
        let ended = ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the initialisation panicked")));
        ended.map_err(Arc::new)
    });
    let run = work.boxed().shared();
    // Detached on purpose: the first caller may run out of time, the initialisation must not stop halfway for that.
    drop(tokio::spawn(run.clone()));
    run
}
