//! What the core logs, handed to Python's `logging`.
//!
//! The runtime's threads never call Python's logging themselves, whose handlers take locks: records go through a queue to a thread
//! of their own, which also keeps the level up to date. A full queue drops records and says how many.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

const QUEUE: usize = 4_096;
/// How long a change of the logger's level takes to be noticed, at most.
const LEVEL_CHECK: Duration = Duration::from_secs(1);
const ROOT: &str = "everreach";

const WARNING: u8 = 30;

static LEVEL: AtomicU8 = AtomicU8::new(WARNING);
static DROPPED: AtomicU64 = AtomicU64::new(0);
static QUEUE_OF_PROCESS: ArcSwapOption<SyncSender<Record>> = ArcSwapOption::const_empty();

struct Record {
    logger: String,
    level: u8,
    message: String,
}

/// The thread that empties the queue.
pub(crate) struct Logs {
    thread: Py<PyAny>,
}

/// Starts the bridge for this process. A host that has its own subscriber keeps it.
pub(crate) fn start(py: Python<'_>) -> PyResult<Logs> {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let _the_hosts_own = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Bridge));
    });
    let (sender, receiver) = sync_channel(QUEUE);
    QUEUE_OF_PROCESS.store(Some(sender.into()));
    read_level(py)?;
    let drain = Drain { receiver: Mutex::new(Some(receiver)) };
    let arguments = PyDict::new(py);
    arguments.set_item("target", Bound::new(py, drain)?)?;
    arguments.set_item("name", "everreach-logging")?;
    arguments.set_item("daemon", true)?;
    let thread = py.import("threading")?.getattr("Thread")?.call((), Some(&arguments))?;
    let _none = thread.call_method0("start")?;
    Ok(Logs { thread: thread.unbind() })
}

impl Logs {
    /// Writes what is left and ends the thread.
    pub(crate) fn stop(self, py: Python<'_>) -> PyResult<()> {
        QUEUE_OF_PROCESS.store(None);
        let _none = self.thread.bind(py).call_method1("join", (2.0,))?;
        Ok(())
    }
}

fn read_level(py: Python<'_>) -> PyResult<()> {
    let level = py.import("logging")?.call_method1("getLogger", (ROOT,))?.call_method0("getEffectiveLevel")?;
    LEVEL.store(u8::try_from(level.extract::<i64>()?).unwrap_or(u8::MAX), Ordering::Relaxed);
    Ok(())
}

/// What the thread runs.
#[pyclass(frozen)]
struct Drain {
    receiver: Mutex<Option<Receiver<Record>>>,
}

#[pymethods]
impl Drain {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        let Some(receiver) = self.receiver.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        let mut receiver = Some(receiver);
        while let Some(waiting) = receiver.take() {
            let (heard, waiting) = py.detach(move || (waiting.recv_timeout(LEVEL_CHECK), waiting));
            match heard {
                Ok(record) => write(py, &record)?,
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(raised) = read_level(py) {
                        raised.write_unraisable(py, None);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            receiver = Some(waiting);
        }
        Ok(())
    }
}

fn write(py: Python<'_>, record: &Record) -> PyResult<()> {
    let dropped = DROPPED.swap(0, Ordering::Relaxed);
    if dropped > 0 {
        log(py, ROOT, WARNING, &format!("{dropped} log records were dropped: they came faster than they could be written"))?;
    }
    log(py, &record.logger, record.level, &record.message)
}

fn log(py: Python<'_>, logger: &str, level: u8, message: &str) -> PyResult<()> {
    let logger = py.import("logging")?.call_method1("getLogger", (logger,))?;
    // As an argument: a `%` in the text is no format.
    let written = logger.call_method1("log", (level, "%s", message));
    if let Err(raised) = written {
        raised.write_unraisable(py, Some(&logger));
    }
    Ok(())
}

struct Bridge;

impl<S: Subscriber> Layer<S> for Bridge {
    /// The level can change at any time.
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let level = number(*metadata.level());
        // Libraries underneath are heard when something is wrong.
        let floor = if metadata.target().starts_with(ROOT) { 0 } else { WARNING };
        // A level that was read a second ago must not swallow a warning: those are few, and the logger looks again.
        level >= LEVEL.load(Ordering::Relaxed).min(WARNING).max(floor)
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(queue) = &*QUEUE_OF_PROCESS.load() else { return };
        let metadata = event.metadata();
        let mut text = Text::default();
        event.record(&mut text);
        let record = Record { logger: logger_of(metadata.target()), level: number(*metadata.level()), message: text.0 };
        if queue.try_send(record).is_err() {
            let _before = DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// `everreach_core::routing::side` is `everreach.routing.side` to Python.
fn logger_of(target: &str) -> String {
    let name = target.replace("::", ".");
    match name.strip_prefix("everreach_core").or_else(|| name.strip_prefix("_everreach")) {
        Some(rest) => format!("{ROOT}{rest}"),
        None => name
            .strip_prefix("everreach_server")
            .map_or_else(|| format!("{ROOT}.lib.{name}"), |rest| format!("{ROOT}.server{rest}")),
    }
}

const fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => WARNING,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

/// The message, then the fields as `name=value`.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
            return;
        }
        let _never_fails = write!(self.0, " {}={value:?}", field.name());
    }
}
