//! The file of people who are never written to.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use everreach_core::notify::Notifier;
use everreach_core::safari::CommandStatus;
use everreach_core::safari::worker::{DenyListFile, WorkerConfig};
use everreach_core::testing::ScriptedDispatcher;
use everreach_core::{ErrorKind, Result};
use tokio::sync::Mutex;

use super::world::{World, both};

#[derive(Default)]
struct Told(Mutex<Vec<String>>);

#[async_trait]
impl Notifier for Told {
    async fn notify(&self, message: &str) -> Result<()> {
        self.0.lock().await.push(message.to_owned());
        Ok(())
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("it is written");
}

#[test]
fn a_file_that_cannot_be_used_is_refused_at_the_start_by_name_and_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("deny.txt");
    write(&path, "me\ntwo words\n");
    for (path, part) in
        [(path.as_path(), "2"), (folder.path(), "SAFARI_DENY_LIST_FILE"), (Path::new("nowhere.txt"), "nowhere.txt")]
    {
        let error = DenyListFile::open(path).expect_err("it cannot be used");
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains(part) && error.to_string().contains("SAFARI_DENY_LIST_FILE"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_read_again_when_it_changes_and_the_last_good_list_holds() {
    for store in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deny.txt");
        write(&path, "twitter:bob\n");
        let file = Arc::new(DenyListFile::open(&path).expect("a file"));
        let mut world = World::new(store, ScriptedDispatcher::new([]));
        world.worker = world.configured(WorkerConfig::new("mac-1", &world.config).with_deny_list(file));
        let ids = world.enqueue(["bob", "eve", "dan", "gus"].map(|name| world.dm(name))).await;
        assert_eq!(world.worker.run_once(2).await.expect("a run").completed, 2);
        assert_eq!(world.status(ids[0]).await, CommandStatus::Failed);
        assert_eq!(world.get(ids[0]).await.entry.command.result.expect("a result")["reason"], "deny_list");

        write(&path, "twitter:bob\ngus\n");
        world.worker.run_once(9).await.expect("a run");
        assert_eq!(world.status(ids[3]).await, CommandStatus::Failed, "who was added is not written to");

        let told = Told::default();
        write(&path, "twitter:bob\ntwo words here\n");
        let late = world.enqueue([world.dm("gus"), world.dm("hal")]).await;
        world.worker.run_once(9).await.expect("a run");
        assert_eq!((world.status(late[0]).await, world.status(late[1]).await), (CommandStatus::Failed, CommandStatus::Completed));
        std::fs::remove_file(&path).expect("it is removed");
        world.enqueue([world.dm("gus")]).await;
        world.worker.run_once(9).await.expect("a run");
        world.alerts.send_due(&told).await.expect("they are sent");
        let messages = told.0.lock().await.clone();
        assert!(
            messages.len() == 1 && messages[0].contains("two words here") && messages[0].contains("still holds"),
            "{messages:?}"
        );
        assert!(
            world.dispatcher.seen().iter().all(|seen| seen.contact().is_some_and(|who| !["bob", "gus"].contains(&who.handle())))
        );
    }
}
