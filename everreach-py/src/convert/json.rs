//! Python values to JSON and back.

use everreach_core::routing::Params;
use everreach_core::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use serde_json::{Map, Number, Value};

/// What JSON readers accept, ours among them; a list that contains itself ends here too.
const DEEPEST: usize = 120;
/// How many steps into a value an error names.
const SHOWN: usize = 8;

/// Where in a value something has no JSON form, innermost place first, and why.
struct Fault {
    path: Vec<String>,
    reason: String,
}

impl Fault {
    fn new(reason: impl Into<String>) -> Self {
        Self { path: Vec::new(), reason: reason.into() }
    }

    fn under(mut self, place: impl Into<String>) -> Self {
        self.path.push(place.into());
        self
    }

    fn into_error(self, field: &str) -> Error {
        let is_cut = self.path.len() > SHOWN;
        let mut place: String = self.path.into_iter().rev().take(SHOWN).collect();
        if is_cut {
            place.push('…');
        }
        Error::new(ErrorKind::InvalidInput, "the value has no JSON form")
            .with("field", format!("{field}{place}"))
            .with("seen", self.reason)
    }
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::new(error.to_string())
    }
}

/// A JSON value; `field` is what the caller calls it, for errors.
pub(crate) fn value(object: &Bound<'_, PyAny>, field: &str) -> Result<Value, Error> {
    from_python(object, 0).map_err(|fault| fault.into_error(field))
}

/// A JSON object; `None` counts as an empty one.
pub(crate) fn params(object: &Bound<'_, PyAny>, field: &str) -> Result<Params, Error> {
    if object.is_none() {
        return Ok(Params::new());
    }
    match value(object, field)? {
        Value::Object(params) => Ok(params),
        _ => Err(Error::new(ErrorKind::InvalidInput, "a mapping is wanted").with("field", field).with("seen", type_name(object))),
    }
}

fn from_python(object: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Fault> {
    if depth > DEEPEST {
        return Err(Fault::new(format!("more than {DEEPEST} levels, or a value that contains itself")));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Value::String(text.to_cow()?.into_owned()));
    }
    if let Ok(fields) = object.cast::<PyDict>() {
        // Over a copy: what a value is turned into may be computed by code of the user's, which may change the dict.
        return fields
            .copy()?
            .iter()
            .map(|(key, value)| entry(&key, &value, depth))
            .collect::<Result<Map<_, _>, _>>()
            .map(Value::Object);
    }
    if object.is_none() {
        return Ok(Value::Null);
    }
    // Before int, whose subclass it is.
    if let Ok(flag) = object.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if let Ok(number) = object.cast::<PyInt>() {
        return integer(number);
    }
    if let Ok(number) = object.cast::<PyFloat>() {
        let seen = number.extract::<f64>()?;
        return Number::from_f64(seen).map(Value::Number).ok_or_else(|| Fault::new(seen.to_string()));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.enumerate();
        return items
            .map(|(index, item)| from_python(&item?, depth + 1).map_err(|fault| fault.under(format!("[{index}]"))))
            .collect();
    }
    if let Ok(mapping) = object.cast::<PyMapping>() {
        let items = mapping.items()?;
        let pairs = items.iter().map(|pair| pair.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>());
        return pairs.map(|pair| pair.map_err(Fault::from).and_then(|(key, value)| entry(&key, &value, depth))).collect();
    }
    match plain(object) {
        Ok(stand_in) => from_python(&stand_in, depth + 1),
        Err(_) => Err(Fault::new(type_name(object))),
    }
}

/// What everybody expects in place of a date, a `Decimal`, a dataclass and the like.
fn plain<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static PLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    PLAIN.import(object.py(), "everreach._plain", "plain")?.call1((object,))
}

fn entry(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, depth: usize) -> Result<(String, Value), Fault> {
    let Ok(name) = key.cast::<PyString>() else {
        return Err(Fault::new(format!("a key of type {}", type_name(key))));
    };
    let name = name.to_cow()?.into_owned();
    match from_python(value, depth + 1) {
        Ok(value) => Ok((name, value)),
        Err(fault) => Err(fault.under(format!(".{name}"))),
    }
}

fn integer(number: &Bound<'_, PyInt>) -> Result<Value, Fault> {
    if let Ok(small) = number.extract::<i64>() {
        return Ok(small.into());
    }
    number.extract::<u64>().map(Value::from).map_err(|_| Fault::new("an integer of more than 64 bits"))
}

/// The name of a value's type.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// The Python value of some JSON.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => whole.into_pyobject(py)?.into_any(),
            (None, Some(whole)) => whole.into_pyobject(py)?.into_any(),
            (None, None) => number.as_f64().into_pyobject(py)?,
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_python(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(fields) => params_to_python(py, fields)?.into_any(),
    })
}

/// The dict of a JSON object.
pub(crate) fn params_to_python<'py>(py: Python<'py>, fields: &Params) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in fields {
        dict.set_item(name, to_python(py, value)?)?;
    }
    Ok(dict)
}
