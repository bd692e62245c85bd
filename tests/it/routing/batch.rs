//! Many calls at once: in order, a few at a time, each for itself.

use std::num::NonZeroUsize;

use super::*;

fn at_once(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("not zero")
}

fn silent() -> Arc<dyn Fn(usize) + Send + Sync> {
    Arc::new(|_| {})
}

fn videos(count: u64) -> Vec<RouteRequest> {
    (0..count).map(|number| call("content.analyze_video", json!({"video": number}))).collect()
}

#[tokio::test]
async fn ten_videos_are_answered_in_order_and_a_failure_stops_nobody() {
    let bench = Bench::sqlite();
    let local = Hand::new(|call| match call.params["video"].as_u64() {
        Some(3) => Execution::failed(Outcome::Executed, Error::new(ErrorKind::HandlerError, "no such file")),
        number => Execution::done(json!({"video": number, "score": 80})),
    });
    let runtime = bench.start(Mode::Hybrid, &local, &Hand::working("there")).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hears = Arc::clone(&heard);
    let progress = Arc::new(move |finished| hears.lock().expect("nobody panicked").push(finished));
    let answers = runtime.batch(videos(10), at_once(3), progress).await;
    assert_eq!(answers.len(), 10);
    for (number, answer) in answers.iter().enumerate() {
        assert_eq!(answer.source, Some(Source::Local));
        if number == 3 {
            assert_eq!(glance(answer), (Some(Source::Local), Outcome::Executed, Some(ErrorKind::HandlerError), 1));
        } else {
            assert_eq!(answer.result, Some(json!({"video": number, "score": 80})));
        }
    }
    assert_eq!(*heard.lock().expect("nobody panicked"), (1..=10).collect::<Vec<_>>());
    assert_eq!(local.most_at_once(), 3);
    stop(runtime).await;
}

#[tokio::test]
async fn never_more_than_asked_for_run_at_once_and_never_fewer_than_there_is_work_for() {
    for (width, calls, most) in [(1, 6, 1), (3, 7, 3), (50, 8, 8)] {
        let (bench, local) = (Bench::sqlite(), Hand::working("here"));
        let runtime = bench.start(Mode::Local, &local, &Hand::working("there")).await;
        local.close_gate();
        let running = runtime.clone();
        let batch = tokio::spawn(async move { running.batch(videos(calls), at_once(width), silent()).await });
        local.begun(most).await;
        local.open_gate();
        assert_eq!(batch.await.expect("answers").len(), usize::try_from(calls).expect("few"));
        assert_eq!(local.most_at_once(), most, "{width}");
        stop(runtime).await;
    }
}

#[tokio::test]
async fn one_that_is_late_does_not_hold_the_others_up() {
    let bench = Bench::sqlite();
    let (here, there) = (Hand::working("here"), Hand::working("there"));
    here.close_gate();
    let runtime = bench.start(Mode::Hybrid, &here, &there).await;
    let mut requests = videos(1);
    requests[0].timeout = Some(Duration::from_millis(30));
    requests.extend((0..5).map(|_| stats()));
    let answers = runtime.batch(requests, at_once(2), silent()).await;
    assert_eq!(answers[0].error, Some(ErrorKind::Timeout));
    assert!(answers[1..].iter().all(|answer| answer.ok));
    stop(runtime).await;
}

#[tokio::test]
async fn an_empty_batch_is_done_and_the_same_message_twice_in_one_is_sent_once() {
    let (bench, cloud) = (Bench::sqlite(), Hand::working("there"));
    let runtime = bench.start(Mode::Hybrid, &Hand::working("here"), &cloud).await;
    assert!(runtime.batch(Vec::new(), at_once(3), silent()).await.is_empty());
    let answers = runtime.batch(vec![dm("hi"), dm("hi"), dm("ho")], at_once(1), silent()).await;
    assert_eq!(answers.iter().map(|answer| answer.replayed).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(cloud.count(), 2);
    stop(runtime).await;
}
