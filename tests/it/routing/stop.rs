//! The stop switch in front of calls.

use std::num::NonZeroUsize;

use super::*;

#[tokio::test]
async fn nothing_but_reads_starts_while_it_is_set() {
    let (bench, local, cloud) = (Bench::sqlite(), Hand::working("here"), Hand::working("there"));
    let runtime = bench.start(Mode::Local, &local, &cloud).await;
    runtime.stop_switch().stop(Some("too many complaints")).await.expect("it stops");
    for action in ["dm.send", "content.generate", "crm.create_contact", "acd.start_harness", "brand_new.topic"] {
        let envelope = runtime.route(call(action, json!({"text": "hi"}))).await;
        assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::Stopped), 0), "{action}");
        assert!(envelope.detail.expect("a sentence").contains("too many complaints"));
    }
    assert!(runtime.route(stats()).await.ok);
    assert_eq!(local.count(), 1);
    runtime.stop_switch().resume().await.expect("it resumes");
    assert!(runtime.route(dm("hi")).await.ok);
    stop(runtime).await;
}

#[tokio::test]
async fn a_file_in_the_data_folder_stops_at_once_too() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    std::fs::write(bench.folder.path().join("STOP"), "").expect("a file");
    assert_eq!(runtime.route(dm("hi")).await.error, Some(ErrorKind::Stopped));
    std::fs::remove_file(bench.folder.path().join("STOP")).expect("the file is there");
    assert!(runtime.route(dm("hi")).await.ok);
    assert_eq!(local.count(), 1);
    stop(runtime).await;
}

#[tokio::test]
async fn set_in_the_middle_of_a_batch_it_stops_what_has_not_begun() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
    local.close_gate();
    let running = runtime.clone();
    let width = NonZeroUsize::new(2).expect("not zero");
    let messages: Vec<_> = (0..8).map(|number| dm(&format!("message {number}"))).collect();
    let batch = tokio::spawn(async move { running.batch(messages, width, Arc::new(|_| {})).await });
    local.begun(2).await;
    runtime.stop_switch().stop(None).await.expect("it stops");
    local.open_gate();
    let answers = batch.await.expect("answers");
    let errors: Vec<_> = answers.iter().map(|answer| answer.error).collect();
    assert_eq!(errors, [&[None; 2][..], &[Some(ErrorKind::Stopped); 6]].concat());
    assert_eq!(local.count(), 2);
    stop(runtime).await;
}

#[tokio::test]
async fn set_between_two_tries_it_stops_the_second() {
    let (bench, local) = (Bench::sqlite(), Hand::working("here"));
    let file = bench.folder.path().join("STOP");
    let cloud = Hand::new(move |_| {
        std::fs::write(&file, "").expect("a file");
        Execution::failed(Outcome::NotExecuted, Error::new(ErrorKind::RateLimited, "later"))
    });
    let runtime = bench.start(Mode::Hybrid, &local, &cloud).await;
    let envelope = runtime.route(dm("hi")).await;
    assert_eq!(glance(&envelope), (None, Outcome::NotExecuted, Some(ErrorKind::Stopped), 1));
    assert_eq!((local.count(), cloud.count()), (0, 1));
    stop(runtime).await;
}
