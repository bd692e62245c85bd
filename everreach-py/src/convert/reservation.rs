//! Reservations of money.

use everreach_core::cost::{CostRequest, Reservation};
use everreach_core::{Error, ErrorKind, Id, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::envelope::usd;
use crate::convert::{json, money};

/// The `everreach.Reservation` of a reservation.
pub(crate) fn to_python<'py>(py: Python<'py>, reservation: &Reservation) -> PyResult<Bound<'py, PyAny>> {
    let fields = PyDict::new(py);
    fields.set_item("id", reservation.id.to_string())?;
    fields.set_item("month", &reservation.month)?;
    fields.set_item("action", reservation.action.as_str())?;
    fields.set_item("usd", usd(reservation.amount))?;
    fields.set_item("essential", reservation.is_essential)?;
    py.import("everreach.traits")?.getattr("Reservation")?.call((), Some(&fields))
}

/// The reservation that an `everreach.Reservation` stands for.
pub(crate) fn from_python(object: &Bound<'_, PyAny>) -> Result<Reservation> {
    let text = |name: &str| object.getattr(name).and_then(|field| field.extract::<String>());
    let read = || -> PyResult<_> {
        Ok((text("id")?, text("month")?, text("action")?, object.getattr("usd")?, object.getattr("essential")?.is_truthy()?))
    };
    let (id, month, action, held, essential) = read().map_err(|raised| {
        Error::new(ErrorKind::InvalidInput, "a Reservation is wanted, as reserve() returns it")
            .with("seen", json::type_name(object))
            .with("cause", raised)
    })?;
    let request = CostRequest::new(action.parse()?, money::amount(&held, "usd")?);
    let request = if essential { request.essential() } else { request };
    Ok(Reservation::new(id.parse::<Id>()?, month, &request))
}
