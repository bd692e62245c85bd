//! Imports in the core go down only.

use crate::sources::{files, is_test_file, text, without_tests};

/// The core's modules from the ground up. A module imports from those before it; within a floor that order holds too, so that
/// there are no cycles.
const FLOORS: [(u8, &[&str]); 5] = [
    (0, &["error", "clock", "id", "money", "env", "action", "event"]),
    (1, &["store", "events"]),
    (2, &["secret", "http", "retry", "breaker", "lease", "ledger", "stop", "approval", "access", "notify"]),
    (3, &["cost", "failover", "sync", "routing", "schedule", "safari", "relay", "supervisor", "swarm", "mcp"]),
    (4, &["runtime"]),
];

/// What the crate's root re-exports, by the module it comes from; `use crate::Name` means that module.
const FLAT: [(&str, &[&str]); 7] = [
    ("error", &["Error", "ErrorKind", "Result", "Retry"]),
    ("clock", &["Clock", "SharedClock", "SystemClock", "Timestamp"]),
    ("id", &["Id"]),
    ("money", &["MicroUsd"]),
    ("env", &["Mode", "Side"]),
    ("action", &["ActionName", "CachedResult", "Effect", "Envelope", "Outcome", "Source"]),
    ("event", &["Event"]),
];

fn place(module: &str) -> Option<(u8, usize)> {
    FLOORS.iter().find_map(|(floor, modules)| modules.iter().position(|name| *name == module).map(|at| (*floor, at)))
}

/// The first path segments after `crate::`, groups opened.
fn imported(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in source.match_indices("crate::") {
        let is_ours = !source[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let rest = &source[at + "crate::".len()..];
        if !is_ours {
            continue;
        }
        if let Some(group) = rest.strip_prefix('{') {
            let group = &group[..group.find("};").or_else(|| group.find('}')).unwrap_or(group.len())];
            names.extend(top_level(group));
        } else {
            names.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    names
}

fn top_level(group: &str) -> Vec<String> {
    let mut depth = 0_u32;
    let mut names = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(String::new()),
            c if depth == 0 && !c.is_whitespace() => names.last_mut().expect("never empty").push(c),
            _ => {}
        }
    }
    let head = |name: &String| name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    names.iter().map(head).filter(|name| !name.is_empty()).collect()
}

fn module_of(name: &str) -> String {
    FLAT.iter().find(|(_, names)| names.contains(&name)).map_or_else(|| name.to_owned(), |(module, _)| (*module).to_owned())
}

#[test]
fn imports_in_the_core_go_down_only() {
    let mut wrong = Vec::new();
    for path in files("everreach-core/src", ".rs") {
        let inner = path.strip_prefix("everreach-core/src").expect("a core file");
        let module = inner.components().next().expect("a name").as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned();
        if matches!(module.as_str(), "lib" | "testing" | "prelude") || is_test_file(&path) {
            continue;
        }
        let Some(own) = place(&module) else {
            wrong.push(format!("{}: the module `{module}` has no floor", path.display()));
            continue;
        };
        let source = text(&path.to_string_lossy());
        let code: String =
            without_tests(&source).lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for name in imported(&code) {
            let from = module_of(&name);
            if from == module || name.is_empty() {
                continue;
            }
            match place(&from) {
                Some(other) if other < own => {}
                Some(_) => {
                    wrong.push(format!("{}: imports `{name}` from `{from}`, which is not below `{module}`", path.display()))
                }
                None => wrong.push(format!("{}: imports `{name}`, which has no floor", path.display())),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The wheel's folders from the ground up; the files beside them are above all three.
const WHEEL: [&str; 3] = ["convert", "bridge", "implement"];

#[test]
fn imports_in_the_wheel_go_down_only() {
    let place = |module: &str| WHEEL.iter().position(|folder| *folder == module).unwrap_or(WHEEL.len());
    let mut wrong = Vec::new();
    for folder in WHEEL {
        for path in files(&format!("everreach-py/src/{folder}"), ".rs") {
            let names = imported(&text(&path.to_string_lossy()));
            wrong.extend(
                names.iter().filter(|name| place(name) > place(folder)).map(|name| format!("{}: {name}", path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn sql_stands_in_files_called_store_only() {
    let statements = ["SELECT ", "INSERT INTO", "UPDATE everreach", "DELETE FROM", "CREATE TABLE"];
    let mut wrong = Vec::new();
    for folder in ["everreach-core/src", "everreach-py/src", "everreach-server/src"] {
        for path in files(folder, ".rs") {
            let is_store = path.ends_with("store.rs") || path.to_string_lossy().contains("/src/store/");
            if is_store || is_test_file(&path) {
                continue;
            }
            let source = text(&path.to_string_lossy());
            wrong.extend(
                without_tests(&source)
                    .lines()
                    .filter(|line| {
                        !line.trim_start().starts_with("//") && statements.iter().any(|word| line.contains(&format!("\"{word}")))
                    })
                    .map(|line| format!("{}: {}", path.display(), line.trim())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_settings_read_the_environment() {
    let mut wrong = Vec::new();
    for folder in ["everreach-core/src", "everreach-py/src", "everreach-server/src"] {
        for path in files(folder, ".rs") {
            let allowed = path.starts_with("everreach-server/src/settings");
            let source = text(&path.to_string_lossy());
            if !allowed && !is_test_file(&path) && without_tests(&source).contains("env::var") {
                wrong.push(path.display().to_string());
            }
        }
    }
    assert!(wrong.is_empty(), "these read the environment: {}", wrong.join(", "));
}

#[test]
fn groups_and_paths_of_imports_are_both_understood() {
    let source = "use crate::store::Db;\nuse crate::{ActionName, cost::{A, B}, Result};\nlet x = crate::routing::Y;";
    assert_eq!(imported(source), ["store", "ActionName", "cost", "Result", "routing"]);
}
