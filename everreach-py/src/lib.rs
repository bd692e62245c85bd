//! The native half of the wheel `everreach`: conversions between the core and Python, nothing else. What Python programs see is
//! written in Python, in `python/everreach`.

mod bridge;
mod cli;
mod convert;
mod cost;
mod implement;
mod opened;
mod orchestrator;
mod request;
mod safari;
mod state_sync;
mod sync_bus;
mod table;
mod testing;

#[pyo3::pymodule]
mod _everreach {
    #[pymodule_export]
    use crate::cli::main;
    #[pymodule_export]
    use crate::cost::NativeCostGuard;
    #[pymodule_export]
    use crate::orchestrator::Orchestrator;
    #[pymodule_export]
    use crate::safari::NativeSafariQueue;
    #[pymodule_export]
    use crate::state_sync::NativeStateSync;
    #[pymodule_export]
    use crate::sync_bus::{NativeSubscription, NativeSyncBus};
    #[pymodule_export]
    use crate::table::{PyActionClassifier, PyRouteTable};

    #[pymodule_export]
    use crate::testing::{check_classifier, check_cost_guard, check_executor, check_safari_dispatcher};

    #[pymodule_init]
    fn init(module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        use pyo3::types::PyModuleMethods as _;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
