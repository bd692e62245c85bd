//! `/api/safari/…` over a real runtime, with a double of the services.

mod campaigns;
mod commands;
mod databases;
mod enqueue;
mod looking;
mod people;

use serde_json::Value;

/// The fields of an object, in order.
fn fields(value: &Value) -> Vec<&str> {
    let mut fields: Vec<_> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    fields
}

/// The fields that the OpenAPI document promises for a shape, the optional ones left out.
fn promised(shape: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(&everreach_server::openapi::document()).expect("json");
    let required = document["components"]["schemas"][shape]["required"].as_array().expect("required fields").clone();
    let mut fields: Vec<_> = required.iter().map(|field| field.as_str().expect("a name").to_owned()).collect();
    fields.sort_unstable();
    fields
}
