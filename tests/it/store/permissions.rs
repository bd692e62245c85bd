//! Files and folders that may not be written, in a process without rights of its own.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use tokio::process::Command;

use super::File;
use crate::crash::child::{Child, Job, Report};

/// Root may write everywhere; without these two it is bound by a file's mode like anybody else. Another user would not do: the
/// checkout may lie where only its owner may look, and the test binary with it.
const RIGHTS_OF_ROOT: &str = "-dac_override,-dac_read_search";

fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// Runs what follows bound by the modes of files.
fn without_rights_of_root() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set", RIGHTS_OF_ROOT, "--inh-caps", RIGHTS_OF_ROOT]);
    command.arg(std::env::current_exe().expect("the test binary has a path"));
    command
}

/// Tries to open the file as somebody bound by its mode; returns the error's word and text.
async fn refusal(file: &File) -> (String, String) {
    let job = Job::Open { url: file.url() };
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|of_process| of_process.uid() == 0);
    let child = if is_root { Child::start_through(without_rights_of_root(), &job) } else { Child::start(&job) };
    let mut reports = child.finish().await;
    match reports.remove(0) {
        Report::Refused(word, text) => (word, text),
        other => panic!("{other:?}"),
    }
}

async fn opening_names_the_file(file: &File) {
    let (word, text) = refusal(file).await;
    assert_eq!(word, "store_unavailable", "{text}");
    assert!(text.contains(&file.path().display().to_string()), "{text}");
    assert!(text.contains("may be written"), "{text}");
}

#[tokio::test]
async fn a_file_that_may_only_be_read_is_refused_at_once_by_name() {
    let file = File::new();
    file.open().await.close().await;
    allow(&file.path(), 0o444);
    allow(file.folder.path(), 0o777);
    opening_names_the_file(&file).await;
}

#[tokio::test]
async fn a_file_in_a_folder_that_may_only_be_read_is_refused_by_name() {
    let file = File::new();
    file.open().await.close().await;
    allow(&file.path(), 0o666);
    allow(file.folder.path(), 0o555);
    opening_names_the_file(&file).await;
    allow(file.folder.path(), 0o755);
}

#[tokio::test]
async fn a_folder_in_which_nothing_can_be_made_is_refused_by_name() {
    let file = File::new();
    allow(file.folder.path(), 0o555);
    opening_names_the_file(&file).await;
    allow(file.folder.path(), 0o755);
}

#[tokio::test]
async fn an_empty_file_that_may_only_be_read_is_refused_by_name() {
    let file = File::new();
    std::fs::write(file.path(), "").expect("an empty file");
    allow(&file.path(), 0o444);
    allow(file.folder.path(), 0o777);
    opening_names_the_file(&file).await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let file = File::new();
    std::fs::write(file.path(), "this is a letter, not a database, however long one looks at it".repeat(20)).expect("a letter");
    let error = everreach_core::store::Store::open(&file.config()).await.expect_err("no database");
    assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
    assert!(std::fs::read_to_string(file.path()).expect("it is there").starts_with("this is a letter"));
}
