//! Both databases take the same steps.

use std::path::PathBuf;

use crate::sources::{files, text};

fn names(folder: &str) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    files(folder, ".sql").iter().map(name).collect()
}

#[test]
fn both_databases_have_the_same_numbered_steps() {
    let sqlite = names("migrations/sqlite");
    assert_eq!(sqlite, names("migrations/postgres"));
    for (index, name) in sqlite.iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", index + 1)), "{name} is out of order");
    }
}

#[test]
fn every_step_is_taken_by_the_program() {
    let program = text("everreach-core/src/store/migrate.rs");
    for name in names("migrations/sqlite") {
        assert!(
            program.contains(&format!("sqlite/{name}")) && program.contains(&format!("postgres/{name}")),
            "{name} is not listed"
        );
    }
}

#[test]
fn both_databases_have_the_same_tables_and_columns() {
    for name in names("migrations/sqlite") {
        let (sqlite, postgres) = (text(&format!("migrations/sqlite/{name}")), text(&format!("migrations/postgres/{name}")));
        assert_eq!(columns(&sqlite), columns(&postgres), "{name} differs");
    }
}

/// Table names and the first word of each column line.
fn columns(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in sql.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix("CREATE TABLE ") {
            found.push(table.trim_start_matches("IF NOT EXISTS ").split(' ').next().unwrap_or_default().to_owned());
            inside = true;
        } else if line.starts_with(')') {
            inside = false;
        } else if inside && !line.starts_with("--") {
            found.push(line.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    found
}
