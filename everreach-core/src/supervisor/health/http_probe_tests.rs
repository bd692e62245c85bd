use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::SystemClock;

/// What a listener does with each connection after it has read the request.
#[derive(Debug, Clone)]
enum Play {
    Answer(String),
    Silence,
    Drip,
    Endless,
    HangUp,
}

async fn listener(play: Play) -> HealthUrl {
    let socket = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = socket.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = socket.accept().await {
            let play = play.clone();
            tokio::spawn(async move {
                let mut request = [0; 2_048];
                let _request = stream.read(&mut request).await;
                match play {
                    Play::Answer(text) => drop(stream.write_all(text.as_bytes()).await),
                    Play::HangUp => {}
                    Play::Silence => std::future::pending().await,
                    Play::Drip => {
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n").await);
                        while stream.write_all(b".").await.is_ok() {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                        }
                    }
                    Play::Endless => {
                        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await);
                        while stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(4096)).as_bytes()).await.is_ok() {}
                    }
                }
            });
        }
    });
    format!("http://127.0.0.1:{port}/health").parse().expect("an address")
}

fn answer(status: &str, body: &str) -> Play {
    Play::Answer(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
}

async fn look(play: Play) -> HealthResult {
    let config = HealthConfig { timeout: Duration::from_millis(500), ..HealthConfig::default() };
    let probe = HttpProbe::new(&config, SystemClock::shared()).expect("a probe");
    probe.check(&listener(play).await, &"a".parse().expect("an id")).await
}

#[tokio::test]
async fn an_agent_that_says_that_it_is_well_is() {
    for body in [r#"{"status":"ok"}"#, r#"{"status":"Healthy","agent_id":"a"}"#, r#"{"uptime":3}"#, "ok", ""] {
        let result = look(answer("200 OK", body)).await;
        assert!(result.is_good(), "{body}: {result:?}");
    }
}

#[tokio::test]
async fn other_answers_fail_by_what_is_wrong_with_them() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /health\r\nContent-Length: 0\r\n\r\n".to_owned();
    for (play, failure) in [
        (answer("503 Service Unavailable", r#"{"status":"ok"}"#), ProbeFailure::BadStatus),
        (Play::Answer(redirect), ProbeFailure::BadStatus),
        (answer("200 OK", "<!doctype html><title>404</title>"), ProbeFailure::BadBody),
        (answer("200 OK", r#"{"status":"degraded"}"#), ProbeFailure::BadBody),
        (answer("200 OK", r#"{"ok":false}"#), ProbeFailure::BadBody),
        (answer("200 OK", r#"{"status":"ok","agent_id":"b"}"#), ProbeFailure::BadBody),
        (Play::Endless, ProbeFailure::BadBody),
        (Play::HangUp, ProbeFailure::Refused),
    ] {
        let result = look(play.clone()).await;
        assert_eq!(result.failure, Some(failure), "{play:?}: {result:?}");
    }
}

#[tokio::test]
async fn one_time_limit_holds_for_the_whole_of_a_look() {
    for (play, failure) in [(Play::Silence, ProbeFailure::Timeout), (Play::Drip, ProbeFailure::SlowBody)] {
        let begun = tokio::time::Instant::now();
        assert_eq!(look(play).await.failure, Some(failure));
        assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn a_port_that_nobody_listens_at_is_refused_and_a_name_without_address_is_dns() {
    let probe = HttpProbe::new(&HealthConfig::default(), SystemClock::shared()).expect("a probe");
    let agent = "a".parse().expect("an id");
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let result = probe.check(&format!("http://{closed}/").parse().expect("an address"), &agent).await;
    assert_eq!(result.failure, Some(ProbeFailure::Refused), "{result:?}");
    let result = probe.check(&"http://nowhere.invalid/".parse().expect("an address"), &agent).await;
    assert!(matches!(result.failure, Some(ProbeFailure::Dns | ProbeFailure::Timeout)), "{result:?}");
}

#[tokio::test]
async fn localhost_is_asked_by_its_name() {
    let url = listener(answer("200 OK", r#"{"status":"ok"}"#)).await.to_string().replace("127.0.0.1", "localhost");
    let probe = HttpProbe::new(&HealthConfig::default(), SystemClock::shared()).expect("a probe");
    let result = probe.check(&url.parse().expect("an address"), &"a".parse().expect("an id")).await;
    assert!(result.is_good(), "{result:?}");
}
