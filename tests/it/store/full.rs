//! A disk that fills up, and has room again.

use std::path::Path;

use everreach_core::ErrorKind;
use everreach_core::store::{Db, Store, StoreConfig};
use tokio::process::Command;

use crate::crash::child::{Child, Job, Report, report};
use crate::support::store::{execute, number};

/// The child's job, on a file system of 4 MiB of its own.
pub(crate) async fn fill(folder: &str) {
    let folder = Path::new(folder);
    let ballast = folder.join("ballast");
    let store = Store::open(&StoreConfig::new(format!("sqlite://{}/full.db", folder.display()))).await.expect("it opens");
    execute(&store, "CREATE TABLE notes (part BIGINT NOT NULL, text TEXT NOT NULL)").await;
    insert(&store, 1_000).await.expect("there is room");
    occupy(&ballast);

    let mut written = 1_u64;
    let error = loop {
        match insert(&store, 200_000).await {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 100, "the disk never fills");
    };
    report(&Report::Refused(error.kind().code().to_owned(), error.to_string()));
    for _ in 0..5 {
        let error = insert(&store, 400_000).await.expect_err("still full");
        assert_eq!(error.kind(), ErrorKind::StoreUnavailable, "{error:?}");
    }
    halves(&store, written).await;

    std::fs::remove_file(&ballast).expect("room is made");
    insert(&store, 200_000).await.expect("there is room again");
    halves(&store, written + 1).await;
    let unsound = "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
    assert_eq!(number(&store, unsound).await, 0);
    store.close().await;
}

/// Leaves about half a mebibyte.
fn occupy(ballast: &Path) {
    std::fs::write(ballast, vec![0_u8; 3 << 20]).expect("there is room for ballast");
}

/// Two rows of so many bytes in one write.
async fn insert(store: &Store, bytes: usize) -> everreach_core::Result<()> {
    store
        .write(move |db| {
            Box::pin(async move {
                let Db::Sqlite(connection) = db else { unreachable!("it is a file") };
                for part in [1, 2] {
                    let text = "x".repeat(bytes / 2);
                    sqlx::query("INSERT INTO notes VALUES ($1, $2)").bind(part).bind(text).execute(&mut *connection).await?;
                }
                Ok(())
            })
        })
        .await
}

/// No write was kept by half.
async fn halves(store: &Store, written: u64) {
    let written = i64::try_from(written).expect("few");
    for part in [1, 2] {
        assert_eq!(number(store, format!("SELECT COUNT(*) FROM notes WHERE part = {part}")).await, written);
    }
}

/// How to get a mount that nobody else sees and that goes with its process: as root, as a user, with sudo.
const NAMESPACES: [&[&str]; 3] = [
    &["unshare", "--mount"],
    &["unshare", "--user", "--map-root-user", "--mount"],
    &["sudo", "-n", "--preserve-env", "unshare", "--mount"],
];
const MOUNT: &str = "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$@\"";

/// Runs a program with 4 MiB of its own at this folder.
fn on_small_disk(namespace: &[&str], folder: &Path, program: &Path) -> Command {
    let mut command = Command::new(namespace[0]);
    command.args(&namespace[1..]).args(["sh", "-c", MOUNT]).arg(folder).arg(program);
    command
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_writes_whole_and_takes_them_again_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut namespace = None;
    for candidate in NAMESPACES {
        let tried = on_small_disk(candidate, folder.path(), Path::new("true")).output().await;
        if tried.is_ok_and(|output| output.status.success()) {
            namespace = Some(candidate);
            break;
        }
    }
    let namespace = namespace.expect("a small file system can be mounted: as root, in a user namespace, or with sudo");
    let program = std::env::current_exe().expect("the test binary has a path");
    let job = Job::FillDisk { folder: folder.path().display().to_string() };
    let reports = Child::start_through(on_small_disk(namespace, folder.path(), &program), &job).finish().await;
    let [Report::Refused(word, text), Report::Done] = &reports[..] else { panic!("{reports:?}") };
    assert_eq!(word, "store_unavailable", "{text}");
    assert!(text.contains("full"), "it says why: {text}");
}
