//! What belongs to this process and not to a child it forks: the async runtime, and everything that has to be closed before the
//! interpreter ends.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use everreach_core::store::StoreConfig;
use futures_util::future::{BoxFuture, join_all};
use pyo3::prelude::*;
use pyo3::wrap_pyfunction;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bridge::fork;
use crate::bridge::logs;
use crate::bridge::logs::Logs;
use crate::bridge::own_loops::OwnLoops;
use crate::convert::errors;

/// Threads of the runtime: calls wait far more than they compute.
const WORKER_THREADS: usize = 2;
/// Threads for handlers that are plain functions, of the 512 for all blocking work.
const HANDLER_THREADS: usize = 256;
/// Handlers that stand in one another share the stack of one thread.
const STACK: usize = 8 << 20;
/// How long calls under way are waited for when the interpreter ends.
const GRACE: Duration = Duration::from_secs(10);
/// How long handlers that block are waited for after that.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Closes something that is open; calls under way get this long.
pub(crate) type Close = Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send>;

static CURRENT: ArcSwapOption<Process> = ArcSwapOption::const_empty();

/// This process's share.
pub(crate) struct Process {
    pid: u32,
    tokio: Mutex<Option<tokio::runtime::Runtime>>,
    handle: Handle,
    open: Mutex<HashMap<u64, Close>>,
    closing: TaskTracker,
    /// Ends every wait: the interpreter is going.
    ending: CancellationToken,
    handler_threads: Arc<Semaphore>,
    next: AtomicU64,
    /// The SQLite files that are open here.
    files: Mutex<HashMap<u64, FileId>>,
    /// Those that the parent had open when it forked this process; `None` when that cannot be known.
    inherited: Option<Vec<FileId>>,
    pub(crate) own_loops: OwnLoops,
    logs: Mutex<Option<Logs>>,
}

/// The share of the process that asks, made when it is first needed: importing the package starts nothing.
pub(crate) fn current(py: Python<'_>) -> PyResult<Arc<Process>> {
    // Whoever makes one holds the interpreter lock until it is published, and nobody can make another or fork without that lock.
    if let Some(process) = CURRENT.load().as_ref().filter(|process| process.pid == std::process::id()) {
        return Ok(Arc::clone(process));
    }
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_name("everreach")
        .thread_stack_size(STACK)
        .enable_all()
        .build()?;
    let process = Arc::new(Process {
        pid: std::process::id(),
        handle: tokio.handle().clone(),
        tokio: Mutex::new(Some(tokio)),
        open: Mutex::default(),
        closing: TaskTracker::new(),
        ending: CancellationToken::new(),
        handler_threads: Arc::new(Semaphore::new(HANDLER_THREADS)),
        next: AtomicU64::new(0),
        files: Mutex::default(),
        inherited: inherited(),
        own_loops: OwnLoops::default(),
        logs: Mutex::new(None),
    });
    let parent = CURRENT.swap(Some(Arc::clone(&process)));
    if parent.is_none() {
        // A child has its parent's hooks.
        fork::watch(py)?;
    }
    leave(parent);
    let at_exit = wrap_pyfunction!(close_everything, py)?;
    let _registered = py.import("atexit")?.call_method1("register", (at_exit,))?;
    // Starting a thread lets go of the interpreter lock for a moment.
    let logs = logs::start(py)?;
    *process.logs.lock().unwrap_or_else(PoisonError::into_inner) = Some(logs);
    Ok(process)
}

/// Drops what is ours. A parent's share is forgotten: its threads are not here, and dropping would wait for them.
fn leave(process: Option<Arc<Process>>) {
    #[allow(clippy::mem_forget, reason = "after a fork its threads exist in the parent only")]
    if process.as_ref().is_some_and(|process| process.pid != std::process::id()) {
        std::mem::forget(process);
    }
}

impl Process {
    pub(crate) const fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(crate) const fn handler_threads(&self) -> &Arc<Semaphore> {
        &self.handler_threads
    }

