//! Running a coroutine of the user's on its event loop, from anywhere.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use tokio::sync::oneshot;

use crate::bridge::callback::{Ended, Given, given, is_coroutine};
use crate::bridge::caller::Caller;
use crate::bridge::frame::{Frame, Running};
use crate::bridge::once::Once;
use crate::bridge::start::{GiveUp, Start};
use crate::bridge::{process, wait};

/// How often a wait looks whether the loop it waits for was closed.
const LOOP_CHECK: Duration = Duration::from_secs(1);

/// The task, for whoever loses interest in it.
#[derive(Default)]
struct Task {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_over: bool,
    task: Option<Py<PyAny>>,
}

type Answer<T> = oneshot::Sender<Result<T, Ended>>;

/// Makes an awaitable on the caller's loop (or on ours), waits for it and hands its value to `finish` there. Dropping the future
/// cancels the task.
pub(crate) async fn run<T, M, F>(caller: Option<&Caller>, begun: &Start, make: M, finish: F) -> Result<T, Ended>
where
    T: Send + 'static,
    M: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    F: for<'py> FnOnce(&Bound<'py, PyAny>) -> T + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    let task = Arc::new(Task::default());
    let started = Python::attach(|py| {
        let (event_loop, thread) = home(py, caller)?;
        let (running, context) = caller.map(|caller| caller.begin(py)).transpose()?.unzip();
        let frame = running.as_ref().map(Running::frame);
        let shared = Shared { task: Arc::clone(&task), start: begun.clone(), frame };
        if thread == Some(std::thread::current().id()) {
            start(&event_loop, context.as_ref(), &shared, make, answer, ends(running, finish));
        } else {
            let context = context.map(Bound::unbind);
            let its_loop = event_loop.clone().unbind();
            let start = Once::new(move |arguments| {
                let py = arguments.py();
                let context = context.as_ref().map(|context| context.bind(py));
                start(its_loop.bind(py), context, &shared, make, answer, ends(running, finish));
                Ok(())
            });
            let _handle = event_loop.call_method1("call_soon_threadsafe", (start,))?;
        }
        Ok::<_, PyErr>(event_loop.unbind())
    });
    let event_loop = match started {
        Ok(event_loop) => event_loop,
        Err(raised) => {
            wait::notice(raised);
            return Err(Ended::NotBegun);
        }
    };
    let guard = Abandon { task, event_loop, start: GiveUp(begun.clone()) };
    let ended = guard.outlived_by(answered).await;
    guard.finished();
    ended
}

/// What the loop's thread needs to know.
struct Shared {
    task: Arc<Task>,
    start: Start,
    frame: Option<Arc<Frame>>,
}

/// The handler runs until its value is taken.
fn ends<T, F>(running: Option<Running>, finish: F) -> impl for<'py> FnOnce(&Bound<'py, PyAny>) -> T + Send + 'static
where
    F: for<'py> FnOnce(&Bound<'py, PyAny>) -> T + Send + 'static,
{
    move |value: &Bound<'_, PyAny>| {
        let _until_now = running;
        finish(value)
    }
}

/// The loop to run on, and its thread where that may be this one.
fn home<'py>(py: Python<'py>, caller: Option<&Caller>) -> PyResult<(Bound<'py, PyAny>, Option<ThreadId>)> {
    match caller.and_then(Caller::event_loop) {
        Some((event_loop, thread)) => Ok((event_loop.bind(py).clone(), Some(*thread))),
        None => Ok((process::current(py)?.own_loops.get(py, caller.map_or(0, Caller::depth))?, None)),
    }
}

