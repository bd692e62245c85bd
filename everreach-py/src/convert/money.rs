//! Amounts of money from Python numbers.

use everreach_core::{Error, ErrorKind, MicroUsd};
use pyo3::prelude::*;
use pyo3::types::PyFloat;

/// Dollars as an int, a float, a `Decimal` or a decimal text. A float is taken to the ninth place, so that 0.1 + 0.2 is 0.3.
pub(crate) fn amount(usd: &Bound<'_, PyAny>, field: &str) -> Result<MicroUsd, Error> {
    let text = match usd.cast::<PyFloat>() {
        Ok(float) => float.extract::<f64>().map(|dollars| format!("{dollars:.9}")),
        Err(_) => usd.str().map(|text| text.to_string()),
    };
    let seen = text.unwrap_or_default();
    // Python's digit groups are no decimal text.
    if seen.contains('_') {
        return Err(Error::new(ErrorKind::InvalidInput, "an amount is a number of dollars")
            .with("field", field)
            .with("seen", seen));
    }
    seen.parse().map_err(|error: Error| {
        Error::new(ErrorKind::InvalidInput, error.message().to_owned()).with("field", field).with("seen", seen)
    })
}