    pub(crate) const fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    pub(crate) const fn pid(&self) -> u32 {
        self.pid
    }

    /// Has something closed when the interpreter ends, unless it was taken before.
    pub(crate) fn opened(&self, store: &StoreConfig, close: Close) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if let Some(file) = file_of(&store.url) {
            let _none = self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(number, file);
        }
        let _none = self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, close);
        number
    }

    /// How to close it, for whoever does that now; [`Process::forget`] follows.
    pub(crate) fn take(&self, number: u64) -> Option<Close> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number)
    }

    /// It is closed: a child may open its file.
    pub(crate) fn forget(&self, number: u64) {
        let _file = self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    /// Closes it in the background; the end of the interpreter waits for that.
    pub(crate) fn close_later(self: &Arc<Self>, number: u64) {
        if let Some(close) = self.take(number) {
            let process = Arc::clone(self);
            let closing = async move {
                close(GRACE).await;
                process.forget(number);
            };
            let _task = self.closing.spawn_on(closing, &self.handle);
        }
    }
}

/// What SQLite tells files apart by.
type FileId = (u64, u64);

fn file_of(url: &str) -> Option<FileId> {
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    let file = std::fs::metadata(path.split('?').next().unwrap_or_default()).ok()?;
    Some((file.dev(), file.ino()))
}

/// The files that the parent had open, when this is a child.
fn inherited() -> Option<Vec<FileId>> {
    let current = CURRENT.load();
    let Some(parent) = current.as_ref() else { return Some(Vec::new()) };
    // A lock that another thread of the parent held in the moment of the fork is never let go here.
    let open = parent.files.try_lock().ok()?;
    Some(open.values().chain(parent.inherited.as_ref()?).copied().collect())
}

impl Process {
    /// Fails for a file of SQLite that the parent had open when it forked this process. SQLite keeps its table of locks in memory:
    /// the child would believe to hold the parent's.
    pub(crate) fn check_database(&self, py: Python<'_>, store: &StoreConfig) -> PyResult<()> {
        let is_shared = |file| self.inherited.as_ref().is_none_or(|inherited| inherited.contains(&file));
        if !file_of(&store.url).is_some_and(is_shared) {
            return Ok(());
        }
        let message = "the parent had this SQLite file open when it forked, and SQLite cannot tell the two apart: let the child be the \
            first to use its orchestrator, start it with spawn, or use PostgreSQL";
        Err(errors::own(py, "forked", message))
    }
}

/// Fails when an object was first used by another process than this one: its parent, before the fork.
pub(crate) fn check_fork(py: Python<'_>, first_used_by: u32, process: u32) -> PyResult<()> {
    if first_used_by == process {
        return Ok(());
    }
    let message = "this object was used before the process was forked: make a new one in the child, or fork before its first use";
    Err(errors::own(py, "forked", message))
}

/// Closes the runtimes that are still open, writes what is pending and ends every thread. Runs when the interpreter ends.
#[pyfunction]
#[pyo3(name = "_close_everything")]
fn close_everything(py: Python<'_>) -> PyResult<()> {
    let Some(process) = CURRENT.load_full() else { return Ok(()) };
    if process.pid != std::process::id() {
        return Ok(());
    }
    let open: Vec<Close> = process.open.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(_, close)| close).collect();
    let closing: Vec<_> = open.iter().map(|close| close(GRACE)).collect();
    let earlier = process.closing.clone();
    let _was_open = earlier.close();
    process.ending.cancel();
    let interrupted = process.wait_at_the_end(py, async move {
        join_all(closing).await;
        earlier.wait().await;
    });
    process.own_loops.stop(py)?;
    let tokio = process.tokio.lock().unwrap_or_else(PoisonError::into_inner).take();
    let logs = process.logs.lock().unwrap_or_else(PoisonError::into_inner).take();
    py.detach(|| {
        if let Some(tokio) = tokio {
            tokio.shutdown_timeout(LAST_WAIT);
        }
    });
    if let Some(logs) = logs {
        logs.stop(py)?;
    }
    interrupted
}
