//! Threads, event loops, and who waits for whom.
//!
//! # Law
//! - No lock of the core's is waited for, and no future of the core polled or dropped, while holding the interpreter's lock.
//! - Python code runs where its author expects it: a coroutine on its caller's loop, a plain function where it blocks nobody.
//! - What belongs to a process is not used by the children that it forks; what was started is ended before the interpreter ends.

pub(crate) mod awaiting;
pub(crate) mod callback;
pub(crate) mod caller;
pub(crate) mod callers;
pub(crate) mod coroutine;
mod fork;
pub(crate) mod frame;
pub(crate) mod logs;
mod once;
mod own_loops;
pub(crate) mod process;
pub(crate) mod start;
pub(crate) mod wait;
