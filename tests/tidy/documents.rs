//! What the documents name exists, and what exists is documented.

use everreach_server::settings::table;

use crate::sources::{root, text};

/// Words in backticks that look like paths of this repository.
fn named_paths(document: &str) -> Vec<String> {
    let tops = [
        "everreach-core/",
        "everreach-py/",
        "everreach-server/",
        "migrations/",
        "tests/",
        "benches/",
        "examples/",
        "docs/",
        "scripts/",
        "k8s/",
        "infra/",
        "docker/",
    ];
    let quoted = document.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| tops.iter().any(|top| word.starts_with(top)) && !word.contains(['*', '{', '<', ' ']))
        .map(str::to_owned)
        .collect()
}

#[test]
fn paths_named_in_the_documents_exist() {
    for document in ["ARCHITECTURE.md", "README.md"] {
        let named = named_paths(&text(document));
        assert!(!named.is_empty(), "{document} names no path");
        for path in named {
            assert!(root().join(&path).exists(), "{document} names {path}, which does not exist");
        }
    }
}

#[test]
fn every_setting_is_in_the_example_environment() {
    let example = text(".env.example");
    let names: Vec<_> = table::all().map(|setting| setting.env).collect();
    assert!(names.contains(&"EVERREACH_ENV"));
    for name in names {
        assert!(example.contains(name), ".env.example does not mention {name}");
    }
}
