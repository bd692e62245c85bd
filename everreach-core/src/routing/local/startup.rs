//! Running something once before the first call, however many come at the same time.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::{Error, ErrorKind, Result};

type Init = Box<dyn Fn() -> BoxFuture<'static, Result<()>> + Send + Sync>;
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

    pub(super) fn with(init: impl Fn() -> BoxFuture<'static, Result<()>> + Send + Sync + 'static) -> Self {
        Self { init: Some(Box::new(init)), done: AtomicBool::new(false), running: Mutex::new(None) }
    }

    pub(super) fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }

    /// Starts it or joins the run that is going on. It goes on when its callers give up.
    pub(super) async fn finish(&self) -> Result<()> {
        let Some(init) = &self.init else { return Ok(()) };
        let run = {
            let mut running = self.lock();
            if self.is_done() {
                return Ok(());
            }
            running.get_or_insert_with(|| start(init)).clone()
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

fn start(init: &Init) -> Run {
    let work = AssertUnwindSafe(init()).catch_unwind().map(|ended| {
        let ended = ended.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, "the initialisation panicked")));
        ended.map_err(Arc::new)
    });
    let run = work.boxed().shared();
    // Detached on purpose: the first caller may run out of time, the initialisation must not stop halfway for that.
    drop(tokio::spawn(run.clone()));
    run
}
