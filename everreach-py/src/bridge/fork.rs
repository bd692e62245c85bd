//! SQLite stands still while this process is forked. A child has a copy of the parent's memory and none of its threads: a lock of
//! SQLite's that one of those held in that instant is never let go in the child, and the first database it opens waits for ever.
//! So the thread that forks takes these locks before, and lets go of them in both processes after, as the C library does with those
//! of its allocator.

use std::ffi::c_int;

use libsqlite3_sys::{
    SQLITE_MUTEX_STATIC_LRU, SQLITE_MUTEX_STATIC_MAIN, SQLITE_MUTEX_STATIC_MEM, SQLITE_MUTEX_STATIC_OPEN,
    SQLITE_MUTEX_STATIC_PMEM, SQLITE_MUTEX_STATIC_PRNG, SQLITE_MUTEX_STATIC_VFS1,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::wrap_pyfunction;

/// SQLite's locks for the whole process, those first that it holds while it takes another (version 3.51).
const LOCKS: [c_int; 7] = [
    SQLITE_MUTEX_STATIC_OPEN,
    SQLITE_MUTEX_STATIC_VFS1,
    SQLITE_MUTEX_STATIC_PRNG,
    SQLITE_MUTEX_STATIC_MAIN,
    SQLITE_MUTEX_STATIC_LRU,
    SQLITE_MUTEX_STATIC_PMEM,
    SQLITE_MUTEX_STATIC_MEM,
];

/// From now on SQLite stands still at each fork of this interpreter and of its children. `subprocess` does not call this: what it
/// starts is another program.
pub(crate) fn watch(py: Python<'_>) -> PyResult<()> {
    let hooks = PyDict::new(py);
    hooks.set_item("before", wrap_pyfunction!(hold, py)?)?;
    hooks.set_item("after_in_parent", wrap_pyfunction!(release, py)?)?;
    hooks.set_item("after_in_child", wrap_pyfunction!(release, py)?)?;
    let _none = py.import("os")?.call_method("register_at_fork", (), Some(&hooks))?;
    Ok(())
}

#[pyfunction]
#[pyo3(name = "_hold_sqlite")]
fn hold(py: Python<'_>) {
    // Another thread that forks holds them, and needs the interpreter's lock to go on.
    py.detach(|| {
        for lock in LOCKS {
            #[allow(unsafe_code, reason = "the bindings to SQLite are C")]
            // SAFETY: the numbers are those of static mutexes, which SQLite makes on demand and never frees. Whether the pointer is null
            // (SQLite failed to start) is SQLite's own concern: it does nothing then. This thread holds none of them: it comes from
            // Python, and nothing of SQLite calls Python.
            unsafe {
                libsqlite3_sys::sqlite3_mutex_enter(libsqlite3_sys::sqlite3_mutex_alloc(lock));
            }
        }
    });
}

#[pyfunction]
#[pyo3(name = "_release_sqlite")]
fn release() {
    for lock in LOCKS.into_iter().rev() {
        #[allow(unsafe_code, reason = "the bindings to SQLite are C")]
        // SAFETY: as above; `hold` has run on this thread, which is the only one that the child has.
        unsafe {
            libsqlite3_sys::sqlite3_mutex_leave(libsqlite3_sys::sqlite3_mutex_alloc(lock));
        }
    }
}
