//! Waiting for something of the core on the caller's own thread.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use pyo3::exceptions::{PyException, PySystemExit};
use pyo3::prelude::*;

use crate::bridge::process::Process;
use crate::convert::errors;

/// How often a wait looks for Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread waits for a call of its own, so that a plain function may run right here.
    static WAITING: Cell<bool> = const { Cell::new(false) };
    /// What ended a handler on this thread that is no `Exception`: an interrupt belongs to whoever waits.
    static INTERRUPT: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

impl Process {
    /// Waits with the interpreter lock released, and looks for signals meanwhile.
    ///
    /// Giving up because of a signal drops the future: a journaled call goes on in a task of its own, anything else ends.
    pub(crate) fn wait<T: Send>(&self, py: Python<'_>, work: impl Future<Output = T> + Send) -> PyResult<T> {
        let ended = py.detach(|| {
            let ended = {
                let _waiting = Restore(WAITING.replace(true));
                self.handle().block_on(self.ending().run_until_cancelled(with_signals(work)))
            };
            match INTERRUPT.take() {
                Some(interrupt) => Some(Err(interrupt)),
                None => ended,
            }
        });
        ended.unwrap_or_else(|| Err(ending(py)))
    }

    /// The wait of the interpreter's end itself.
    pub(super) fn wait_at_the_end(&self, py: Python<'_>, work: impl Future<Output = ()> + Send) -> PyResult<()> {
        py.detach(|| self.handle().block_on(with_signals(work)))
    }
}

/// What whoever still waits is told. A thread that the interpreter leaves behind goes quietly.
pub(crate) fn ending(py: Python<'_>) -> PyErr {
    let is_main = || {
        let threading = py.import("threading")?;
        threading.call_method0("current_thread")?.eq(threading.call_method0("main_thread")?)
    };
    match is_main() {
        Ok(true) => errors::own(py, "closed", "the interpreter is ending"),
        Ok(false) => PySystemExit::new_err(()),
        Err(failure) => failure,
    }
}

async fn with_signals<T>(work: impl Future<Output = T>) -> PyResult<T> {
    let mut work = pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(SIGNALS, &mut work).await {
            return Ok(done);
        }
        if let Some(interrupt) = take_interrupt() {
            return Err(interrupt);
        }
        // A signal's handler may make calls of its own.
        tokio::task::block_in_place(|| as_own_call(|| Python::attach(|py| py.check_signals())))?;
    }
}

pub(crate) fn is_waiting() -> bool {
    WAITING.get()
}

/// The interrupt that ended a handler on this thread, for whoever polls there.
pub(crate) fn take_interrupt() -> Option<PyErr> {
    INTERRUPT.take()
}

/// Hands an interrupt to whoever waits on this thread.
pub(crate) fn interrupted(by: PyErr) {
    INTERRUPT.set(Some(by));
}

/// The same for an exception that nobody else is told of, if it is an interrupt: a signal's handler raises in whatever Python code the
/// main thread runs next, ours included.
pub(crate) fn notice(raised: PyErr) {
    if !Python::attach(|py| raised.is_instance_of::<PyException>(py)) {
        interrupted(raised);
    }
}

/// Runs the user's code on this thread as if nobody waited here: what it waits for in its turn is another matter.
pub(crate) fn as_own_call<T>(code: impl FnOnce() -> T) -> T {
    let _own = Restore(WAITING.replace(false));
    code()
}

/// Says again what was said before, whatever comes between.
struct Restore(bool);

impl Drop for Restore {
    fn drop(&mut self) {
        WAITING.set(self.0);
    }
}
