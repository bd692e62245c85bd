//! Answers that do not come: silence, resets, and processes that die.

use everreach_core::safari::Service;

use super::stage::{COMMENTS, DMS, Heard, Stage, usual};

#[tokio::test]
async fn connections_end_as_their_scenario_says_after_or_before_the_press() {
    for (scenario, heard, presses) in [
        ("reset", Heard::Reset, 1),
        ("reset_before", Heard::Reset, 0),
        ("empty_reply", Heard::Empty, 1),
        ("empty_before", Heard::Empty, 0),
        ("crash", Heard::Reset, 1),
        ("crash_before", Heard::Reset, 0),
    ] {
        let stage = Stage::new().await;
        for (done, service) in DMS.into_iter().chain(COMMENTS).enumerate() {
            stage.scenario(service, scenario).await;
            assert_eq!(stage.act(service).await, heard, "{service} {scenario}");
            assert_eq!(stage.press_count(), (done + 1) * presses, "{service} {scenario}");
        }
        stage.double.shutdown().await;
    }
}

#[tokio::test]
async fn silence_comes_after_the_press_or_without_one() {
    let stage = Stage::new().await;
    for service in DMS.into_iter().chain(COMMENTS) {
        for (scenario, presses) in [("hang_before", 0), ("timeout", 1)] {
            let before = stage.press_count();
            stage.scenario(service, scenario).await;
            let heard = stage.post_impatiently(service, service.profile().path, &usual(service)).await;
            assert_eq!(heard, Heard::Silence, "{service} {scenario}");
            assert_eq!(stage.press_count() - before, presses, "{service} {scenario}");
        }
    }
}

#[tokio::test]
async fn a_service_that_crashed_refuses_until_it_is_restarted_and_then_forgot_its_counters() {
    let stage = Stage::new().await;
    let service = Service::LinkedinAutomation;
    stage.scenario(service, "crash,times=1").await;
    assert_eq!(stage.act(service).await, Heard::Reset);
    assert_eq!(stage.get(service, "/health").await, Heard::Refused);
    stage.double.restart(service).await.expect("its port is free");
    let limits = stage.get(service, "/api/linkedin/rate-limits").await.body();
    assert_eq!(limits["current"]["messagesToday"], 0);
    assert_eq!(stage.act(service).await.status(), Some(200), "the scenario was for one time");
}

#[tokio::test]
async fn instagram_comments_answers_504_after_posting_and_its_process_ends() {
    let stage = Stage::new().await;
    let service = Service::InstagramComments;
    stage.scenario(service, "gateway_timeout").await;
    assert_eq!(stage.act(service).await.status(), Some(504));
    assert_eq!(stage.press_count(), 1);
    assert_eq!(stage.act(service).await, Heard::Refused);
    assert_eq!(stage.get(service, "/health").await, Heard::Refused);
    stage.double.restart(service).await.expect("its port is free");
    assert_eq!(stage.get(service, "/health").await.status(), Some(200));
}

#[tokio::test]
async fn threads_comments_answers_504_after_posting_and_lives_on() {
    let stage = Stage::new().await;
    let service = Service::ThreadsComments;
    stage.scenario(service, "gateway_timeout,times=1").await;
    assert_eq!(stage.act(service).await.status(), Some(504));
    let again = stage.act(service).await;
    assert_eq!((again.status(), stage.press_count()), (Some(200), 1), "the work was finished, so the same comment is known");
}

#[tokio::test]
async fn the_work_goes_on_after_the_caller_hangs_up() {
    let stage = Stage::new().await;
    let service = Service::TwitterDm;
    stage.scenario(service, "ok,delay_ms=600").await;
    let heard = stage.post_impatiently(service, service.profile().path, &usual(service)).await;
    assert_eq!((heard, stage.press_count()), (Heard::Silence, 0));
    let pressed = async {
        while stage.press_count() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), pressed).await.expect("it is pressed all the same");
}

#[tokio::test]
async fn a_crash_takes_the_other_connections_and_their_work_along() {
    let stage = Stage::new().await;
    let service = Service::TwitterDm;
    stage.scenario(service, "ok,linger_ms=60000").await;
    let slow = stage.act(service);
    let crash = async {
        while stage.press_count() == 0 {
            tokio::task::yield_now().await;
        }
        stage.scenario(service, "crash_before").await;
        stage.act(service).await
    };
    assert_eq!(tokio::join!(slow, crash), (Heard::Reset, Heard::Reset));
    assert_eq!(stage.press_count(), 1);
}

#[tokio::test]
async fn a_service_that_is_down_refuses_and_comes_back_with_another_scenario() {
    let stage = Stage::new().await;
    let service = Service::TiktokDm;
    stage.scenario(service, "down").await;
    assert_eq!(stage.get(service, "/health").await, Heard::Refused);
    stage.scenario(service, "ok").await;
    assert_eq!(stage.get(service, "/health").await.status(), Some(200));
}
