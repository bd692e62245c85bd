//! What the documents name exists, and what exists is documented.

use crate::sources::{files, is_test_file, root, text, without_tests};

/// Words in backticks that look like paths of this repository.
fn named_paths(document: &str) -> Vec<String> {
    let tops = [
        "everreach-core/",
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
    let sources = files("everreach-server/src/settings", ".rs").into_iter().filter(|path| !is_test_file(path));
    let table: String = sources.map(|path| without_tests(&text(&path.to_string_lossy())).to_owned()).collect();
    let names: Vec<&str> = table
        .split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.len() > 5 && word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        })
        .collect();
    assert!(names.contains(&"EVERREACH_ENV"), "the settings' table was not found");
    for name in names {
        assert!(example.contains(name), ".env.example does not mention {name}");
    }
}