/// Begins the task. Runs on the loop's thread.
fn start<'py, T, M, F>(
    event_loop: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    shared: &Shared,
    make: M,
    answer: Answer<T>,
    finish: F,
) where
    T: Send + 'static,
    M: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
    F: for<'a> FnOnce(&Bound<'a, PyAny>) -> T + Send + 'static,
{
    let task = &shared.task;
    if task.lock().is_over || !shared.start.begin() {
        return;
    }
    let _receiver_gone = match begin(event_loop, context, make) {
        Err(raised) => answer.send(Err(Ended::Raised(raised))),
        Ok(Begun::Value(value)) => answer.send(Ok(finish(value.bind(event_loop.py())))),
        Ok(Begun::Task(begun)) => {
            task.lock().task = Some(begun.clone().unbind());
            if let Some(frame) = &shared.frame {
                frame.runs_in(&begun);
            }
            let done = Once::new(move |arguments| {
                let _receiver_gone = answer.send(end_of(&arguments.get_item(0)?, finish));
                Ok(())
            });
            let _watched = begun.call_method1(intern!(event_loop.py(), "add_done_callback"), (done,));
            return;
        }
    };
}

enum Begun<'py> {
    Value(Py<PyAny>),
    Task(Bound<'py, PyAny>),
}

/// Calls the function and makes a task of what it returns, in the context that is given or else in the current one.
fn begin<'py, M>(event_loop: &Bound<'py, PyAny>, context: Option<&Bound<'py, PyAny>>, make: M) -> PyResult<Begun<'py>>
where
    M: FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send + 'static,
{
    static ENSURE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = event_loop.py();
    let awaitable = match given(make(py)?.into_bound(py))? {
        Given::Value(value) => return Ok(Begun::Value(value)),
        Given::Awaitable(awaitable) => awaitable.into_bound(py),
    };
    let is_coroutine = is_coroutine(&awaitable)?;
    let make_task = if is_coroutine {
        event_loop.getattr(intern!(py, "create_task"))?
    } else {
        ENSURE.import(py, "asyncio", "ensure_future")?.clone()
    };
    let task = match context {
        Some(context) => context.call_method1(intern!(py, "run"), (make_task, awaitable)),
        None => make_task.call1((awaitable,)),
    };
    task.map(Begun::Task)
}

fn end_of<T, F>(task: &Bound<'_, PyAny>, finish: F) -> Result<T, Ended>
where
    F: for<'py> FnOnce(&Bound<'py, PyAny>) -> T,
{
    match task.call_method0(intern!(task.py(), "result")) {
        Ok(value) => Ok(finish(&value)),
        Err(raised) if raised.is_instance_of::<CancelledError>(task.py()) => Err(Ended::Cancelled),
        Err(raised) => Err(Ended::Raised(raised)),
    }
}

impl Task {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cancels the task when nobody waits for it any more.
struct Abandon {
    task: Arc<Task>,
    event_loop: Py<PyAny>,
    start: GiveUp,
}

impl Abandon {
    /// Waits for the answer, unless the loop is closed first: then there will be none.
    async fn outlived_by<T>(&self, mut answered: oneshot::Receiver<Result<T, Ended>>) -> Result<T, Ended> {
        loop {
            match tokio::time::timeout(LOOP_CHECK, &mut answered).await {
                Ok(Ok(ended)) => return ended,
                Ok(Err(_)) => return Err(self.unanswered()),
                Err(_) if self.is_loop_closed() => return Err(self.unanswered()),
                Err(_) => {}
            }
        }
    }

    fn unanswered(&self) -> Ended {
        if self.start.0.give_up() { Ended::NotBegun } else { Ended::Cancelled }
    }

    fn is_loop_closed(&self) -> bool {
        let asked = Python::attach(|py| self.event_loop.bind(py).call_method0(intern!(py, "is_closed"))?.is_truthy());
        asked.unwrap_or_else(|raised| {
            wait::notice(raised);
            false
        })
    }

    fn finished(&self) {
        self.task.lock().is_over = true;
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        let task = {
            let mut state = self.task.lock();
            if std::mem::replace(&mut state.is_over, true) { None } else { state.task.take() }
        };
        let Some(task) = task else { return };
        // A loop that is closed has cancelled it already; an interpreter that is ending runs nothing any more.
        let _cancelled = Python::try_attach(|py| {
            let cancel = task.bind(py).getattr("cancel")?;
            self.event_loop.bind(py).call_method1("call_soon_threadsafe", (cancel,)).map(Bound::unbind)
        });
    }
}
