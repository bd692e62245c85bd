//! The OpenAPI document against its committed snapshot, so that a change of the surface is seen in review.

use everreach_server::openapi::document;

#[test]
fn the_openapi_document_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let now = document();
    if committed != now {
        let fresh = format!("{path}.new");
        std::fs::write(&fresh, &now).expect("the new document is written");
        panic!("the HTTP surface changed: compare {fresh} with {path}, and rename it if the change is meant");
    }
}

#[test]
fn every_route_describes_its_refusals() {
    let document: serde_json::Value = serde_json::from_str(&document()).expect("json");
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.len() >= 20, "{} paths", paths.len());
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            let is_probe = matches!(path.as_str(), "/livez" | "/readyz" | "/health");
            assert_eq!(responses.contains_key("401"), !is_probe, "{method} {path}");
            if operation.get("requestBody").is_some() {
                assert!(["400", "413", "415", "422"].iter().all(|status| responses.contains_key(*status)), "{method} {path}");
            }
        }
    }
}
