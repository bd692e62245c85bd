//! Files that can be read in one sitting.

use crate::sources::{files, text};

const WARN: usize = 300;
const FAIL: usize = 400;
/// Longer files and the reason they are.
const ALLOWED: [(&str, &str); 0] = [];
/// Names that say nothing about what a file holds.
const EMPTY_NAMES: [&str; 6] = ["utils", "util", "common", "helpers", "misc", "types"];

#[test]
fn no_source_file_is_longer_than_400_lines() {
    let mut wrong = Vec::new();
    for folder in ["everreach-core/src", "everreach-py/src", "everreach-server/src", "tests", "benches", "examples"] {
        for path in files(folder, ".rs") {
            let name = path.to_string_lossy();
            let lines = text(&name).lines().count();
            if lines > FAIL && !ALLOWED.iter().any(|(allowed, _)| *allowed == name) {
                wrong.push(format!("{name}: {lines} lines"));
            } else if lines > WARN {
                eprintln!("warning: {name} has {lines} lines");
            }
        }
    }
    assert!(wrong.is_empty(), "split by idea, or list the file with a reason:\n{}", wrong.join("\n"));
}

#[test]
fn no_file_or_folder_has_a_name_that_says_nothing() {
    for folder in ["everreach-core/src", "everreach-py/src", "everreach-server/src", "tests"] {
        for path in files(folder, ".rs") {
            for part in path.with_extension("").components() {
                let part = part.as_os_str().to_string_lossy();
                assert!(!EMPTY_NAMES.contains(&part.as_ref()), "{}: `{part}` says nothing about what it holds", path.display());
            }
        }
    }
}
