//! The command line, for the console script.

use everreach_server::commands;
use pyo3::prelude::*;

/// Runs the command line with these arguments, the program's name first, and returns its exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, arguments: Vec<String>) -> u8 {
    py.detach(|| commands::main_with(arguments).code())
}
