//! The native half of the wheel `everreach`: conversions between the core and Python, nothing else. What Python programs see is
//! written in Python, in `python/everreach`.

mod awaiting;
mod callback;
mod caller;
mod classifier;
mod cli;
mod coroutine;
mod cost;
mod cost_guard;
mod envelope;
mod errors;
mod executor;
mod json;
mod logs;
mod money;
mod once;
mod orchestrator;
mod own_loop;
mod process;
mod registry;
mod request;
mod settings;
mod table;
mod testing;
mod wait;

#[pyo3::pymodule]
mod _everreach {
    #[pymodule_export]
    use crate::cli::main;
    #[pymodule_export]
    use crate::cost::NativeCostGuard;
    #[pymodule_export]
    use crate::orchestrator::Orchestrator;
    #[pymodule_export]
    use crate::table::{PyActionClassifier, PyRouteTable};

    #[pymodule_export]
    use crate::testing::{check_classifier, check_cost_guard, check_executor};

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods as _;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
