//! A Rust closure that Python calls once.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

type Work = Box<dyn FnOnce(&Bound<'_, PyTuple>) -> PyResult<()> + Send>;

/// Callable once; later calls do nothing.
#[pyclass(frozen)]
pub(crate) struct Once {
    work: Mutex<Option<Work>>,
}

impl Once {
    pub(crate) fn new(work: impl FnOnce(&Bound<'_, PyTuple>) -> PyResult<()> + Send + 'static) -> Self {
        Self { work: Mutex::new(Some(Box::new(work))) }
    }
}

#[pymethods]
impl Once {
    #[pyo3(signature = (*arguments))]
    fn __call__(&self, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.map_or(Ok(()), |work| work(arguments))
    }
}
